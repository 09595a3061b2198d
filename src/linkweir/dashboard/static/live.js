// Adds new events to the list: from a stream of the server, or by polling where streams do not get through. While the
// reader is further down, has something open or works in the list, new ones wait behind a button.
// Without this script, "Reload" does the same.
"use strict";
const rows = document.getElementById("live-rows");
const state = document.getElementById("live-state");
const pauseButton = document.getElementById("live-switch");
const newButton = document.getElementById("live-new");
const pauseText = pauseButton.textContent;
const MOST = 200; // rows that are kept
const POLL_MS = 5000;
const waiting = [];
let newest = rows.dataset.newest;
let paused = false;
let source = null;
let timer = null;

function parse(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html; // made by our own server, every value in it escaped
  return holder.content.querySelector("li");
}

function list() {
  let found = rows.querySelector("ol");
  if (!found) {
    found = document.createElement("ol");
    found.className = "hits";
    rows.replaceChildren(found);
  }
  return found;
}

function isReading() {
  return rows.getBoundingClientRect().top < 0 || rows.contains(document.activeElement) ||
    rows.querySelector("details[open]") !== null;
}

function show(items) {
  const target = list();
  for (const item of items) target.prepend(item);
  while (target.children.length > MOST) target.lastElementChild.remove();
}

function showWaiting() {
  show(waiting.splice(0));
  newButton.hidden = true;
}

function take(items) {
  for (const item of items) {
    const known = document.getElementById(item.id);
    const pending = waiting.findIndex((other) => other.id === item.id);
    if (known) {
      if (!known.contains(document.activeElement) && !known.querySelector("details[open]")) known.replaceWith(item);
    } else if (pending >= 0) waiting[pending] = item;
    else waiting.push(item);
  }
  if (waiting.length && !isReading()) showWaiting();
  newButton.hidden = waiting.length === 0;
  newButton.textContent = waiting.length === 1 ? newButton.dataset.one
    : newButton.dataset.many.replace("{count}", waiting.length);
}

function withQuery(url, query) {
  return url + (url.includes("?") ? "&" : "?") + query;
}

async function poll() {
  try {
    const answer = await fetch(rows.dataset.from, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    take([...holder.content.querySelectorAll("li.hit")].reverse());
    state.textContent = state.dataset.polling;
  } catch {
    state.textContent = state.dataset.failed;
  }
}

function stop() {
  if (source) source.close();
  source = null;
  clearInterval(timer);
  timer = null;
}

function startPolling() {
  stop();
  timer = setInterval(poll, POLL_MS);
  poll();
}

function start() {
  stop();
  if (paused || document.hidden) return;
  if (typeof EventSource === "undefined") {
    startPolling();
    return;
  }
  source = new EventSource(withQuery(rows.dataset.stream, `since=${newest}`));
  source.onopen = () => { state.textContent = state.dataset.streaming; };
  source.onmessage = (event) => {
    newest = event.lastEventId || newest;
    take(JSON.parse(event.data).map((item) => parse(item.html)));
  };
  source.addEventListener("end", () => {
    stop();
    state.textContent = state.dataset.ended;
  });
  source.onerror = () => {
    if (source && source.readyState === EventSource.CLOSED) startPolling(); // refused: too many, or no streams here
    else state.textContent = state.dataset.connecting;
  };
}

pauseButton.hidden = false;
pauseButton.addEventListener("click", () => {
  paused = !paused;
  pauseButton.textContent = paused ? pauseButton.dataset.resume : pauseText;
  start();
  if (paused) state.textContent = state.dataset.paused;
});
newButton.addEventListener("click", () => {
  showWaiting();
  newButton.blur();
  document.getElementById("main").scrollIntoView();
});
document.addEventListener("visibilitychange", start);
window.addEventListener("scroll", () => { if (waiting.length && !isReading()) showWaiting(); }, { passive: true });
start();
