// Shows the values of a chart's step under it: of the one under the pointer, or by the arrow keys while the chart has
// the focus. Without this script the browser shows them as tooltips, and the table below has all of them.
"use strict";
for (const chart of document.querySelectorAll("svg.chart")) {
  const box = chart.closest(".scroll");
  const value = chart.closest("figure").querySelector(".chart-value");
  const steps = [...chart.querySelectorAll(".step")];
  let at = -1;

  function pick(index) {
    if (at >= 0) steps[at].classList.remove("on");
    at = index;
    steps[at].classList.add("on");
    value.textContent = steps[at].querySelector("title").textContent;
  }

  box.addEventListener("focus", () => {
    if (at < 0) value.textContent = value.dataset.hint;
  });
  box.addEventListener("keydown", (event) => {
    const last = steps.length - 1;
    const next = {
      ArrowLeft: at < 0 ? last : Math.max(0, at - 1), ArrowRight: Math.min(last, at + 1), Home: 0, End: last,
    }[event.key];
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    pick(next);
    steps[at].scrollIntoView({ block: "nearest", inline: "center" });
  });
  steps.forEach((step, index) => step.addEventListener("pointerenter", () => pick(index)));
}
