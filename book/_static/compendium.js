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
    for (const formula of document.querySelectorAll("mjx-container")) {
      formula.classList.remove("wide");
      const room = formula.closest("p, li, td, th, dd, dt, div, figcaption, summary").clientWidth;
      const display = formula.getAttribute("display") === "true";
      if (!display && formula.getBoundingClientRect().width > room) formula.classList.add("wide");
      if (formula.clientWidth && formula.scrollWidth > formula.clientWidth + 1) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
    for (const table of document.querySelectorAll(".pst-scrollable-table-container")) {
      if (table.scrollWidth > table.clientWidth + 1) table.tabIndex = 0;
      else table.removeAttribute("tabindex");
    }
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
