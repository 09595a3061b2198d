// Copies what a field holds when its button is pressed, and says so. Without it, the field can be marked by hand.
"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const said = document.getElementById("copied");
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
      said.textContent = "Copied to the clipboard.";
    } catch {
      said.textContent = "It is marked: copy it with Ctrl-C, or Cmd-C on a Mac.";
    }
  });
}
