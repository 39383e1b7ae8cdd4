// One script tag on the page of an agency: a button that opens the guide in a dialog. Nothing is loaded before that.
(() => {
  "use strict";
  const script = document.currentScript;
  const home = new URL(script.src).origin;
  const WORDS = "{{words}}";
  const STYLE = "{{style}}";
  const WAIT_FOR_GUIDE = 4000;

  const scriptOf = (tag) => {
    if (/^en/i.test(tag)) return "en";
    if (!/^(zh|cmn|yue)/i.test(tag)) return "";
    if (/hans/i.test(tag)) return "zh-Hans";
    return /^yue|hant|tw|hk|mo/i.test(tag) ? "zh-Hant" : "zh-Hans";
  };
  const asked = [script.dataset.lang, document.documentElement.lang, navigator.language].map((tag) => scriptOf(tag || ""));
  const language = asked.find(Boolean) || "en";
  const words = WORDS[language];
  const address = `${home}/chat/?lang=${language}`;

  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  function build() {
    const place = element("div", { lang: language });
    const root = place.attachShadow({ mode: "open" });
    const close = element("button", { type: "button", class: "close" }, words.close);
    const frame = element("iframe", { title: words.title, allow: "clipboard-write" });
    const away = () => element("a", { href: address, target: "_blank", rel: "noopener" }, words.window);
    const blocked = element("p", { role: "status" });
    const dialog = element("dialog", { "aria-labelledby": "title" },
      element("header", {}, element("h2", { id: "title" }, words.title), away(), close), blocked, frame);
    const own = script.dataset.button && document.querySelector(script.dataset.button);
    const opener = own || element("button", { type: "button", class: "open", "aria-haspopup": "dialog" }, words.button);
    if (!own) root.append(opener);
    root.append(dialog);
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } catch {
      root.prepend(element("style", {}, STYLE));
    }
    document.body.append(place);

    let here = false;
    frame.addEventListener("load", () => {
      if (!frame.src) return;
      setTimeout(() => { if (!here) blocked.textContent = words.blocked; }, WAIT_FOR_GUIDE);
    });
    opener.addEventListener("click", () => {
      if (!frame.src) frame.src = address;
      dialog.showModal();
      close.focus();
    });
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => opener.focus());
    // The key Escape stays in the frame while somebody writes there; the guide passes it on.
    addEventListener("message", ({ source, origin, data }) => {
      if (source !== frame.contentWindow || origin !== home) return;
      if (data === "guide:ready") {
        here = true;
        blocked.textContent = "";
      } else if (data === "guide:close") dialog.close();
    });
  }

  if (document.body) build();
  else addEventListener("DOMContentLoaded", build);
})();
