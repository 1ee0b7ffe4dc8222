// Formulas in the text: punctuation stays with the formula before it; one wider than the page gets a line of its own,
// on which it scrolls; whatever scrolls can be reached by keyboard.
window.addEventListener("load", async () => {
  if (!window.MathJax?.startup) return;
  for (let last; last !== MathJax.startup.promise; ) await (last = MathJax.startup.promise); // it is replaced once

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

  const fit = () => {
    const formulas = [...document.querySelectorAll("mjx-container")];
    for (const formula of formulas) formula.classList.remove("wide");
    const room = (formula) => formula.closest("p, li, td, th, dd, dt, div, figcaption, summary").clientWidth;
    const wide = formulas.filter(
      (formula) => !formula.hasAttribute("display") && formula.getBoundingClientRect().width > room(formula) + 1,
    );
    for (const formula of wide) formula.classList.add("wide");
    const boxes = [...formulas, ...document.querySelectorAll(".pst-scrollable-table-container")];
    const scrolls = boxes.map((box) => box.clientWidth && box.scrollWidth > box.clientWidth + 1);
    boxes.forEach((box, k) => (scrolls[k] ? (box.tabIndex = 0) : box.removeAttribute("tabindex")));
  };
  fit();
  window.addEventListener("resize", fit);
});

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
