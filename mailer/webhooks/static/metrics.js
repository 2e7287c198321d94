"use strict";
// Text of others is written by textContent alone. The key stays in this tab.
const EVERY_MS = 60000;
const COLUMNS = { sends: "sends", deliveries: "deliveries", hard_bounces: "hard", soft_bounces: "soft",
  unclear_bounces: "unclear", not_tried: "not tried", complaints: "complaints" };
const STATES = { ok: "below AWS's limits", review: "AWS reviews the account at this rate",
  pause: "AWS may pause sending at this rate", unknown: "nothing was sent" };
const CHARTS = { sends: "Sends", hard_bounces: "Hard bounces", complaints: "Complaints" };
const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

function card(name, value, words, state) {
  const box = element("div");
  box.className = state || "";
  const shown = element("dd", value);
  shown.append(element("small", words));
  box.append(element("dt", name), shown);
  return box;
}

const percent = (share) => (share === null ? "–" : `${(share * 100).toFixed(2)} %`);

function rate(name, one) {
  const limits = `AWS reviews at ${percent(one.review_at)}, may pause at ${percent(one.pause_at)}`;
  return card(name, percent(one.rate), `${STATES[one.state]}. ${limits}.`, one.state);
}

function chart(name, label, days) {
  const values = Object.values(days).map((numbers) => numbers[name]);
  const top = Math.max(...values, 1);
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${values.length} 1`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `${label} by day: ${values.join(", ")}`);
  values.forEach((value, number) => {
    const bar = document.createElementNS(SVG, "rect");
    const size = { x: number + 0.1, y: 1 - value / top, width: 0.8, height: value / top };
    for (const [key, given] of Object.entries(size)) bar.setAttribute(key, given);
    picture.append(bar);
  });
  const figure = element("figure");
  figure.append(element("figcaption", `${label}: at most ${Math.max(...values)} a day`), picture);
  return figure;
}

function row(cells, kind) {
  const made = element("tr");
  made.append(...cells.map((cell) => element(kind, cell)));
  return made;
}

function named(id, heading, found) {
  const rows = Object.entries(found).map(([name, numbers]) =>
    row([name || "(none)", ...Object.keys(COLUMNS).map((key) => numbers[key])], "td"));
  at(id).replaceChildren(row([heading, ...Object.values(COLUMNS)], "th"), ...rows);
}

function quotaCard(quota) {
  if (quota.error) return card("Quota used", "–", `Not read: ${quota.error}`);
  const most = quota.max_24_hour_send === null ? "no limit" : `of ${quota.max_24_hour_send} in 24 hours`;
  const state = quota.used > 0.95 ? "pause" : quota.used > 0.8 ? "review" : "ok";
  const shown = quota.used === null ? quota.sent_last_24_hours : percent(quota.used);
  return card("Quota used", shown, `${quota.sent_last_24_hours} ${most}, ${quota.max_send_rate} a second`, state);
}

function show(report, bounces, quota) {
  const list = report.suppressions;
  const reasons = Object.entries(list.by_reason).map(([reason, number]) => `${number} by ${reason}`).join(", ");
  at("cards").replaceChildren(
    rate("Bounce rate", report.bounce_rate),
    rate("Complaint rate", report.complaint_rate),
    card("Sends", report.total.sends, `${report.total.deliveries} delivered`),
    card("Suppressed now", `${list.size}${list.complete ? "" : "+"}`, reasons || "nobody"),
    quotaCard(quota),
  );
  at("charts").replaceChildren(...Object.entries(CHARTS).map(([name, label]) => chart(name, label, report.days)));
  named("streams", "stream", report.by_stream);
  named("templates", "template", report.by_template);
  at("bounces").replaceChildren(row(["time (UTC)", "recipient", "stream", "what happened"], "th"),
    ...bounces.items.map((one) => row([one.at.slice(0, 19).replace("T", " "), one.recipient, one.stream, one.words], "td")));
  at("sources").replaceChildren(...Object.values({ ...report.sources, ...quota.sources }).map((words) => element("li", words)));
  at("report").hidden = false;
  const cut = report.complete ? "" : " The numbers are too low: there is more than a report reads.";
  const log = report.logged ? "" : " No message log is kept, so nothing was counted.";
  const known = report.since === null || report.since === Object.keys(report.days)[0];
  const gap = known ? "" : ` Numbers before ${report.since} may be too low.`;
  at("state").textContent = `Read at ${new Date().toISOString().slice(11, 19)} UTC.${cut}${log}${gap}`;
}

const bySession = () => at("key-form").dataset.session === "yes";

async function read(path) {
  const headers = bySession() ? {} : { authorization: `Bearer ${sessionStorage.getItem("metrics-key")}` };
  const answer = await fetch(`email/${path}`, { headers, cache: "no-store" });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${answer.status}: ${body.error}`);
  return body;
}

// The quota is SES's: the rest is shown without it.
const readQuota = () => read("quota").catch((error) => ({ error: error.message, sources: {} }));

async function refresh() {
  if (!bySession() && !sessionStorage.getItem("metrics-key")) return;
  const days = at("days").value;
  try {
    show(await read(`summary?days=${days}`), await read(`bounces?days=${days}&limit=20`), await readQuota());
  } catch (error) {
    at("state").textContent = `Not read: ${error.message}`;
  }
}

at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!bySession()) {
    if (at("key").value) sessionStorage.setItem("metrics-key", at("key").value.trim());
    at("key").value = "";
    at("key").required = false;
  }
  refresh();
});
at("days").addEventListener("change", refresh);
setInterval(refresh, EVERY_MS);
refresh();
