// Reloads the list of clicks every few seconds while the page is visible. Without it, "Reload" does the same.
"use strict";
const rows = document.getElementById("live-rows");
const state = document.getElementById("live-state");
const button = document.getElementById("live-switch");
let on = true;

async function refresh() {
  if (!on || document.hidden || rows.querySelector("details[open]")) return;
  try {
    const answer = await fetch(rows.dataset.from, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    if (!on) return;
    if (text !== rows.dataset.last) rows.innerHTML = text; // made by our own server, every value in it escaped
    rows.dataset.last = text;
    state.textContent = "Up to date; new clicks appear automatically.";
  } catch {
    state.textContent = "The list could not be refreshed; trying again.";
  }
}

button.hidden = false;
button.addEventListener("click", () => {
  on = !on;
  button.textContent = on ? "Pause" : "Resume";
  state.textContent = on ? "New clicks appear automatically." : "Paused.";
  refresh();
});
setInterval(refresh, 3000);
refresh();
