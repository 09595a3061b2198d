// Copies a field's value when its button is pressed. Without a clipboard, the text is selected for copying.
"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const notice = document.getElementById("copied");
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
      notice.textContent = "Copied to the clipboard.";
    } catch {
      notice.textContent = "The text is selected: copy it with Ctrl-C, or Cmd-C on a Mac.";
    }
  });
}
