// The dialog in which an incident or an event is shown and worked on, and the small forms in it.

import { Refused } from "./api.js";
import { el, find } from "./dom.js";
import { text, urls } from "./settings.js";

const dialog = find("dialog");
const body = find("dialog-body");
const notice = find("dialog-notice");
let onClosed = () => {};
let opener = null;

find("dialog-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  body.replaceChildren();
  onClosed();
  opener?.isConnected && opener.focus();
});

export const isOpen = () => dialog.open || find("help-dialog").open;

export function show(title, children, { onClose = () => {} } = {}) {
  onClosed = onClose;
  find("dialog-title").textContent = title;
  body.replaceChildren(...children);
  if (!dialog.open) {
    opener = document.activeElement;
    notice.textContent = "";
    dialog.showModal();
    find("dialog-title").focus();
  }
}

export function close() {
  if (dialog.open) dialog.close();
}

export function say(words, links = []) {
  notice.replaceChildren(words, ...links);
}

// Does something and says how it ended. What is refused is shown with the server's sentence.
export async function attempt(act, { onRefused = () => {}, speak = say } = {}) {
  try {
    await act();
    speak(text("done"));
  } catch (error) {
    const sentence = error instanceof Refused ? text("refusedBecause", { reason: error.message }) : text("offline");
    speak(sentence, confirmLink(error));
    if (error instanceof Refused && error.status === 412) speak(text("conflict"));
    onRefused(error);
  }
}

// A link to the page on which people confirm who they are, if that is what a change was refused for. It opens in a tab of
// its own, so that what they have written stays.
function confirmLink(error) {
  const asksForProof = ["reauthentication_required", "step_up_required"].includes(error.code);
  return asksForProof ? [" ", el("a", { href: urls.confirm, target: "_blank", rel: "noopener" }, text("confirm"))] : [];
}

// A button that opens a form with a reason, and calls `act` with it.
export function withReason(words, act, options = {}) {
  const button = el("button", { type: "button", "data-focus": words }, words);
  button.addEventListener("click", () => {
    const reason = el("input", { maxlength: 200, required: true, autocomplete: "off" });
    const form = el(
      "form",
      { class: "console-form" },
      el("label", {}, text("reason"), reason),
      el("p", { class: "console-quiet" }, text("noReason")),
      el(
        "div",
        { class: "console-buttons" },
        el("button", { type: "submit" }, text("send")),
        el("button", { type: "button", onclick: () => { form.replaceWith(button); button.focus(); } }, text("cancel")),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.querySelector("button[type=submit]").disabled = true;
      attempt(() => act(reason.value), {
        ...options,
        onRefused: (error) => {
          form.querySelector("button[type=submit]").disabled = false;
          options.onRefused?.(error);
        },
      });
    });
    button.replaceWith(form);
    reason.focus();
  });
  return button;
}
