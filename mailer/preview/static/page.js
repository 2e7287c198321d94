"use strict";
// The gallery: a list of templates, and one of them as chosen. The address bar holds the choice, so that reload keeps it.

const POLL = 1000; // milliseconds between two looks at the files
const at = (id) => document.getElementById(id);
const controls = at("controls");
const state = { version: "", commit: "", known: [], lines: [] };

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

const isComparing = () => Boolean(chosen()) && !at("difference").hidden;
const look = () => at("looks").elements.look.value;

// Two pages of the same size, beside each other or one over the other, and no wider than the window.
const fitPair = () => {
  const pair = at("pair");
  const width = Number(controls.elements.width.value);
  const frames = [at("before"), at("after")];
  pair.className = look() === "side" ? "side" : `over ${look()}`;
  at("split").style.visibility = look() === "slider" ? "visible" : "hidden";
  pair.style.setProperty("--split", `${at("split").value}%`);
  const columns = look() === "side" && pair.clientWidth > 700 ? 2 : 1;
  const scale = Math.min(1, ((pair.clientWidth - 20) / columns - 4) / width);
  for (const frame of frames) Object.assign(frame, { width, height: 10 });
  const height = Math.max(...frames.map((frame) => frame.contentDocument?.documentElement?.scrollHeight ?? 600));
  for (const frame of frames) {
    Object.assign(frame, { height });
    frame.style.transform = `scale(${scale})`;
    Object.assign(frame.parentElement.style, { width: `${width * scale + 2}px`, height: `${height * scale + 2}px` });
  }
};

// The page of a frame as an image, which loads no image of the mail's own; the browser lets no script read a frame itself.
const pixels = async (frame) => {
  const page = new XMLSerializer().serializeToString(frame.contentDocument.documentElement);
  const [width, height] = [frame.width, frame.height].map(Number);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><foreignObject width="100%" height="100%">${page}</foreignObject></svg>`;
  const image = make("img", { src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}` });
  await image.decode();
  const context = make("canvas", { width, height }).getContext("2d");
  context.drawImage(image, 0, 0);
  return new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
};

const share = async () => {
  const [before, after] = await Promise.all([at("before"), at("after")].map(pixels));
  const changed = after.reduce((count, pixel, index) => count + (pixel !== before[index]), 0);
  return `(${new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 2 }).format(changed / after.length)})`;
};

const measure = async () => {
  fitPair();
  at("share").textContent = await share().catch(() => ""); // a page that is being left, or that is no XML
};

const changed = ([part, words]) => {
  const text = words.map(([what, content]) => make({ same: "span", gone: "del", new: "ins" }[what], { textContent: content }));
  return [make("h3", { textContent: part }), make("pre", {}, ...text)];
};

const compare = async () => {
  const name = chosen();
  const { problem, parts = {}, label, commit = "" } = await fetched(`/difference/${name}?${query()}`);
  if (name !== chosen()) return;
  state.commit = commit;
  const names = Object.keys(parts).join(", ");
  const [mark, words] = problem ? ["unknown", problem] : names ? ["changed", names] : ["same", "No difference"];
  at("verdict").replaceChildren(
    make("span", { className: `mark ${mark}`, textContent: mark }), make("span", { textContent: words }),
    make("small", { textContent: label ? `Compared with commit ${label}: its files, with today's class, sample and brand.` : "" }));
  at("compare").hidden = !parts.HTML;
  at("changes").replaceChildren(...Object.entries(parts).flatMap(changed));
  if (!parts.HTML) return;
  at("before").src = `/mail/${name}?commit=last&${query()}`;
  at("after").src = `/mail/${name}?${query()}`;
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
  if (isComparing()) compare();
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
    const { version, commit } = await fetched(`/version/${isComparing() ? chosen() : ""}`);
    if (state.version && version !== state.version) await load();
    else if (isComparing() && commit !== state.commit) await compare();
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
  if (isComparing()) compare();
});
at("looks").addEventListener("input", fitPair);
at("split").addEventListener("input", fitPair);
for (const id of ["before", "after"]) at(id).addEventListener("load", measure);
addEventListener("resize", fitPair);
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
controls.addEventListener("change", ({ target }) => {
  if (target.name !== "width") return show();
  fit();
  measure();
});
addEventListener("hashchange", show);
load().then(poll);
