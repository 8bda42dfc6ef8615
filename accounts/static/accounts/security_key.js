// Let a person confirm with a security key or a passkey: the answer of the browser is sent in the page's own form.
"use strict";

(() => {
  const button = document.getElementById("security-key");
  const message = document.getElementById("security-key-message");
  const options = JSON.parse(document.getElementById("security-key-options").textContent);

  function say(text) {
    message.textContent = text;
    message.hidden = !text;
  }

  async function answer() {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    const credential = await navigator.credentials.get({ publicKey });
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = button.dataset.field;
    field.value = JSON.stringify(credential.toJSON());
    button.after(field);
    // Past the empty field of the code. A hidden field of the change may be called "submit".
    HTMLFormElement.prototype.submit.call(button.form);
  }

  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    say(button.dataset.unsupported);
    return;
  }
  button.hidden = false;
  if (button.hasAttribute("data-first")) button.focus();
  button.addEventListener("click", async () => {
    button.disabled = true;
    say("");
    try {
      await answer();
    } catch {
      button.disabled = false;
      say(button.dataset.failed);
      button.focus();
    }
  });
})();
