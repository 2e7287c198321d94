"use strict";
// The gallery: a list of templates, and one of them as chosen. The address bar holds the choice, so that reload keeps it.

const POLL = 1000; // milliseconds between two looks at the files
const at = (id) => document.getElementById(id);
const controls = at("controls");
const state = { version: "", known: [], lines: [] };

const make = (tag, attributes, ...content) => {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...content);
  return element;
};
const fetched = async (path) => (await fetch(path)).json();
const chosen = () => decodeURIComponent(location.hash.slice(1).split("?")[0]);

const query = () => {
  const form = new FormData(controls);
  form.delete("width");
  return new URLSearchParams([...form].filter(([, value]) => value)).toString();
};

const list = () => {
  const words = at("filter").value.toLowerCase();
  const areas = new Map();
  for (const one of state.known) {
    if (!`${one.name} ${one.about}`.toLowerCase().includes(words)) continue;
    areas.set(one.area, [...(areas.get(one.area) ?? []), one]);
  }
  at("list").replaceChildren();
  for (const [area, templates] of areas) {
    at("list").append(make("h3", { textContent: area }));
    for (const { name } of templates) {
      const link = make("a", { href: `#${name}`, textContent: name.replaceAll("_", " ") });
      if (name === chosen()) link.setAttribute("aria-current", "page");
      at("list").append(link);
    }
  }
};

const gallery = () => {
  at("gallery").replaceChildren(
    ...state.known.map(({ name, about }) =>
      make("a", { href: `#${name}` },
        make("div", { className: "look" }, make("iframe", { src: `/mail/${name}`, loading: "lazy", scrolling: "no", tabIndex: -1, title: "" })),
        make("strong", { textContent: name.replaceAll("_", " ") }), make("small", { textContent: about })),
    ),
  );
};

const fit = () => {
  const frame = at("mail");
  frame.width = controls.elements.width.value;
  frame.height = 10;
  frame.height = (frame.contentDocument?.documentElement?.scrollHeight ?? 600) + 4;
};

// The comment before an element names the line that it comes from: mailer/preview/source_lines.py.
const point = (event) => {
  event.preventDefault();
  const document = event.target.ownerDocument;
  const comments = document.createTreeWalker(document, NodeFilter.SHOW_COMMENT);
  let number = -1;
  while (comments.nextNode()) {
    const here = comments.currentNode;
    if (!(here.compareDocumentPosition(event.target) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
    number = Number(/^at-(\d+)$/.exec(here.data)?.[1] ?? number);
  }
  at("place").textContent = state.lines[number] ?? "This template has no MJML.";
};

const check = async (name) => {
  const { problem, checks } = await fetched(`/checks/${name}?${query()}`);
  const item = ({ state: mark, summary, details, name: what }) =>
    make("li", {}, make("strong", { className: mark, textContent: `${mark}: ${what} ` }), summary,
      ...details.map((text) => make("div", { textContent: `· ${text}` })));
  document.querySelector("#checks ul").replaceChildren(...(problem ? [problem] : checks.map(item)));
};

const show = async () => {
  const name = chosen();
  document.querySelector("main").hidden = !name;
  at("gallery").hidden = Boolean(name);
  list();
  if (!name) return gallery();
  at("name").textContent = name.replaceAll("_", " ");
  at("about").textContent = state.known.find((one) => one.name === name)?.about ?? "";
  at("mail").src = `/mail/${name}?lines=on&${query()}`;
  state.lines = await fetched(`/lines/${name}`);
  check(name);
  const parts = await fetched(`/parts/${name}?${query()}`);
  if (name !== chosen()) return;
  at("problem").hidden = !parts.problem;
  at("problem").textContent = parts.problem;
  at("subject").textContent = parts.subject ?? "";
  const { html, text, mime } = parts.sizes ?? {};
  at("sizes").textContent = parts.sizes
    ? `HTML ${html} bytes${parts.clipped ? ", which Gmail clips" : ""} · text ${text} · whole ${mime}${parts.secret ? " · holds a secret: not tracked" : ""}`
    : "";
  document.querySelector("#text pre").textContent = parts.text ?? "";
  document.querySelector("#headers table").replaceChildren(
    ...(parts.headers ?? []).map(([key, value]) =>
      make("tr", {}, make("td", { textContent: key }), make("td", { textContent: value }))),
  );
};

const load = async () => {
  const found = await fetched("/templates");
  state.known = found.templates;
  at("send").hidden = !found.recipient;
  at("send").textContent = `Send to ${found.recipient}`;
  document.title = found.brand ? `Templates of ${found.brand}` : "Templates";
  for (const field of ["locale", "second"]) {
    const select = controls.elements[field];
    const before = select.value;
    const empty = field === "second" ? [make("option", { value: "", textContent: "none" })] : [];
    select.replaceChildren(...empty, ...found.languages.map((tag) => make("option", { value: tag, textContent: tag })));
    select.value = before || (field === "locale" ? "en" : "");
  }
  await show();
};

const poll = async () => {
  try {
    const { version } = await fetched("/version");
    if (state.version && version !== state.version) await load();
    state.version = version;
  } catch {
    // The command has ended; it may come back.
  }
  setTimeout(poll, POLL);
};

at("tabs").addEventListener("click", ({ target }) => {
  if (target.role !== "tab") return;
  for (const tab of at("tabs").children) {
    const isChosen = tab === target;
    tab.setAttribute("aria-selected", isChosen);
    at(tab.getAttribute("aria-controls")).hidden = !isChosen;
  }
  fit();
});
at("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(document.querySelector("#text pre").textContent);
  at("copied").textContent = "Copied";
});
at("mail").addEventListener("load", () => {
  at("mail").contentDocument?.addEventListener("click", point);
  fit();
});
at("send").addEventListener("click", async () => {
  at("sent").textContent = "sending";
  const answer = await fetch(`/send/${chosen()}?${query()}`, { method: "POST" });
  at("sent").textContent = (await answer.json()).said;
});
at("filter").addEventListener("input", list);
controls.addEventListener("change", ({ target }) => (target.name === "width" ? fit() : show()));
addEventListener("hashchange", show);
load().then(poll);
