// A page as slides: each section of the second level is one, but for a lecture's plan. A button starts; arrows, Page Up
// and Down, Home, End, a swipe and Escape do what one expects, N shows the notes; steps appear one by one. The address
// names the slide, so that one can be sent; the number and the planned minutes are announced. The text of a slide is as
// large as its room allows, its answers revealed, so that what is said later moves nothing.
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
  const SIZES = [1.6, 1.45, 1.3, 1.15, 1, 0.9, 0.8]; // of the text; the last two for a screen that is not high
  let at = -1;
  let seen = 0; // steps of the slide that are shown

  for (const slide of slides) {
    // What is between the title and the notes: a picture, and what is said before and after it.
    const parts = [...slide.children].filter((part) => !part.matches("h2, .slide-notes, script"));
    const body = document.createElement("div");
    body.className = "slide-body";
    slide.querySelector(":scope > h2").after(body);
    for (const part of parts) {
      if (part.matches("img")) body.append(part);
      else {
        if (!body.lastElementChild?.matches("div.slide-text")) {
          body.append(Object.assign(document.createElement("div"), { className: "slide-text" }));
        }
        body.lastElementChild.append(part);
      }
    }
  }
  const formulas = (slide) => [...slide.querySelectorAll(".slide-body mjx-container[display]")];
  const narrowed = (formula) => {
    // A formula that is too wide becomes smaller than the text by a quarter at most, and is never hard to read.
    formula.style.fontSize = "";
    const size = parseFloat(getComputedStyle(formula).fontSize);
    const room = formula.clientWidth / formula.scrollWidth;
    if (room < 1) formula.style.fontSize = `${Math.max(0.98 * room, 0.75, 14 / size)}em`;
  };
  const fits = (slide) => {
    const [body] = slide.getElementsByClassName("slide-body");
    const inside = body.getBoundingClientRect().right + 1;
    return (
      slide.scrollHeight <= slide.clientHeight &&
      [...formulas(slide), ...body.querySelectorAll("pre, .pst-scrollable-table-container, .slide-text")].every(
        (box) => box.scrollWidth <= box.clientWidth + 1,
      ) &&
      [...body.querySelectorAll("mjx-container:not([display])")].every(
        (formula) => formula.getBoundingClientRect().right <= inside,
      )
    );
  };
  const fit = () => {
    if (at < 0) return;
    const slide = slides[at];
    const folds = [...slide.querySelectorAll("details:not([open])")];
    folds.forEach((fold) => (fold.open = true));
    const small = innerWidth < 768; // a phone: what is too much is scrolled, not made smaller
    SIZES.filter((size) => !small || (size >= 1 && size <= 1.3)).some((size) => {
      slide.style.setProperty("--slide-size", size);
      formulas(slide).forEach(narrowed);
      return fits(slide);
    });
    folds.forEach((fold) => (fold.open = false));
  };

  const show = (k, whole = false) => {
    at = Math.max(0, Math.min(slides.length - 1, k));
    slides.forEach((slide, i) => slide.classList.toggle("slide-now", i === at));
    seen = whole ? steps(slides[at]).length : 0;
    reveal();
    const before = minutes.slice(0, at).reduce((sum, m) => sum + m, 0);
    status.textContent = `${at + 1} of ${slides.length}${minutes[at] ? ` · minute ${before}` : ""}`;
    slides[at].append(status);
    fit();
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
    slides.forEach((slide) => {
      slide.classList.remove("slide-now");
      formulas(slide).forEach((formula) => (formula.style.fontSize = ""));
    });
    document.querySelectorAll(".step-due").forEach((step) => step.classList.remove("step-due"));
    status.remove();
    at = -1;
    button.focus();
  };
  addEventListener("resize", fit);
  button.addEventListener("click", () => start(Math.max(0, slides.findIndex((slide) => `#${slide.id}` === location.hash))));
  document.addEventListener("keydown", (event) => {
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const ways = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
    if (event.key in ways) go(ways[event.key]);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(slides.length - 1);
    else if (event.key.toLowerCase() === "n") {
      root.classList.toggle("with-notes");
      fit();
    } else if (event.key === "Escape") stop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  let from = null;
  const scrolls = (box) => box && box.scrollWidth > box.clientWidth + 1;
  document.addEventListener(
    "touchstart",
    (event) => (from = scrolls(event.target.closest("mjx-container, pre, table")) ? null : event.changedTouches[0]),
    { passive: true },
  );
  document.addEventListener("touchend", (event) => {
    if (at < 0 || !from) return;
    const { clientX, clientY } = event.changedTouches[0];
    const [dx, dy] = [clientX - from.clientX, clientY - from.clientY];
    if (Math.abs(dx) > 60 && Math.abs(dx) > 2 * Math.abs(dy)) go(dx < 0 ? 1 : -1);
  });
})();
