// Mend what Swagger UI draws for keyboards and screen readers (WCAG 2.2, 2.1.1 and 4.1.2), whenever it draws something.
"use strict";

(() => {
  function name(list) {
    if (list.hasAttribute("aria-label")) return;
    const row = list.closest("tr, .parameters");
    const of = row?.dataset.code ?? row?.dataset.paramName;
    const what = list.id === "servers" ? "Server" : list.closest(".examples-select") ? "Example" : "Media type";
    list.setAttribute("aria-label", of ? `${what} for ${of}` : what);
  }

  const area = document.getElementById("swagger-ui");
  new MutationObserver(() => {
    area.querySelectorAll("select").forEach(name);
    // A code sample that is wider than the window is scrolled by keyboard.
    area.querySelectorAll("pre.microlight").forEach((sample) => sample.setAttribute("tabindex", "0"));
    // A link inside of the button that opens a call. The button does the same, the address of the call included.
    area.querySelectorAll(".opblock-summary-control a[href]").forEach((link) => link.removeAttribute("href"));
  }).observe(area, { childList: true, subtree: true });
})();
