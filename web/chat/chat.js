"use strict";

// The chat page. Everything that comes from outside is put in as text, never as markup.
// The session token and an answer that is not sent yet live in sessionStorage: a reload goes on, a closed tab forgets.
(() => {
  const byId = (id) => document.getElementById(id);
  const memory = {
    get token() { return sessionStorage.getItem("session"); },
    set token(value) { value ? sessionStorage.setItem("session", value) : sessionStorage.removeItem("session"); },
    get pending() { return JSON.parse(sessionStorage.getItem("pending") || "null"); },
    set pending(value) {
      value ? sessionStorage.setItem("pending", JSON.stringify(value)) : sessionStorage.removeItem("pending");
    },
  };
  const FIRST_PAUSE = 1000;
  const LONGEST_PAUSE = 15000;
  const PATIENCE = 45000;
  const SHOW_WAITING_AFTER = 400;

  let strings = null;
  let language = document.documentElement.lang;
  let state = {};
  let pause = FIRST_PAUSE;
  let retryTimer = 0;
  let sending = false;
  let toChoices = false;

  const word = (key, values = {}) =>
    Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), strings[language][key]);

  // ---- talking to the server

  class Refused extends Error {
    constructor(status, message, retryAfter) {
      super(message);
      this.status = status;
      this.retryAfter = retryAfter;
    }
  }

  async function call(method, path, body) {
    const headers = { "Accept-Language": language };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (memory.token) headers.Authorization = `Bearer ${memory.token}`;
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.status === 204) return null;
    const answer = await response.json();
    if (!response.ok) {
      throw new Refused(response.status, answer.message, Number(response.headers.get("Retry-After")) * 1000);
    }
    return answer;
  }

  // ---- showing

  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function setLanguage(chosen) {
    if (!strings[chosen]) return;
    language = chosen;
    document.documentElement.lang = chosen;
    document.title = word("title");
    for (const node of document.querySelectorAll("[data-text]")) node.textContent = word(node.dataset.text);
    for (const node of document.querySelectorAll("[data-label]")) {
      node.setAttribute("aria-label", word(node.dataset.label));
    }
    for (const link of document.querySelectorAll("[data-language]")) {
      link.setAttribute("aria-current", String(link.dataset.language === chosen));
    }
  }

  function isSafe(url) {
    try {
      return ["http:", "https:", "mailto:", "tel:"].includes(new URL(url, location.href).protocol);
    } catch {
      return false;
    }
  }

  function showMessage(message) {
    const item = element("li", "", { class: message.from });
    const who = message.from === "person" ? "you_say" : "guide_says";
    item.append(element("p", word(who), { class: "who", "data-text": who }));
    item.append(element("p", message.text, message.language ? { lang: message.language, dir: "auto" } : { dir: "auto" }));
    const files = (message.attachments || []).filter((file) => isSafe(file.url));
    if (files.length) {
      const list = element("ul", "", { lang: message.language });
      for (const file of files) {
        const line = element("li");
        line.append(element("a", file.title, { href: file.url, target: "_blank", rel: "noopener noreferrer" }));
        list.append(line);
      }
      item.append(list);
    }
    byId("messages").append(item);
    return item;
  }

  function showChoices(replies) {
    const box = byId("choices");
    box.replaceChildren();
    for (const reply of replies) {
      for (const button of reply.buttons || []) {
        const made = element("button", button.title, { type: "button", lang: reply.language });
        made.addEventListener("click", () => {
          toChoices = true;
          say({ payload: button.payload }, button.title);
        });
        box.append(made);
      }
    }
  }

  function showState(next) {
    state = next || {};
    if (state.language && state.language !== language) setLanguage(state.language);
    const { step, steps } = state;
    const known = Number.isInteger(step) && Number.isInteger(steps) && steps > 0;
    byId("progress").hidden = !known;
    if (known) {
      byId("progress-text").textContent = word("step", { step, steps });
      byId("progress-bar").max = steps;
      byId("progress-bar").value = step;
    }
  }

  function showReplies(replies, announce = true) {
    let first = null;
    for (const reply of replies) {
      const item = showMessage({ from: "guide", ...reply });
      first = first || item;
    }
    showChoices(replies);
    if (!announce) return;
    const titles = replies.flatMap((reply) => (reply.buttons || []).map((button) => button.title));
    const news = byId("news");
    news.lang = replies.length ? replies[0].language : language;
    news.textContent = [...replies.map((reply) => reply.text), ...titles].join("\n");
    if (first) first.scrollIntoView({ block: "nearest" });
  }

  function showProblem(text, mayRetry) {
    byId("problem").hidden = !text;
    byId("problem-text").textContent = text || "";
    byId("try-now").hidden = !mayRetry;
  }

  function showWaiting(on) {
    byId("waiting").hidden = !on;
    byId("send").disabled = on;
    for (const button of byId("choices").querySelectorAll("button")) button.disabled = on;
  }

  function showOver(over) {
    byId("over").hidden = !over;
    byId("form").hidden = over;
    byId("save").hidden = over;
    byId("erase").hidden = over;
    byId("saved").hidden = true;
    byId("erase-sure").hidden = true;
  }

  // ---- one answer after the other; the same id until it is answered

  function newId() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function say(content, shown) {
    if (memory.pending || sending) return;
    memory.pending = { body: { id: newId(), ...content }, shown };
    showMessage({ from: "person", text: shown });
    deliver();
  }

  async function deliver() {
    clearTimeout(retryTimer);
    const pending = memory.pending;
    if (!pending || sending) return;
    sending = true;
    const slow = setTimeout(() => showWaiting(true), SHOW_WAITING_AFTER);
    try {
      const answer = await call("POST", "/chat/messages", pending.body);
      memory.pending = null;
      pause = FIRST_PAUSE;
      showProblem("");
      showState(answer.state);
      showReplies(answer.replies);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) await startOver(word("session_over"), pending);
      else if (error instanceof Refused && ![429, 500, 503].includes(error.status)) giveBack(pending, error.message);
      else tryLater(error);
    } finally {
      clearTimeout(slow);
      sending = false;
      showWaiting(false);
      if (toChoices) {
        toChoices = false;
        const next = byId("choices").querySelector("button") || byId("answer");
        next.focus({ preventScroll: true });
      }
    }
  }

  function tryLater(error) {
    showProblem(error instanceof Refused ? error.message : word("not_sent"), true);
    retryTimer = setTimeout(deliver, (error instanceof Refused && error.retryAfter) || pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }

  function giveBack(pending, message) {
    memory.pending = null;
    const last = byId("messages").lastElementChild;
    if (last && last.className === "person") last.remove();
    if (pending.body.text) byId("answer").value = pending.body.text;
    showProblem(message);
  }

  // ---- sessions

  function begin(opened) {
    memory.token = opened.session;
    memory.pending = null;
    byId("messages").replaceChildren();
    showOver(false);
    showProblem("");
    showState(opened.state);
    showReplies(opened.greeting);
  }

  async function open() {
    memory.token = null;
    begin(await call("POST", "/chat/session", { language }));
  }

  async function startOver(message, pending) {
    try {
      await open();
      showProblem(message);
      if (pending && pending.body.text) byId("answer").value = pending.body.text;
    } catch (error) {
      showProblem(error instanceof Refused ? error.message : word("not_sent"));
      retryTimer = setTimeout(start, (error instanceof Refused && error.retryAfter) || pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  async function lookBack() {
    const { messages, state: now } = await call("GET", "/chat/history");
    byId("messages").replaceChildren();
    showOver(false);
    showState(now);
    for (const message of messages) showMessage(message);
    const lastOfPerson = messages.findLastIndex((message) => message.from === "person");
    showChoices(messages.slice(lastOfPerson + 1));
    const last = byId("messages").lastElementChild;
    if (last) last.scrollIntoView({ block: "nearest" });
  }

  async function start() {
    clearTimeout(retryTimer);
    if (!memory.token) return startOver("");
    try {
      await lookBack();
      showProblem("");
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return startOver(word("session_over"), memory.pending);
      showProblem(error instanceof Refused ? error.message : word("not_sent"));
      retryTimer = setTimeout(start, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
      return;
    }
    if (memory.pending) {
      showMessage({ from: "person", text: memory.pending.shown });
      deliver();
    }
  }

  async function attempt(work) {
    try {
      showProblem("");
      await work();
    } catch (error) {
      showProblem(error instanceof Refused ? error.message : word("not_sent"));
    }
  }

  function sendTyped() {
    const box = byId("answer");
    if (!box.value.trim() || memory.pending || sending) return;
    const text = box.value;
    box.value = "";
    say({ text }, text);
  }

  function connect() {
    byId("form").addEventListener("submit", (event) => {
      event.preventDefault();
      sendTyped();
    });
    byId("answer").addEventListener("keydown", (event) => {
      // While characters are being composed, Enter chooses among them.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      sendTyped();
    });
    byId("try-now").addEventListener("click", deliver);
    addEventListener("online", () => (memory.pending ? deliver() : undefined));
    for (const link of document.querySelectorAll("[data-language]")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        setLanguage(link.dataset.language);
        if (memory.token && state.language !== language) say({ text: word("switch_message") }, word("switch_message"));
      });
    }
    byId("save").addEventListener("click", () => attempt(async () => {
      const saved = await call("POST", "/chat/save", {});
      const date = new Date(saved.expires_at).toLocaleDateString(language, { dateStyle: "long" });
      byId("saved-text").textContent = word("saved", { date });
      byId("saved-code").textContent = saved.resume_code;
      byId("saved").hidden = false;
    }));
    byId("erase").addEventListener("click", () => {
      byId("erase-sure").hidden = false;
      byId("erase-no").focus();
    });
    byId("erase-no").addEventListener("click", () => {
      byId("erase-sure").hidden = true;
      byId("erase").focus();
    });
    byId("erase-yes").addEventListener("click", () => attempt(async () => {
      try {
        await call("DELETE", "/chat/session");
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 401) throw error;
      }
      clearTimeout(retryTimer);
      sessionStorage.clear();
      byId("messages").replaceChildren();
      byId("news").textContent = "";
      byId("answer").value = "";
      showChoices([]);
      showState(null);
      showOver(true);
      byId("start-again").focus();
    }));
    byId("start-again").addEventListener("click", () => attempt(async () => {
      await open();
      byId("answer").focus();
    }));
    byId("resume-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const code = byId("resume-code").value;
      attempt(async () => {
        const opened = await call("POST", "/chat/session", { resume_code: code });
        memory.token = opened.session;
        memory.pending = null;
        byId("resume-code").value = "";
        byId("resume-box").open = false;
        await lookBack();
        byId("answer").focus();
      });
    });
  }

  async function load() {
    try {
      strings = await (await fetch("/chat/strings")).json();
    } catch {
      setTimeout(load, FIRST_PAUSE);
      return;
    }
    connect();
    await start();
  }

  load();
})();
