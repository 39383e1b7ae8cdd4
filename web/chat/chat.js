"use strict";

// The page works without this script. With it an answer is kept while the connection is away, sent once, and read out.
// What comes from outside is put in as text. The draft and what is not sent yet live in sessionStorage only.
(() => {
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;
  const { find, hosts, echo, fax } = document.body.dataset;
  const SHOW_WAITING_AFTER = 400;
  const PATIENCE = 20000;
  const UPLOAD_PATIENCE = 120000;
  const FIRST_PAUSE = 1000;
  const LONGEST_PAUSE = 30000;
  const WARN_BEFORE = 120000;
  const READ_OUT = 15000;
  const SHOW_COPIED = 3000;
  const LOOK_AGAIN = 30000;

  let busy = false;
  let stale = false;
  let pause = FIRST_PAUSE;
  let retryTimer = 0;
  let endTimers = [];
  let hoursNow = "";
  let hoursTimer = 0;

  // ---- what is kept in this tab

  const shelf = new Map();
  const kept = {
    get(name) {
      try { return sessionStorage.getItem(name); } catch { return shelf.get(name); }
    },
    set(name, value) {
      try { value ? sessionStorage.setItem(name, value) : sessionStorage.removeItem(name); } catch { shelf.set(name, value); }
    },
    get queue() { return JSON.parse(kept.get("queue") || "[]"); },
    set queue(value) { kept.set("queue", value.length ? JSON.stringify(value) : ""); },
  };

  function forget() {
    kept.queue = [];
    kept.set("draft", "");
    if (byId("answer")) byId("answer").value = "";
  }

  // ---- talking to the server

  async function call(method, path, { body, json, html } = {}) {
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), PATIENCE);
    const headers = { "Accept-Language": root.lang, Accept: html ? "text/html" : "application/json" };
    if (json) headers["Content-Type"] = "application/json";
    if (kept.get("token")) headers.Authorization = `Bearer ${kept.get("token")}`;
    try {
      const response = await fetch(path, {
        method, headers, body: json ? JSON.stringify(json) : body, cache: "no-store", signal: control.signal,
      });
      const answer = html ? await response.text() : await response.json();
      return { status: response.status, answer, wait: Number(response.headers.get("Retry-After")) * 1000 };
    } finally {
      clearTimeout(timer);
    }
  }

  // ---- showing

  const word = (key, values = {}) =>
    Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), JSON.parse(document.body.dataset.words)[key]);

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const foreign = (language) => (language === root.lang ? "" : language);
  const outside = (url) => (/^http/.test(url) ? { target: "_blank", rel: "noopener noreferrer" } : {});

  function pieces(text, key) {
    const links = key && !new RegExp(echo).test(key);
    const made = [];
    let end = 0;
    for (const found of text.matchAll(new RegExp(find, "g"))) {
      const [whole, email, address, phone] = found;
      made.push(text.slice(end, found.index));
      end = found.index + whole.length;
      let href = "";
      if (links && email) href = `mailto:${email}`;
      if (links && phone && phone !== fax) href = `tel:+${phone.replace(/\D/g, "").replace(/^(\d{10})$/, "1$1")}`;
      if (links && address) {
        const url = new URL(address.includes("://") ? address : `https://${address}`);
        if (new RegExp(hosts).test(url.hostname)) href = url.href;
      }
      const mark = email || address ? "" : "n";
      made.push(href ? element("a", { href, class: mark, ...outside(href) }, whole) : mark ? element("span", { class: mark }, whole) : whole);
    }
    return [...made, text.slice(end)];
  }

  function showMessage({ from, text, language, key, attachments = [] }) {
    const item = element("li", { class: from }, element("p", { class: "who" }, word(from === "person" ? "you" : "guide")));
    item.append(element("p", { dir: "auto", lang: foreign(language) }, ...pieces(text, from === "guide" && key)));
    for (const { url, title } of attachments) {
      if (/^(https?:|\/chat\/|mailto:|tel:)/.test(url)) {
        const link = element("a", { href: url, target: "_blank", rel: "noopener noreferrer", lang: foreign(language) }, title);
        item.append(element("p", {}, link));
      }
    }
    byId("messages").append(item);
    return item;
  }

  // The name of a language stands in that language.
  const buttonsOf = (replies) => replies.flatMap(({ buttons = [], language }) => buttons.map((one) =>
    ({ ...one, language: (/^\/switch_language\{"language":"([\w-]+)"/.exec(one.payload) || ["", language])[1] })));

  function showChoices(buttons) {
    byId("choices").replaceChildren(...buttons.map(({ title, payload, language }) =>
      element("button", { name: "payload", value: payload, lang: foreign(language) }, title)));
  }

  // The one region that is read out: each text once, and gone again before anybody walks through the page.
  function announce(text, language) {
    if (!text) return;
    const line = element("p", { lang: foreign(language || root.lang) }, text);
    byId("live").append(line);
    setTimeout(() => line.remove(), READ_OUT);
  }

  function announceReplies(replies) {
    const titles = buttonsOf(replies).map(({ title }) => title);
    const parts = [word("guide"), ...replies.map(({ text }) => text)];
    if (titles.length) parts.push(word("choices", { n: titles.length, list: titles.join(word("comma")) }));
    announce(parts.join(" "), replies[0] && replies[0].language);
  }

  function tell(text, mayRetry = false) {
    const line = byId("banner").querySelector("p");
    const news = text !== line.textContent;
    byId("banner").hidden = !text;
    byId("banner").replaceChildren(line);
    line.textContent = text;
    byId("again").hidden = !mayRetry;
    if (news) announce(text);
  }

  const isOpen = () => byId("top").dataset.session === "1";

  // Puts the parts of a page in the places of those that are here.
  function put(text, everything) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const other = page.documentElement.lang !== root.lang;
    const before = byId("messages").children.length;
    const talk = everything || other || (!kept.queue.length && page.getElementById("top").dataset.said !== String(before));
    root.lang = page.documentElement.lang;
    document.title = page.title;
    document.body.dataset.words = page.body.dataset.words;
    for (const part of page.querySelectorAll("[data-part]")) {
      const mine = byId(part.id);
      if (["messages", "choices", "form"].includes(part.id) && !talk) continue;
      if (["banner", "again", "ending"].includes(part.id) && !everything) continue;
      if (!everything && part.id === "more" && ["file", "year", "code", "born"].some((id) => byId(id) && byId(id).value)) continue;
      tidy(part);
      if (part.id === "help" && !other && hoursNow) part.querySelector("#hours-now").textContent = hoursNow;
      if (part.id === "form" && !part.querySelector("textarea").value) part.querySelector("textarea").value = byId("answer").value;
      for (const box of part.querySelectorAll("details[id]")) {
        const before = byId(box.id);
        if (before && before.dataset.touched) {
          box.open = before.open;
          box.dataset.touched = "1";
        }
      }
      if (part.id === "more" && byId("kind") && part.querySelector("#kind")) part.querySelector("#kind").value = byId("kind").value;
      const focus = mine.contains(document.activeElement) && document.activeElement;
      if (!mine.isEqualNode(part)) mine.replaceWith(document.adoptNode(part));
      if (focus && !focus.isConnected) {
        const name = ["value", "href", "data-copy"].find((one) => focus.getAttribute(one));
        const same = name ? `[${name}="${CSS.escape(focus.getAttribute(name))}"]` : "none";
        const again = focus.id ? byId(focus.id) : byId(part.id).querySelector(same);
        if (again) again.focus({ preventScroll: true });
      }
    }
    // What came without having been asked for here: from another tab, or because a request arrived in the end.
    if (talk && !everything && !other) {
      for (const item of [...byId("messages").children].slice(before)) announce(item.textContent.trim().replace(/\s+/g, " "));
    }
    if (talk) for (const { shown } of kept.queue) showMessage({ from: "person", text: shown });
    watchTheEnd();
    if (other) showHours();
  }

  // An answer gets its id when it is given, not when the page was made.
  function tidy(part) {
    for (const field of part.querySelectorAll("input[name=message]")) field.remove();
  }

  async function look(everything = false) {
    // Without a connection the page stays as it is; what is sent next tells of that.
    root.dataset.looking = "1";
    const known = everything ? "" : `?said=${byId("messages").children.length}&shown=${root.lang}`;
    const got = await call("GET", `/chat/${known}`, { html: true }).catch(() => ({ status: 0 }));
    if (got.status && got.status < 500 && !busy) put(got.answer, everything);
    delete root.dataset.looking;
  }

  // ---- one answer after the other; the same id until it is answered

  const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  function say(content, shown) {
    kept.queue = [...kept.queue, { body: { id: newId(), ...content }, shown }];
    showMessage({ from: "person", text: shown }).scrollIntoView({ block: "nearest" });
    showChoices([]);
    deliver();
  }

  async function deliver() {
    clearTimeout(retryTimer);
    const [first] = kept.queue;
    if (!first || busy) return;
    if (navigator.onLine === false) return tell(word("offline"), true);
    busy = true;
    const slow = setTimeout(() => { byId("waiting").hidden = false; }, SHOW_WAITING_AFTER);
    let outcome;
    try {
      outcome = await call("POST", "/chat/messages", { json: first.body });
    } catch {
      outcome = { status: 0 };
    }
    clearTimeout(slow);
    byId("waiting").hidden = true;
    busy = false;
    const { status, answer, wait } = outcome;
    if (status === 200) await answered(answer);
    else if (status === 401) await lost();
    else if (status === 0 || status === 429 || status >= 500) later(status ? answer.message : "", wait);
    else giveBack(first, answer.message);
  }

  async function answered({ replies, state }) {
    kept.queue = kept.queue.slice(1);
    pause = FIRST_PAUSE;
    if (!byId("again").hidden) {
      tell("");
      announce(word("sent"));
    } else tell("");
    const focused = document.activeElement;
    if (stale) {
      stale = false;
      await look(true);
    } else if (!kept.queue.length) {
      const shown = replies.map((reply) => showMessage({ from: "guide", ...reply }));
      showChoices(buttonsOf(replies));
      if (shown.length) shown[0].scrollIntoView({ block: "start" });
    } else replies.forEach((reply) => showMessage({ from: "guide", ...reply }));
    announceReplies(replies);
    if (!focused || focused === document.body || !focused.isConnected) rest();
    if (kept.queue.length) return deliver();
    byId("top").dataset.fresh = "0";
    await look(state.language !== root.lang);
  }

  // Where to go on: the box, but on a telephone that would bring up the keyboard.
  function rest() {
    const place = matchMedia("(pointer: coarse)").matches && byId("choices").children.length ? byId("choices") : byId("answer");
    place.focus({ preventScroll: true });
  }

  function later(message, wait) {
    tell(message || word(navigator.onLine === false ? "offline" : "not_sent"), true);
    retryTimer = setTimeout(deliver, wait || pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }

  function giveBack({ body, shown }, message) {
    kept.queue = kept.queue.slice(1);
    if (body.text) setDraft(shown);
    tell(message);
    look(true).then(() => tell(message));
  }

  function setDraft(text) {
    byId("answer").value = text;
    kept.set("draft", text);
  }

  function sendTyped() {
    const text = byId("answer").value;
    if (!text.trim()) return byId("answer").focus();
    setDraft("");
    say({ text }, text);
  }

  // ---- sessions

  // Where the browser keeps no cookie for us (in a frame of another site) the token stays in this tab.
  // A code that opens nothing changes nothing; what is wrong is told beside its field.
  async function openHere(body) {
    const { status, answer } = await call("POST", "/chat/session", { json: body });
    const opened = status === 201;
    if (!opened && body.resume_code) {
      refuse(byId(/birth_year/.test(answer.error) ? "born" : "code"), answer.message);
      return false;
    }
    kept.set("token", opened ? answer.session : "");
    if (!opened) tell(answer.message);
    await look(true);
    return opened;
  }

  function refuse(field, text) {
    if (byId("wrong")) byId("wrong").remove();
    for (const one of document.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
    field.before(element("p", { id: "wrong", class: "wrong" }, text));
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", field.id === "code" ? "wrong" : "born-hint wrong");
    field.focus();
  }

  async function open() {
    try {
      if (window === top && !kept.get("token")) {
        const { answer } = await call("POST", "/chat/begin", { html: true, body: new URLSearchParams({ language: root.lang }) });
        put(answer, true);
      } else if (kept.get("token")) await look(true);
      if (!isOpen()) await openHere({ language: root.lang });
    } catch {
      tell(word("not_sent"), true);
    }
    if (isOpen()) return deliver();
    retryTimer = setTimeout(open, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }

  async function lost() {
    const [first] = kept.queue;
    if (byId("top").dataset.fresh === "1" && (await openHere({ language: root.lang }))) return deliver();
    kept.queue = [];
    if (first && first.body.text) setDraft(first.shown);
    kept.set("token", "");
    tell(word("over"));
  }

  function watchTheEnd() {
    endTimers.forEach(clearTimeout);
    const left = byId("top").dataset.left * 1000;
    byId("ending").hidden = !isOpen() || left > WARN_BEFORE;
    if (!isOpen() || !left) return;
    endTimers = [
      setTimeout(() => { byId("ending").hidden = false; tell(word("ending")); }, Math.max(0, left - WARN_BEFORE)),
      setTimeout(() => { byId("ending").hidden = true; tell(word("over")); }, left),
    ];
  }

  // When somebody answers the telephone, in the person's own time zone.
  async function showHours() {
    const zone = encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone || "");
    const { status, answer } = await call("GET", `/chat/hours?language=${root.lang}&zone=${zone}`).catch(() => ({}));
    if (status !== 200) return;
    hoursNow = answer.now;
    byId("hours-now").textContent = hoursNow;
    clearTimeout(hoursTimer);
    hoursTimer = setTimeout(showHours, Math.min(Math.max(new Date(answer.changes_at) - Date.now(), 60000), 2 ** 31 - 1));
  }

  // ---- forms

  async function submit(form, by) {
    const path = new URL(form.action).pathname;
    const data = new URLSearchParams(new FormData(form));
    if (by && by.name) data.append(by.name, by.value);
    const token = kept.get("token");
    try {
      if (token && path === "/chat/renew") {
        const { status, answer } = await call("POST", "/chat/session/renew");
        if (status === 200) kept.set("token", answer.session);
        await look(true);
      } else if (token && (path === "/chat/begin" || path === "/chat/resume")) {
        const { code, birth_year } = Object.fromEntries(data);
        if (!(await openHere(code ? { resume_code: code, birth_year: birth_year.trim() || null } : { language: root.lang }))) return;
        if (code) forget();
      } else {
        const { answer } = await call("POST", path, { html: true, body: data });
        if (path === "/chat/erase") kept.set("token", "");
        for (const box of document.querySelectorAll("#save, #resume")) delete box.dataset.touched;
        put(answer, true);
        const field = document.querySelector("[aria-invalid]");
        if (field) return field.focus();
        if (path === "/chat/erase" || path === "/chat/resume") forget();
      }
      if (path === "/chat/renew") announce(word("stayed"));
      if (path === "/chat/renew" || path === "/chat/resume" || path === "/chat/begin") {
        announce(byId("banner").firstElementChild.textContent);
        byId("answer").focus();
      } else {
        // The focus has it read out: its text describes it.
        byId("banner").tabIndex = -1;
        byId("banner").focus();
      }
    } catch {
      tell(word("not_sent"));
    }
  }

  function upload(file) {
    if (!file) return byId("file").click();
    const bar = byId("sent");
    const request = new XMLHttpRequest();
    const data = new FormData();
    data.append("kind", byId("kind").value);
    data.append("file", file);
    request.open("POST", "/chat/documents");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Accept-Language", root.lang);
    if (kept.get("token")) request.setRequestHeader("Authorization", `Bearer ${kept.get("token")}`);
    request.upload.onprogress = ({ loaded, total }) => {
      wait();
      bar.value = Math.round((loaded / total) * 100);
      byId("banner").querySelector("p").textContent = word("uploading", { percent: bar.value });
    };
    // Silence ends it, as with an answer; while some of a large paper still goes out, there is none.
    let silence;
    const wait = () => {
      clearTimeout(silence);
      silence = setTimeout(() => request.abort(), UPLOAD_PATIENCE);
    };
    request.onloadend = () => clearTimeout(silence);
    request.onabort = request.onerror = () => {
      bar.hidden = true;
      tell(word("upload_failed"));
      look();
    };
    request.onload = async () => {
      bar.hidden = true;
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { return request.onerror(); }
      if (request.status < 500) {
        byId("file").value = "";
        byId("camera").value = "";
      }
      if (request.status === 201) await look();
      tell(request.status === 201 ? word("uploaded", { name: answer.name }) : answer.message);
    };
    bar.value = 0;
    bar.hidden = false;
    tell(word("uploading", { percent: 0 }));
    wait();
    request.send(data);
  }

  // What came of it is read out, and stands beside the button for those who see it.
  async function copy(button) {
    let told = word("copied");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      told = word("not_copied");
    }
    announce(told);
    for (const before of document.querySelectorAll(".copied")) before.remove();
    const note = element("b", { class: "copied", "aria-hidden": "true" }, told);
    button.after(" ", note);
    setTimeout(() => note.remove(), SHOW_COPIED);
  }

  // ---- what the person does

  document.addEventListener("submit", (event) => {
    const { target: form, submitter: by } = event;
    if (form.target) return;
    event.preventDefault();
    if (form.id === "upload") upload(byId("file").files[0]);
    else if (!form.action.endsWith("/chat/say")) submit(form, by);
    else if (by && by.name === "payload") say({ payload: by.value }, by.getAttribute("aria-label") || by.textContent);
    else sendTyped();
  });
  document.addEventListener("keydown", (event) => {
    // While characters are being composed, Enter chooses among them.
    if (event.target.id !== "answer" || event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    sendTyped();
  });
  document.addEventListener("input", ({ target }) => {
    if (target.id === "answer") kept.set("draft", target.value);
  });
  document.addEventListener("change", ({ target }) => {
    if (target.id === "camera") upload(target.files[0]);
  });
  document.addEventListener("click", (event) => {
    const target = event.target.closest("button, a, summary");
    if (!target) return;
    if (target.className === "skip") {
      // Without an entry in the history, which would lead back here after leaving quickly.
      event.preventDefault();
      byId("answer").focus();
    } else if (target.localName === "summary") target.parentNode.dataset.touched = "1";
    else if (target.dataset.copy) copy(target);
    else if ("print" in target.dataset) print();
    else if (target.parentNode.id === "again") deliver();
    else if (target.id === "exit") {
      event.preventDefault();
      forget();
      kept.set("token", "");
      (window === top ? location : top.location).replace(target.href);
    } else if (target.hreflang) {
      event.preventDefault();
      if (isOpen()) say({ payload: `/switch_language{"language":"${target.hreflang}"}` }, target.textContent);
      else location.replace(target.href);
    }
  });
  addEventListener("online", () => (kept.queue.length ? deliver() : tell("")));
  addEventListener("offline", () => tell(word("offline"), true));
  addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && isOpen() && !busy && !kept.queue.length) look();
  });
  setInterval(() => {
    if (document.visibilityState === "visible" && byId("top").dataset.waiting === "1" && !busy) look();
  }, LOOK_AGAIN);

  async function begin() {
    const token = kept.get("token");
    if (token) {
      await look(true);
      if (!isOpen()) {
        kept.set("token", "");
        await look(true);
      }
    }
    if (!isOpen()) {
      if (byId("begin") && !byId("banner").firstElementChild.textContent) open();
      return;
    }
    stale = kept.queue.length > 0;
    if (!token) for (const { shown } of kept.queue) showMessage({ from: "person", text: shown });
    if (stale) showChoices([]);
    watchTheEnd();
    deliver();
  }

  // A code in the address comes from a picture that was scanned. It is not sent anywhere before the person says so.
  function takeCode() {
    const code = /^#code=([\w-]{1,40})$/.exec(location.hash);
    if (!code) return;
    history.replaceState(null, "", location.pathname);
    byId("code").value = code[1];
    byId("resume").open = true;
    byId("born").focus();
  }

  root.classList.add("on");
  tidy(document);
  if (!byId("answer").value) byId("answer").value = kept.get("draft") || "";
  begin();
  showHours();
  takeCode();
  addEventListener("hashchange", takeCode);
  if (window !== top) {
    parent.postMessage("guide:ready", "*");
    byId("exit").target = "_top";
    addEventListener("keydown", ({ key, isComposing }) => {
      if (key === "Escape" && !isComposing) parent.postMessage("guide:close", "*");
    });
  }
})();
