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
