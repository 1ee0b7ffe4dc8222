// Formulas in the text: punctuation stays with the formula before it; one wider than the page gets a line of its own,
// on which it scrolls; whatever scrolls can be reached by keyboard, and fades at the ends beyond which there is more.
window.addEventListener("load", () => {
  for (const formula of document.querySelectorAll("mjx-container:not([display])")) {
    const inline = formula.closest("span.math") ?? formula;
    const mark = inline.nextSibling?.nodeType === Node.TEXT_NODE && inline.nextSibling.data.match(/^[.,;:!?)\]’”]+/);
    if (!mark) continue;
    inline.nextSibling.splitText(mark[0].length);
    const together = document.createElement("span");
    together.className = "formula-with-mark";
    inline.before(together);
    together.append(inline, together.nextSibling);
  }

  const scrolling = ".pst-scrollable-table-container, table.said-table, .claim-table, .explore-scroll, .bd-article pre";
  const measured = (box) => ({ seen: box.clientWidth, whole: box.scrollWidth, left: box.scrollLeft });
  const shade = (box, { seen, whole, left } = measured(box)) => {
    box.classList.toggle("more-before", left > 1);
    box.classList.toggle("more-after", left + seen < whole - 1);
  };
  const isFolded = (box) => {
    const fold = box.closest("details:not([open])"); // to ask for a width in it lays out what nobody sees
    return fold && box.closest("summary")?.parentElement !== fold;
  };
  const unfolded = (selector) => [...document.querySelectorAll(selector)].filter((box) => !isFolded(box));
  const fit = () => { // first ask for all widths, then change: each question after a change lays out the page anew
    const formulas = unfolded("mjx-container");
    for (const formula of formulas) {
      formula.classList.remove("wide", "more-before", "more-after");
      formula.removeAttribute("tabindex");
    }
    const room = (formula) => formula.closest("p, li, td, th, dd, dt, div, figcaption, summary").clientWidth;
    const wide = formulas.filter(
      (formula) => !formula.hasAttribute("display") && formula.getBoundingClientRect().width > room(formula) + 1,
    );
    for (const formula of wide) formula.classList.add("wide");
    const lines = formulas.filter((formula) => formula.matches("[display], .wide")); // within a line none scrolls
    const boxes = [...lines, ...unfolded(scrolling)].map((box) => [box, measured(box)]);
    for (const [box, width] of boxes) {
      const scrolls = width.seen && width.whole > width.seen + 1;
      if (scrolls) box.tabIndex = 0;
      else if (!box.matches("pre")) box.removeAttribute("tabindex"); // the theme's own, on code
      if (scrolls) shade(box, width);
      else box.classList.remove("more-before", "more-after");
    }
  };
  fit();
  let waiting;
  new ResizeObserver(() => {
    clearTimeout(waiting);
    waiting = setTimeout(fit, 100);
  }).observe(document.querySelector(".bd-article") ?? document.body); // its height: what was folded may be open
  const scrolled = ({ target }) => target.matches?.(`mjx-container, ${scrolling}`) && shade(target);
  document.addEventListener("scroll", scrolled, { capture: true, passive: true });
});

// Formulas of a page are set when the book is built; those that come later, in a card or in what the search finds, are
// set by MathJax, which a page loads for the first of them.
const staticFolder = new URL(".", document.currentScript.src);
const loadScript = (name) =>
  new Promise((done) => {
    const script = document.createElement("script");
    script.src = new URL(name, staticFolder);
    script.onload = script.onerror = done;
    document.head.append(script);
  });
