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
      button.textContent = notice.dataset.copied;
      notice.textContent = notice.dataset.done;
    } catch {
      notice.textContent = notice.dataset.selected;
    }
  });
}
