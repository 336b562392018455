"use strict";
// What pages do beyond forms and links: everything works without it.
(() => {
  const copies = (root) => {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("button.copy[hidden]")) button.hidden = false;
  };

  const ready = () => {
    copies(document);
    const wrong = document.querySelector("[autofocus]");
    if (wrong) wrong.focus();
    for (const form of document.querySelectorAll("form[data-unsaved]")) guard(form);
    for (const box of document.querySelectorAll("input[data-narrows]")) narrow(box);
  };

  // A search box over the choices of one name: hidden until now, as it does nothing without us.
  const narrow = (box) => {
    box.hidden = false;
    box.addEventListener("input", () => {
      const wanted = box.value.trim().toLowerCase();
      for (const one of document.getElementsByName(box.dataset.narrows)) {
        const label = one.closest("label");
        label.hidden = !label.textContent.toLowerCase().includes(wanted);
      }
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  };

  // A form whose ticks would be lost: ask before leaving it.
  const guard = (form) => {
    const before = new URLSearchParams(new FormData(form)).toString();
    const changed = () => new URLSearchParams(new FormData(form)).toString() !== before;
    const note = form.querySelector("[data-unsaved-note]");
    let sent = false;
    form.addEventListener("change", () => { if (note) note.hidden = !changed(); });
    form.addEventListener("submit", () => { sent = true; });
    addEventListener("beforeunload", (event) => { if (!sent && changed()) event.preventDefault(); });
  };

  // The billing system's own form for a card: only the name it gives the card comes to us.
  const card = () => {
    const form = document.querySelector("form[data-card]");
    if (!form) return;
    const note = form.querySelector("[role=alert]");
    const say = (text) => { note.textContent = text; note.hidden = false; };
    if (!window.Z) return say(form.dataset.silent);
    Z.renderWithErrorHandler(JSON.parse(form.dataset.card), {}, (result) => {
      if (String(result.success) !== "true") return say(form.dataset.refused);
      form.elements["payment.zuora.refId"].value = result.refId;
      form.requestSubmit();
    }, (key, code, message) => {
      if (Z.sendErrorMessageToHpm) Z.sendErrorMessageToHpm(key, message);
      else say(message);
    });
  };
  addEventListener("load", card);

  addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (button) {
      await navigator.clipboard.writeText(button.dataset.copy);
      const words = button.firstChild;
      const before = words.data;
      words.data = "Copied";
      setTimeout(() => { words.data = before; }, 1500);
      return;
    }
    // A menu that was opened closes when something else is meant.
    for (const open of document.querySelectorAll("details.person[open]"))
      if (!open.contains(event.target)) open.open = false;
  });

  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.person[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  });

  // One click is enough; the server counts a second one once all the same.
  addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    setTimeout(() => {
      for (const button of event.target.querySelectorAll("button:not([type=button])"))
        button.setAttribute("aria-disabled", "true");
    });
  });
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[aria-disabled]"))
      button.removeAttribute("aria-disabled");
  });

  document.addEventListener("htmx:after:swap", () => copies(document));
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", ready);
  else ready();
})();
