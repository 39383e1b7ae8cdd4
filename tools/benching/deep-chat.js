// Deep Chat over the chat contract.
const chat = document.getElementById("chat");

const shown = (replies) => replies.flatMap(({ text, buttons = [] }) => {
  const titles = buttons.map(({ title }) => {
    const button = document.createElement("button");
    button.className = "deep-chat-button deep-chat-suggestion-button";
    button.textContent = title;
    return button.outerHTML;
  });
  return [{ text, role: "ai" }, ...(titles.length ? [{ html: titles.join(" "), role: "ai" }] : [])];
});

chat.style.cssText = "width: 100%; border: none";
chat.connect = {
  handler: async ({ messages }, signals) => {
    const [first, ...rest] = shown(await window.guide.say({ text: messages.at(-1).text }));
    await signals.onResponse(first);
    for (const one of rest) chat.addMessage(one);
  },
};
customElements.whenDefined("deep-chat").then(async () => {
  const greeting = await window.guide.open();
  for (const one of shown(greeting)) chat.addMessage(one);
});
