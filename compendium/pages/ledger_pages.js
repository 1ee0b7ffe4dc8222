// Sorting and filtering of the ledger's table; without it the table is shown whole.
(() => {
  const ledger = document.querySelector(".ledger");
  const form = ledger.querySelector("form");
  const body = ledger.querySelector(".ledger-table tbody");
  const heads = [...ledger.querySelectorAll(".ledger-table th[data-key]")];
  const rows = [...body.rows];
  const typed = (text) => text.toLowerCase().replaceAll("’", "'").replaceAll(/[“”]/g, '"'); // as a keyboard has it
  const texts = new Map(rows.map((row) => [row, typed(`${row.textContent} ${row.dataset.words}`)]));
  const status = ledger.querySelector(".ledger-shown");
  const keys = ["paper", "kind", "how", "verdict"];

  const filter = () => {
    const words = typed(form.elements.text.value).split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const chosen = keys.every((key) => !form.elements[key].value || row.dataset[key] === form.elements[key].value);
      row.hidden = !(chosen && words.every((word) => texts.get(row).includes(word)));
    }
    status.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims shown`;
  };

  const sort = (head) => {
    const descending = head.getAttribute("aria-sort") === "ascending";
    const column = heads.indexOf(head);
    const value = (row) => row.cells[column].textContent.trim();
    const sorted = [...rows].sort((a, b) => value(a).localeCompare(value(b), "en", { numeric: true }));
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    body.append(...(descending ? sorted.reverse() : sorted));
  };

  const remember = () => {
    const query = new URLSearchParams([...keys, "text"].map((key) => [key, form.elements[key].value]).filter(([, v]) => v));
    try {
      history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
    } catch {
      // a browser that lets no file:// page change its address
    }
  };

  heads.forEach((head) => head.querySelector("button").addEventListener("click", () => sort(head)));
  form.addEventListener("input", filter);
  form.addEventListener("change", remember); // a filter that was chosen can be sent to a colleague
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    body.append(...rows);
    setTimeout(filter);
    setTimeout(remember);
  });
  for (const [key, value] of new URLSearchParams(location.search)) {
    if (form.elements[key]) form.elements[key].value = value; // ledger.html?paper=wz
  }
  form.hidden = false;
  filter();
})();
