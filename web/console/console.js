"use strict";

// The console's page. What the server says is put in as it comes, made by our own templates; nothing is kept in the
// browser. Forms with `data-part` are sent without leaving the page, with the same fields again if that fails.
(() => {
  const byId = (id) => document.getElementById(id);
  const body = document.body;
  const TRIES = 4;
  const PAUSE = 1500;
  const TICK = 60000;
  const idle = Number(body.dataset.idle || 0) * 1000;
  let used = Date.now();
  let reached = Date.now();
  let busy = false;
  let waiting = null;

  // ---- talking to the server

  function post(address, fields) {
    reached = Date.now();
    return fetch(address, {
      method: "POST",
      headers: { "X-Part": "1", "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(fields),
      cache: "no-store",
    });
  }

  const pause = (time) => new Promise((done) => setTimeout(done, time));

  function fieldsOf(form, submitter) {
    const fields = [...new FormData(form).entries()].filter(([, value]) => typeof value === "string");
    if (!submitter || !submitter.name) return fields;
    // The value of a button goes before that of a list of the same name.
    return [...fields.filter(([name]) => name !== submitter.name), [submitter.name, submitter.value]];
  }

  function say(text) {
    const box = byId("problem");
    if (!box) return;
    box.hidden = !text;
    box.textContent = text;
    if (text) box.scrollIntoView({ block: "nearest" });
  }

  async function send(address, fields) {
    for (let attempt = 1; ; attempt += 1) {
      let answer;
      try {
        answer = await post(address, fields);
      } catch {
        if (attempt >= TRIES) return null;
        await pause(PAUSE * attempt);
        continue;
      }
      if (answer.status !== 503 || attempt >= TRIES) return answer;
      say(await answer.text());
      await pause(Number(answer.headers.get("Retry-After") || 1) * 1000 || PAUSE);
    }
  }

  async function submit(address, fields) {
    if (busy) return;
    busy = true;
    if (byId("call")) byId("call").setAttribute("aria-busy", "true");
    try {
      const answer = await send(address, fields);
      if (answer === null) return say(byId("problem").dataset.away);
      if (answer.status === 401) return location.assign("/sign-in");
      if (answer.status === 423) {
        waiting = () => submit(address, fields);
        return showLock();
      }
      if (answer.headers.get("X-Go")) return location.assign(answer.headers.get("X-Go"));
      if (answer.status === 204) return say("");
      const text = await answer.text();
      if (!answer.ok) return say(text);
      say("");
      show(text);
    } finally {
      busy = false;
      if (byId("call")) byId("call").removeAttribute("aria-busy");
    }
  }

  // ---- showing

  function parsed(text) {
    return [...new DOMParser().parseFromString(text, "text/html").body.childNodes];
  }

  function show(text) {
    const call = byId("call");
    const kept = new Map([...call.querySelectorAll("[data-keep]")].map((field) => [field.id, field.value]));
    const open = new Set([...call.querySelectorAll("details[open]")].map((part) => part.textContent.slice(0, 20)));
    call.replaceChildren(...parsed(text));
    for (const [id, value] of kept) if (byId(id) && value) byId(id).value = value;
    for (const part of call.querySelectorAll("details")) if (open.has(part.textContent.slice(0, 20))) part.open = true;
    focusFirst(call);
    announce(call);
    tickClock();
  }

  function focusFirst(where) {
    const first = where.querySelector("[data-focus]");
    if (first) first.focus();
  }

  // The script gets the focus and is read in the caller's language; the English is announced after it.
  function announce(call) {
    const english = [...call.querySelectorAll(".beside")].map((each) => each.textContent);
    const choices = [...call.querySelectorAll("[data-digit]:not([data-digit='0'])")].map((button) => {
      const name = button.querySelector(".english") || button.querySelector("[lang]");
      return `${button.dataset.digit} ${name.textContent}`;
    });
    byId("news").textContent = [...english, choices.join("; ")].filter(Boolean).join("\n");
  }

  // While a receipt number is typed: in groups, and how much of it is there. What is right is decided by the guide.
  function checkLive() {
    const live = byId("live");
    if (!live) return;
    const typed = byId("text").value.normalize("NFKC").toUpperCase().replace(/[^A-Z0-9*]/g, "");
    const letters = typed.match(/^[A-Z]{0,3}/)[0];
    const digits = typed.slice(letters.length);
    const groups = [letters, digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)].filter(Boolean).join(" ");
    const values = { groups, letters: letters.length, digits: digits.replace(/[^0-9*]/g, "").length };
    live.textContent = typed ? live.dataset.live.replace(/\{(\w+)\}/g, (_, name) => values[name]) : "";
  }

  function tickClock() {
    const clock = document.querySelector("[data-since]");
    if (!clock) return;
    const seconds = Math.max(0, Math.floor((Date.now() - Number(clock.dataset.since)) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    clock.textContent = `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
  }

  // ---- locking

  function showLock() {
    const lock = byId("lock");
    if (!lock || lock.open) return;
    byId("all").hidden = true;
    lock.showModal();
    const field = lock.querySelector("input:not([type=hidden]), a, button");
    if (field) field.focus();
  }

  async function lockNow() {
    showLock();
    try {
      await post("/lock", { csrf: body.dataset.csrf });
    } catch {
      // The server locks by itself after the same time.
    }
  }

  async function unlock(form) {
    const problem = byId("lock").querySelector(".problem");
    const fields = fieldsOf(form);
    let answer;
    try {
      answer = await post("/unlock", fields);
    } catch {
      return;
    }
    if (answer.status === 401) return location.assign("/sign-in");
    if (answer.headers.get("X-Go")) return location.assign(answer.headers.get("X-Go"));
    if (!answer.ok) {
      problem.hidden = false;
      problem.textContent = await answer.text();
      return;
    }
    problem.hidden = true;
    form.reset();
    used = Date.now();
    byId("lock").close();
    byId("all").hidden = false;
    const again = waiting;
    waiting = null;
    if (again) again();
    else focusFirst(document);
  }

  const overdue = () => idle > 0 && Date.now() - used >= idle && byId("lock") !== null && !byId("lock").open;

  function checkIdle() {
    if (overdue()) lockNow();
  }

  // The first key after the computer slept comes before any timer: it locks, and does nothing else.
  async function stayAlive(event) {
    if (overdue()) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return lockNow();
    }
    used = Date.now();
    if (!idle || Date.now() - reached < TICK || byId("lock").open) return;
    try {
      const answer = await post("/alive", { csrf: body.dataset.csrf });
      if (answer.status === 423) showLock();
      if (answer.status === 401) location.assign("/sign-in");
    } catch {
      // What is typed is still here; the next request tells.
    }
  }

  // ---- keys

  const isField = (node) => node.matches("input, textarea, select, [contenteditable]");
  const press = (name) => {
    const found = document.querySelector(`[data-shortcut="${name}"]`);
    if (found) found.click();
    return Boolean(found);
  };
  const go = (id) => {
    const found = byId(id);
    if (found) found.focus();
    return Boolean(found);
  };
  const nextLanguage = () => {
    const list = byId("language");
    if (!list) return false;
    list.selectedIndex = (list.selectedIndex + 1) % list.options.length;
    return press("language");
  };
  const ALT = {
    KeyA: () => go("script"),
    KeyT: () => go("text"),
    KeyB: () => press("back"),
    Digit0: () => press("unknown"),
    Numpad0: () => press("unknown"),
    KeyW: () => press("why"),
    KeyR: () => press("simpler"),
    KeyG: () => press("next"),
    KeyL: nextLanguage,
    KeyP: () => press("pinyin"),
    KeyS: () => go("summary-title"),
    KeyJ: () => go("needed-title"),
    KeyC: () => press("code"),
    KeyN: () => press("number"),
    KeyF: () => press("find"),
    KeyE: () => {
      const list = byId("disposition");
      if (list && !list.value) list.value = list.dataset.proposed;
      return go("disposition");
    },
  };

  function onKey(event) {
    if (event.isComposing || event.keyCode === 229 || document.querySelector("dialog[open]")) return;
    if (event.altKey && !event.ctrlKey && !event.metaKey) {
      const act = ALT[event.code];
      if (act && act()) event.preventDefault();
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (press("finish")) event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" && !event.shiftKey && event.target.id === "text") {
      event.preventDefault();
      event.target.form.requestSubmit();
      return;
    }
    // Single keys: only while the script or the answers have the focus, and never while something is typed.
    const panel = event.target.closest("[data-panel]");
    if (!panel || isField(event.target)) return;
    if (event.key === "?" && byId("keys")) {
      event.preventDefault();
      byId("keys").showModal();
      return;
    }
    if (!/^[0-9]$/.test(event.key)) return;
    const choice = panel.querySelector(`[data-digit="${event.key}"]`);
    if (choice) {
      event.preventDefault();
      choice.click();
    }
  }

  // ---- all together

  for (const kind of ["keydown", "pointerdown", "input"]) document.addEventListener(kind, stayAlive, { capture: true });
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const submitter = event.submitter;
    if (form.matches("[data-unlock]")) {
      event.preventDefault();
      unlock(form);
    } else if (form.matches("[data-lock]")) {
      event.preventDefault();
      lockNow();
    } else if (form.matches("[data-part]")) {
      event.preventDefault();
      const address = (submitter && submitter.getAttribute("formaction")) || form.getAttribute("action");
      submit(address, fieldsOf(form, submitter));
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "text") checkLive();
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-note]");
    if (!form || !["note", "interpreter"].includes(event.target.name)) return;
    const fields = fieldsOf(form).filter(([name]) => ["csrf", "note", "interpreter"].includes(name));
    post(form.dataset.note, fields).then(async (answer) => {
      if (answer.status === 423) {
        waiting = () => post(form.dataset.note, fields);
        showLock();
      } else if (!answer.ok) say(await answer.text());
    }, () => {});
  });
  document.addEventListener("toggle", async (event) => {
    const part = event.target;
    if (!part.matches("[data-transcript]") || !part.open) return;
    const answer = await fetch(part.dataset.transcript, { headers: { "X-Part": "1" }, cache: "no-store" });
    if (answer.status === 423) showLock();
    else if (answer.ok) part.querySelector(".lines").replaceChildren(...parsed(await answer.text()));
    else say(await answer.text());
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) byId("keys").showModal();
  });
  document.addEventListener("visibilitychange", checkIdle);
  const lock = byId("lock");
  if (lock) lock.addEventListener("cancel", (event) => event.preventDefault());
  setInterval(checkIdle, Math.min(5000, idle / 4 || 5000));
  setInterval(tickClock, 1000);
  tickClock();
  focusFirst(document);
})();