let mathjax;
const setFormulas = async (box) => {
  if (!/\\[([]/.test(box.textContent)) return;
  await (mathjax ??= loadScript("mathjax/startup.js").then(() => MathJax.startup.promise));
  await MathJax.typesetPromise([box]);
};

// Files to take away are saved, not opened.
window.addEventListener("DOMContentLoaded", () => {
  for (const link of document.querySelectorAll(".dropdown-download-buttons a[href*='downloads/']")) {
    link.download = "";
    link.removeAttribute("target");
  }
});

// All code of a page at once; the page remembers it in this browser.
window.addEventListener("DOMContentLoaded", () => {
  const folds = [...document.querySelectorAll(".bd-article details.hide")];
  const title = document.querySelector(".bd-article h1");
  if (!folds.length || !title) return;
  const key = `code ${location.pathname}`;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "all-code";
  const show = (open) => {
    folds.forEach((fold) => (fold.open = open));
    button.setAttribute("aria-pressed", open);
    button.textContent = open ? "Hide all code" : "Show all code";
  };
  const kept = (change) => {
    try {
      return change(localStorage);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  show(kept((store) => store.getItem(key)) === "shown");
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-pressed") !== "true";
    show(open);
    kept((store) => (open ? store.setItem(key, "shown") : store.removeItem(key)));
  });
  (document.querySelector(".bd-article .chapter-line") ?? title).append(button);
});

// Predict, then reveal: a choice says whether it is right, and opens the answer.
window.addEventListener("DOMContentLoaded", () => {
  for (const card of document.querySelectorAll(".predict-choices")) {
    for (const choice of card.querySelectorAll("li.choice")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...choice.childNodes);
      choice.append(button);
      button.addEventListener("click", () => {
        const right = choice.classList.contains("choice-right");
        choice.classList.add(right ? "chosen-right" : "chosen-wrong");
        button.setAttribute("aria-description", right ? "right" : "not so");
        if (right) card.querySelector("details.predict-answer").open = true;
      });
    }
  }
});

// A link shows what it leads to: pointed at, focused, or touched once (touched again, it is followed).
window.addEventListener("DOMContentLoaded", () => {
  const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href);
  const card = document.createElement("div");
  card.className = "preview bd-article";
  card.id = "preview-card";
  card.setAttribute("role", "tooltip");
  card.hidden = true;
  document.body.append(card);
  let texts, timer, shownFor, touched;

  const load = () => (texts ??= loadScript("previews.js").then(() => (typeof PREVIEWS === "undefined" ? {} : PREVIEWS)));
  const key = (link) => {
    const target = new URL(link.href, location.href);
    const page = target.href.split(/[?#]/)[0];
    return target.hash && page.startsWith(root.href) ? page.slice(root.href.length) + decodeURIComponent(target.hash) : "";
  };
  const hide = () => {
    clearTimeout(timer);
    shownFor?.removeAttribute("aria-describedby");
    shownFor = undefined;
    card.hidden = true;
  };
  const show = async (link) => {
    const text = (await load())[key(link)];
    if (!text) return false;
    hide();
    card.innerHTML = text;
    card.hidden = false;
    const at = link.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - card.offsetWidth - 8));
    const below = at.bottom + card.offsetHeight + 12 < innerHeight || at.top < card.offsetHeight + 12;
    card.style.left = `${left + scrollX}px`;
    card.style.top = `${scrollY + (below ? at.bottom + 6 : at.top - card.offsetHeight - 6)}px`;
    link.setAttribute("aria-describedby", card.id);
    shownFor = link;
    setFormulas(card);
    return true;
  };
  const links = "article.bd-article a[href*='#']:not(.headerlink)";
  const linkOf = (event) => event.target.closest?.(links);
  document.addEventListener("pointerover", (event) => {
    const link = linkOf(event);
    if (event.pointerType !== "mouse" || (link && link === shownFor) || event.target.closest("#preview-card")) return;
    clearTimeout(timer);
    timer = setTimeout(() => (link ? show(link) : hide()), link ? 300 : 200);
  });
  document.addEventListener("focusin", (event) => (linkOf(event) ? show(linkOf(event)) : hide()));
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("pointerdown", (event) => (touched = event.pointerType === "touch" && linkOf(event)));
  document.addEventListener("click", async (event) => {
    const link = linkOf(event);
    if (!link) return event.target.closest("#preview-card") || hide();
    if (!touched || link === shownFor) return;
    event.preventDefault();
    if (!(await show(link))) location.href = link.href;
  });
});

// How far a reader has come: chapters read to the end are marked in the list of chapters, in this browser only.
window.addEventListener("DOMContentLoaded", () => {
  const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href).href;
  const name = (address) => address.split(/[?#]/)[0].slice(root.length);
  const store = (change) => {
    try {
      const read = new Set(JSON.parse(localStorage.getItem("chapters read") ?? "[]"));
      if (change) localStorage.setItem("chapters read", JSON.stringify([...change(read)]));
      return read;
    } catch {
      return new Set(); // a browser that keeps nothing
    }
  };
  const mark = () => {
    const read = store();
    for (const link of document.querySelectorAll(".bd-links a.reference.internal")) {
      const done = read.has(name(link.href));
      link.classList.toggle("chapter-read", done);
      if (done) link.title = "read in this browser";
    }
  };
  const end = document.querySelector(".prev-next-area");
  if (document.querySelector(".chapter-line") && end) {
    new IntersectionObserver((seen) => {
      if (seen.some((entry) => entry.isIntersecting)) {
        store((read) => read.add(name(location.href)));
        mark();
      }
    }).observe(end);
  }
  mark();
});

// The search finds items of the papers by their numbers, too: printed values stand in no page's running text.
window.addEventListener("load", () => {
  const results = document.getElementById("search-results");
  const asked = new URLSearchParams(location.search).get("q")?.toLowerCase().split(/\s+/).filter(Boolean);
  if (!results || !asked?.length || typeof CLAIMS === "undefined") return;
  const found = CLAIMS.filter((claim) => {
    const text = claim.words.toLowerCase();
    return asked.every((word) => text.includes(word));
  });
  if (!found.length) return;
  const box = document.createElement("section");
  const head = document.createElement("h2");
  head.textContent = `In the ledger (${found.length})`;
  const list = document.createElement("ul");
  for (const claim of found.slice(0, 20)) {
    const line = list.appendChild(document.createElement("li"));
    const link = line.appendChild(document.createElement("a"));
    link.href = claim.page;
    link.textContent = claim.title;
    line.insertAdjacentHTML("beforeend", `: ${claim.says}`);
  }
  box.append(head, list);
  results.before(box);
  setFormulas(box);
});
