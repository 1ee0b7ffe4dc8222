// A page as slides: each section of the second level is one, but for a lecture's plan. A button starts; arrows, Page Up
// and Down, Home, End, a swipe and Escape do what one expects, N shows the notes; steps appear one by one. The address
// names the slide, so that one can be sent; the number and the planned minutes are announced.
(() => {
  const slides = [...document.querySelectorAll(".bd-article section section")].filter(
    (section) => section.querySelector(":scope > h2") && !section.querySelector(":scope > .lecture-plan"),
  );
  const button = document.querySelector("button.present");
  if (!button || !slides.length) return;
  const root = document.documentElement;
  const status = document.createElement("p");
  status.className = "slide-number";
  status.setAttribute("role", "status");
  const steps = (slide) => [...slide.querySelectorAll(".slide-steps li, .slide-steps > div > p, .slide-steps > p")];
  const minutes = slides.map((slide) =>
    [...slide.querySelectorAll(".slide-notes")].reduce((sum, notes) => sum + Number(notes.dataset.minutes), 0),
  );
  let at = -1;
  let seen = 0; // steps of the slide that are shown

  const show = (k, whole = false) => {
    at = Math.max(0, Math.min(slides.length - 1, k));
    slides.forEach((slide, i) => slide.classList.toggle("slide-now", i === at));
    seen = whole ? steps(slides[at]).length : 0;
    reveal();
    const before = minutes.slice(0, at).reduce((sum, m) => sum + m, 0);
    status.textContent = `${at + 1} of ${slides.length}${minutes[at] ? ` · minute ${before}` : ""}`;
    slides[at].append(status);
    slides[at].scrollTop = 0;
    history.replaceState(null, "", `#${slides[at].id}`);
  };
  const reveal = () => steps(slides[at]).forEach((step, i) => step.classList.toggle("step-due", i >= seen));
  const go = (way) => {
    const all = steps(slides[at]).length;
    if (way > 0 && seen < all) return (seen += 1), reveal();
    if (way < 0 && seen > 0 && seen <= all && all) return (seen -= 1), reveal();
    if (at + way >= 0 && at + way < slides.length) show(at + way, way < 0);
  };
  const start = (k) => {
    root.classList.add("presenting");
    show(k);
  };
  const stop = () => {
    root.classList.remove("presenting", "with-notes");
    slides.forEach((slide) => slide.classList.remove("slide-now"));
    document.querySelectorAll(".step-due").forEach((step) => step.classList.remove("step-due"));
    status.remove();
    at = -1;
    button.focus();
  };
  button.addEventListener("click", () => start(Math.max(0, slides.findIndex((slide) => `#${slide.id}` === location.hash))));
  document.addEventListener("keydown", (event) => {
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const ways = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
    if (event.key in ways) go(ways[event.key]);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(slides.length - 1);
    else if (event.key.toLowerCase() === "n") root.classList.toggle("with-notes");
    else if (event.key === "Escape") stop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  let from = null;
  document.addEventListener("touchstart", (event) => (from = at < 0 ? null : event.changedTouches[0]), { passive: true });
  document.addEventListener("touchend", (event) => {
    if (at < 0 || !from) return;
    const { clientX, clientY } = event.changedTouches[0];
    const [dx, dy] = [clientX - from.clientX, clientY - from.clientY];
    if (Math.abs(dx) > 60 && Math.abs(dx) > 2 * Math.abs(dy)) go(dx < 0 ? 1 : -1);
  });
})();
