// What the tests ask of a page. `axe` is there once its own script has run.
const all = (selector) => [...document.querySelectorAll(selector)];

// Tokens of a formula that show less than they say, in no order: a label stands first in MathML and last in the picture.
// A letter needs an outline of its own; an operator may be put together of several. A root draws a sign that is no token.
const TOKENS = ["mi", "mn", "mo", "mtext", "ms"];
const INVISIBLE = /[\s\u00a0\u2000-\u200b\u2061-\u2064]/gu;
const inked = (glyph) =>
  glyph.localName === "text" ? [...glyph.textContent.replace(INVISIBLE, "")].length
    : Number(Boolean(glyph.localName === "use" ? document.querySelector(glyph.getAttribute("href")).getAttribute("d") : glyph.getAttribute("d")));
const withoutOutline = (formula) => TOKENS.flatMap((kind) => {
  const said = [...formula.querySelectorAll(`mjx-assistive-mml ${kind}`)].map((token) => token.textContent.replace(INVISIBLE, ""));
  const drawn = [...formula.querySelectorAll(`svg g[data-mml-node="${kind}"]`)]
    .filter((token) => !(kind === "mo" && ["msqrt", "mroot"].includes(token.parentNode.dataset.mmlNode)))
    .map((token) => [...token.querySelectorAll("use, path, text")].reduce((sum, glyph) => sum + inked(glyph), 0));
  const count = (numbers) => numbers.map((n) => (kind === "mo" ? Math.min(n, 1) : n)).filter(Boolean).sort().join();
  return count(said.map((text) => [...text].length)) === count(drawn) ? [] : [`${kind}: ${said.join(" ")}`];
});

const look = () => ({
  mathErrors: all("mjx-merror, [data-mjx-error]").map((node) => node.textContent),
  undefinedMacros: all("mjx-container [fill='red'], mjx-container [stroke='red']").length,
  unset: all("span.math, div.math").filter((node) => !node.querySelector("mjx-container")).length,
  formulas: all("mjx-container").length,
  tokens: all("mjx-container svg g[data-mml-node]").length,
  withoutOutline: [...new Set(all("mjx-container").flatMap(withoutOutline))],
  withoutGlyph: [...new Set(all("mjx-container svg text").map((node) => node.textContent).join(""))].join(""),
  shown: document.querySelector(".ledger-shown")?.textContent ?? "",
  searchFields: all("button.search-button-field, .bd-sidebar form.bd-search, .sidebar-primary-item form").length,
  headings: all("h1").filter((heading) => heading.checkVisibility()).length,
});

// What depends on a page's width. A box with more beyond its right end has a class by which it fades there.
const SCROLLING = "mjx-container, .bd-article pre, table.said-table, .claim-table, .pst-scrollable-table-container";
const scrolls = (box) =>
  box.checkVisibility() && box.clientWidth && box.scrollWidth > box.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
const scrollsOn = (box) => scrolls(box) && !box.matches(".more-after");
const glance = () => ({
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  mismarked: [...all(SCROLLING).filter(scrollsOn), ...all(".more-before, .more-after").filter((box) => !scrolls(box))].map((box) => box.outerHTML.slice(0, 120)),
  clipped: all(".prev-next-area > a").filter((link) => link.scrollWidth > link.clientWidth).map((link) => link.textContent),
  painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
});

// Nothing is on its way from one colour to another. The glyphs of formulas, thousands of elements about which axe has
// nothing to say, are left out; their words remain. Of the words of code that no rule of style tells apart, two remain
// elements and the others become text. So look at a page before. (In one line, the words of a formula that nobody sees
// would be wider than the formula.)
const lighten = () => {
  document.head.insertAdjacentHTML("beforeend", "<style>*, ::before, ::after { transition: none !important } mjx-assistive-mml { width: 1px !important }</style>");
  all("mjx-container svg").forEach((picture) => picture.replaceChildren());
  all("mjx-assistive-mml").forEach((formula) => formula.replaceChildren(formula.textContent));
  const places = new Map([[null, ""]]), counts = new Map();
  const place = (element) => {
    if (!places.has(element)) {
      const { localName, className, parentElement } = element;
      places.set(element, `${place(parentElement)} ${localName}.${className}#${element.id}[${element.getAttribute("style")}]`);
    }
    return places.get(element);
  };
  for (const word of all("pre span:not(:has(*))")) {
    const key = place(word), count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count > 2) word.replaceWith(...word.childNodes);
  }
};

// Two texts of each kind on the page: colour, what is behind it, size, weight, whether it is a link.
const textsOfEachKind = () => {
  const behind = new Map([[null, ""]]);
  const backdrop = (element) => {
    if (!behind.has(element)) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
      const own = [backgroundColor, backgroundImage, opacity].join(" ");
      const above = backdrop(element.parentElement);
      behind.set(element, own === "rgba(0, 0, 0, 0) none 1" ? above : `${above}|${own}`);
    }
    return behind.get(element);
  };
  const kinds = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest("mjx-container") || !element.checkVisibility()) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const kind = [color, fontSize, fontWeight, backdrop(element), element.closest("a") !== null].join(";");
    kinds.set(kind, [...(kinds.get(kind) ?? []), element].slice(0, 2));
  }
  return [...kinds.values()].flat();
};

const COLOURS = ["color-contrast", "link-in-text-block"];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
const audit = async (context, options) => {
  const { violations } = await axe.run(context, { preload: false, resultTypes: ["violations"], ...options });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id}: ${target.join(" ")} ${html.slice(0, 160)}`));
};
const auditStructure = () =>
  audit(document, { runOnly: { type: "tag", values: TAGS }, rules: Object.fromEntries(COLOURS.map((id) => [id, { enabled: false }])) });
const auditColours = () => audit({ include: textsOfEachKind() }, { runOnly: { type: "rule", values: COLOURS } });
const auditScrolling = () =>
  audit(document, { runOnly: { type: "rule", values: ["scrollable-region-focusable", "target-size"] } });
