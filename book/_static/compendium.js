// Formulas wider than the page: an inline one gets a line of its own, and all that scroll can be reached by keyboard.
window.addEventListener("load", async () => {
  if (!window.MathJax?.startup) return;
  for (let last; last !== MathJax.startup.promise; ) await (last = MathJax.startup.promise); // it is replaced once
  const fit = () => {
    for (const formula of document.querySelectorAll("mjx-container")) {
      formula.classList.remove("wide");
      const room = formula.parentElement.closest("p, li, td, th, dd, div, figcaption, summary").clientWidth;
      const display = formula.getAttribute("display") === "true";
      if (!display && formula.getBoundingClientRect().width > room) formula.classList.add("wide");
      if (formula.scrollWidth > formula.clientWidth + 1 && formula.clientWidth) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
  };
  fit();
  window.addEventListener("resize", fit);
});
