// Compiles pages, given as JSON on standard input, with the reference compiler. Run by tools/mjml/compare.py.
const mjml = require('mjml')

let input = ''
process.stdin.on('data', (part) => (input += part))
process.stdin.on('end', async () => {
  const answers = {}
  for (const [name, text] of Object.entries(JSON.parse(input))) {
    const { html, errors } = await (mjml.default || mjml)(text, { fonts: {}, validationLevel: 'soft', keepComments: true })
    answers[name] = { html, errors: errors.map((one) => `line ${one.line}, ${one.tagName}: ${one.message}`) }
  }
  process.stdout.write(JSON.stringify(answers))
})
