// A page as slides: each section of the second level is one. A button starts; arrows, Page Up and Down, Home, End and
// Escape do what one expects; the number of the slide is announced.
(() => {
  const slides = [...document.querySelectorAll(".bd-article section section")].filter((s) => s.querySelector(":scope > h2"));
  const button = document.querySelector("button.present");
  if (!button || !slides.length) return;
  const status = document.createElement("p");
  status.className = "slide-number";
  status.setAttribute("role", "status");
  let at = -1;

  const show = (k) => {
    at = Math.max(0, Math.min(slides.length - 1, k));
    slides.forEach((slide, i) => slide.classList.toggle("slide-now", i === at));
    status.textContent = `${at + 1} of ${slides.length}`;
    slides[at].append(status);
    slides[at].scrollTop = 0;
  };
  const stop = () => {
    document.documentElement.classList.remove("presenting");
    slides.forEach((slide) => slide.classList.remove("slide-now"));
    status.remove();
    at = -1;
    button.focus();
  };
  button.addEventListener("click", () => {
    document.documentElement.classList.add("presenting");
    show(0);
  });
  document.addEventListener("keydown", (event) => {
    if (at < 0) return;
    const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
    if (event.key in steps) show(at + steps[event.key]);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(slides.length - 1);
    else if (event.key === "Escape") stop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
})();
