// Prints what MJML's own packages publish: each element with its attributes, their types, and what may be inside it.
// Run by tools/mjml/tables.py in a folder that has the npm package `mjml`; never at run time.
const preset = require('mjml-preset-core')
const { components, dependencies } = preset.default || preset
const { version } = require('mjml/package.json')
const colors = require('mjml-core/lib/types/helpers/colors')

const elements = {}
for (const component of components) {
  const name = component.componentName
  elements[name] = {
    attributes: { ...(component.allowedAttributes || {}) },
    children: null,
    raw: component.endingTag === true,
  }
}
for (const [name, children] of Object.entries(dependencies)) {
  elements[name] = elements[name] || { attributes: {}, children: null, raw: false }
  elements[name].children = children.every((child) => typeof child === 'string') ? [...children].sort() : null
}
process.stdout.write(JSON.stringify({ version, elements, colors: colors.default || colors }))
