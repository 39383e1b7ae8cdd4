document.documentElement.classList.add("on");
document.querySelector("button").addEventListener("click", () => print());
