// BotFramework Web Chat over the chat contract: the object it takes for a Direct Line.
(() => {
  class Stream {
    constructor() {
      this.watchers = new Set();
      this.past = [];
    }

    next(value) {
      this.past.push(value);
      for (const watcher of this.watchers) watcher.next(value);
    }

    subscribe(next) {
      const watcher = typeof next === "function" ? { next } : next;
      this.watchers.add(watcher);
      for (const value of this.past) watcher.next(value);
      return { unsubscribe: () => this.watchers.delete(watcher) };
    }
  }

  const activities = new Stream();
  const status = new Stream();
  let number = 0;
  const stamp = (activity) => ({ id: `a${(number += 1)}`, timestamp: new Date().toISOString(), ...activity });

  function show(replies) {
    for (const { text, buttons = [], language } of replies) {
      const actions = buttons.map(({ title, payload }) => ({ type: "messageBack", title, displayText: title, text: payload, value: payload }));
      activities.next(stamp({
        type: "message", from: { id: "guide", role: "bot" }, text, locale: language,
        ...(actions.length && { suggestedActions: { actions, to: [] } }),
      }));
    }
  }

  const directLine = {
    activity$: activities,
    connectionStatus$: status,
    postActivity(activity) {
      const sent = new Stream();
      if (activity.type === "message") {
        const echo = stamp({ ...activity });
        activities.next(echo);
        setTimeout(async () => {
          sent.next(echo.id);
          show(await window.guide.say(activity.value ? { payload: activity.value } : { text: activity.text }));
        }, 0);
      }
      return sent;
    },
    end() {},
  };

  status.next(0);
  status.next(1);
  status.next(2);
  window.WebChat.renderWebChat({ directLine, userID: "person", locale: "en-US" }, document.getElementById("chat"));
  window.guide.open().then(show);
})();
