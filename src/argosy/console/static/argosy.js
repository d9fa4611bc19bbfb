"use strict";
// Live parts by server-sent events, filtering while typing, keys, and pointers over pictures. Every page works without.
const one = (selector) => document.querySelector(selector);
const rows = () => [...document.querySelectorAll(".members tbody tr, .runs tbody tr, .lines li, .decisions li")];

// --- live: each event carries the id of an element and its new HTML -------------------------------------------------
let stream;
function follow() {
  const url = document.body.dataset.live;
  if (stream) stream.close();
  if (!url || !window.EventSource) return;
  const pulse = one("#pulse");
  stream = new EventSource(url);
  stream.onopen = () => { pulse.hidden = false; pulse.className = ""; pulse.title = "live"; };
  stream.onerror = () => { pulse.className = "stale"; pulse.title = "connection lost: what you see may be stale"; };
  stream.addEventListener("part", (event) => {
    const { id, html, now } = JSON.parse(event.data);
    const old = document.getElementById(id);
    const clock = one(".clock time");
    if (now && clock) clock.textContent = now;
    if (!old || old.contains(document.activeElement) && id === "map") return;
    const made = document.createElement("template");
    made.innerHTML = html.trim();
    if (id === "results") return refill(old, made.content);
    const fresh = made.content.firstElementChild;
    if (old.classList.contains("here")) fresh.classList.add("here");
    if (id[0] === "m" && id !== "map") fresh.classList.add("fresh");
    const before = old.querySelector("[data-end]");
    old.replaceWith(fresh);
    toEnd(fresh, before);
  });
}

// What is being written is shown from its end, unless somebody scrolled up to read.
function toEnd(within, before) {
  const log = within.querySelector("[data-end]");
  if (!log) return;
  const reading = before && before.dataset.at !== undefined && before.dataset.at !== "end";
  log.scrollTop = reading ? Number(before.dataset.at) : log.scrollHeight;
  if (reading) log.dataset.at = before.dataset.at;
  log.addEventListener("scroll", () => {
    log.dataset.at = log.scrollTop + log.clientHeight >= log.scrollHeight - 8 ? "end" : log.scrollTop;
  });
}

// What was opened stays open, what was checked stays checked, and the line that has the focus keeps it.
function refill(place, content) {
  const checked = [...place.querySelectorAll("input:checked")].map((each) => each.value);
  content.querySelectorAll("input[type=checkbox]").forEach((each) => { each.checked = checked.includes(each.value); });
  const open = [...place.querySelectorAll("details[open]")].map((each) => each.id);
  const at = place.contains(document.activeElement) && document.activeElement.closest("details")?.id;
  place.replaceChildren(content);
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  if (at) document.getElementById(at)?.querySelector("summary").focus();
}

// --- filtering while typing ------------------------------------------------------------------------------------------
let timer, latest = 0;
async function filter(form) {
  const query = new URLSearchParams(new FormData(form));
  [...query].forEach(([name, value]) => value || query.delete(name));
  const url = form.getAttribute("action") + (query.size ? "?" + query : "");
  const turn = ++latest;
  const answer = await fetch(url, { headers: { "X-Fragment": form.dataset.target } });
  const html = await answer.text();
  if (turn !== latest) return;
  if (answer.headers.get("X-Live")) document.body.dataset.live = answer.headers.get("X-Live");
  document.getElementById(form.dataset.target).innerHTML = html;
  history.replaceState(null, "", url);
  follow();
}
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-target]");
  if (!form) return;
  clearTimeout(timer);
  timer = setTimeout(() => filter(form), 220);
});

// --- keys --------------------------------------------------------------------------------------------------------------
let jump = "";
const places = { f: "/", d: "/datasets", e: "/events", a: "/alerts", p: "/plan", r: "/runs", x: "/experiments", m: "/models" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && typing) return typing.blur();
  if (typing) return;
  if (jump === "g" && places[event.key]) return void (location.href = places[event.key]);
  jump = event.key;
  const query = one("#query");
  if (event.key === "/" && query) { event.preventDefault(); query.focus(); query.select(); }
  const all = rows(), at = all.findIndex((row) => row.classList.contains("here"));
  if ((event.key === "j" || event.key === "k") && all.length) {
    const to = Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), all.length - 1);
    if (at >= 0) all[at].classList.remove("here");
    all[to].classList.add("here");
    all[to].scrollIntoView({ block: "nearest" });
  }
  if (event.key === "Enter" && at >= 0 && event.target === document.body) all[at].querySelector("a")?.click();
});

// --- pointers: the crosshair of a chart, and the cells of a large map ------------------------------------------------------
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);
function point(event, text) {
  tip.textContent = text;
  tip.hidden = false;
  tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = event.clientY - 30 + "px";
}
function cell(map, event) {
  const box = map.getBoundingClientRect(), scale = map.viewBox.baseVal.width / box.width;
  const { pitch, across, count } = map.dataset;
  const place = Math.floor((event.clientX - box.left) * scale / pitch) + Math.floor((event.clientY - box.top) * scale / pitch) * across;
  return place >= 0 && place < count ? place : -1;
}
document.addEventListener("pointermove", (event) => {
  const chart = event.target.closest?.(".chart");
  tip.hidden = true;
  if (!chart) return;
  chart.points ??= JSON.parse(chart.dataset.chart);
  const box = chart.getBoundingClientRect(), x = (event.clientX - box.left) * chart.viewBox.baseVal.width / box.width;
  const near = chart.points.reduce((best, each) => (!best || Math.abs(each[0] - x) < Math.abs(best[0] - x) ? each : best), null);
  if (!near || event.target.closest(".mark")) return;
  const cross = chart.querySelector(".cross");
  cross.setAttribute("x1", near[0]);
  cross.setAttribute("x2", near[0]);
  point(event, `${near[1]}  ${chart.dataset.name} ${near[2]}`);
});
document.addEventListener("click", (event) => {
  const map = event.target.closest?.(".map[data-count]");
  if (!map || event.target.closest("a")) return;
  const place = cell(map, event);
  if (place >= 0) location.href = `/fleets/${encodeURIComponent(map.dataset.fleet)}/cell/${place}`;
});

// --- the addresses that clients of MLflow print ---------------------------------------------------------------------------
const told = location.hash.match(/^#\/(?:experiments\/(\d+)(?:\/runs\/(\w+))?|models\/([^/]+))/);
if (told) location.replace(told[3] ? `/models/${told[3]}` : told[2] ? `/tracked/${told[2]}` : `/experiments/${told[1]}`);

toEnd(document);
follow();
