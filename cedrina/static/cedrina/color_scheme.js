// Light or dark: what the reader chose on this device, otherwise what the system prefers.
"use strict";

(() => {
  const KEY = "cedrina-color-scheme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // The browser stores nothing for this page.
    }
  }

  function apply() {
    const isDark = chosen() ? chosen() === "dark" : system.matches;
    // Swagger UI has its dark colours under this class, the page of the guide, too.
    document.documentElement.classList.toggle("dark-mode", isDark);
    document.getElementById("color-scheme")?.setAttribute("aria-pressed", String(isDark));
    return isDark;
  }

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("color-scheme");
    button.hidden = false; // Without this script it would do nothing.
    button.addEventListener("click", () => {
      const next = apply() ? "light" : "dark";
      try {
        localStorage.setItem(KEY, next);
        apply();
      } catch {
        document.documentElement.classList.toggle("dark-mode", next === "dark");
        button.setAttribute("aria-pressed", String(next === "dark"));
      }
    });
    apply();
  });
})();
