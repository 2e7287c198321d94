const main = document.querySelector("main"), search = document.querySelector("form[role=search]");
// What is live, child by child: those whose key and version are known stay as they are, with what is open in them.
function renew(part, fresh) {
  if (!fresh.children.length) part.textContent = fresh.textContent;
  const known = new Map([...part.children].map((child) => [child.dataset.key, child]));
  let at = part.firstElementChild;
  for (const child of [...fresh.children]) {
    let kept = known.get(child.dataset.key);
    if (kept && kept.dataset.version !== child.dataset.version) {
      child.open = kept.open;
      if (at === kept) at = child;
      kept.replaceWith(child);
      kept = child;
    }
    if (!kept) child.classList.add("new");
    if (kept && kept === at) at = at.nextElementSibling;
    else part.insertBefore(kept ?? child, at);
  }
  while (at) {
    const gone = at;
    at = at.nextElementSibling;
    gone.remove();
  }
}
// Every second, while somebody looks: the same page again, if it changed.
async function refresh() {
  if (document.hidden) return;
  const asked = location.href, active = document.activeElement;
  const focused = [active?.id, active?.closest("details")?.querySelector("summary").id].filter(Boolean);
  const answer = await fetch(asked, { headers: { "If-None-Match": main.dataset.tag }, cache: "no-store" }).catch(() => null);
  document.getElementById("gone").hidden = answer !== null;
  if (answer?.status === 404) location.replace("/inbox");
  if (answer?.status !== 200 || asked !== location.href) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) renew(part, page.getElementById(part.id));
  main.dataset.tag = page.querySelector("main").dataset.tag;
  document.title = page.title;
  if (document.activeElement === document.body) focused.map((id) => document.getElementById(id)).find(Boolean)?.focus();
  tell();
}
(async function watch() {
  await refresh();
  setTimeout(watch, 1000);
})();
// Times as they are where the reader is.
function tell() {
  for (const time of document.querySelectorAll("time:not([title])")) {
    const at = new Date(time.dateTime), today = at.toDateString() === new Date().toDateString();
    time.title = time.dateTime;
    time.textContent = at.toLocaleString([], { timeStyle: "medium", ...(today ? {} : { dateStyle: "short" }) });
  }
}
tell();
// A search shows what it finds while it is being written; a button makes it happen without leaving the page.
search?.addEventListener("input", () => {
  history.replaceState(null, "", "/inbox?" + new URLSearchParams(new FormData(search)));
  refresh();
});
document.addEventListener("submit", async (press) => {
  const form = press.target, said = form.querySelector("[role=status]") ?? document.getElementById("said");
  if (form.method !== "post") return;
  press.preventDefault();
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  const body = new URLSearchParams(new FormData(form, press.submitter));
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body, redirect: "manual" }).catch(() => null);
  said.textContent = answer?.status >= 400 ? await answer.text() : "";
  await refresh();
});
// Keys: / searches, j and k walk through the list or the mails, u goes back to the list.
document.addEventListener("keydown", (press) => {
  if (press.ctrlKey || press.metaKey || press.altKey || press.target.closest("input, select, textarea")) return;
  const rows = [...document.querySelectorAll(".row")], at = rows.indexOf(document.activeElement);
  const click = (id) => document.getElementById(id)?.click();
  const keys = {
    "/": () => document.querySelector("input[type=search]")?.focus(),
    j: () => (rows.length ? rows[Math.min(at + 1, rows.length - 1)].focus() : click("older")),
    k: () => (rows.length ? rows[Math.max(at - 1, 0)].focus() : click("newer")),
    u: () => click("back"),
  };
  if (keys[press.key]) { press.preventDefault(); keys[press.key](); }
});
