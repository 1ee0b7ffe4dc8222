// What the interactive elements share. Each is a file in elements/, put between this one and `wake`, and adds
//   formulas: the values of the controls → answers, null for what does not exist; those of qlib, against which tests hold them;
//   words: values and answers → a sentence; pictures: the same → SVG; idle: values → controls that make no difference.
const [formulas, words, pictures, idle] = [{}, {}, {}, {}];
const TINY = 2 ** -46; // of the terms of a sum: what rounding leaves of a zero, ROUNDING in qlib.numbers.exact_arrays
const EXCESS = 1e-9; // a smaller contradiction is none, as in the elements that say so
const radians = (degrees) => (degrees * Math.PI) / 180;
const sum = (numbers) => numbers.reduce((total, x) => total + x, 0);
const sumOrZero = (numbers) => {
  const total = sum(numbers);
  return Math.abs(total) <= TINY * sum(numbers.map(Math.abs)) ? 0 : total;
};

// What is said

const shown = (x) => {
  if (x === null) return "∗";
  const text = x.toFixed(3);
  return text === "-0.000" ? "0.000" : text.replace("-", "−");
};
const minus = (word) => word.replace("-", "−");

// What is drawn: SVG as text, 360 units wide

const tag = (name, attributes, content = "") =>
  `<${name} ${Object.entries(attributes).map(([key, x]) => `${key}="${typeof x === "number" ? +x.toFixed(2) : x}"`).join(" ")}>${content}</${name}>`;
const line = (x1, y1, x2, y2, kind = "axis") => tag("line", { x1, y1, x2, y2, class: kind });
const dot = (cx, cy, r, kind) => tag("circle", { cx, cy, r, class: kind });
const box = (x, y, width, height, kind) => tag("rect", { x, y, width: Math.max(width, 0), height: Math.max(height, 0), class: kind });
const text = (x, y, content, anchor = "middle", kind = "") => tag("text", { x, y, "text-anchor": anchor, class: kind }, content);
const shape = (points, kind) => tag("polygon", { points: points.map((p) => p.map((x) => x.toFixed(2)).join()).join(" "), class: kind });
const curve = (points, kind) => tag("polyline", { points: points.map((p) => p.map((x) => x.toFixed(2)).join()).join(" "), class: kind });
const picture = (height, ...parts) =>
  `<svg viewBox="0 0 360 ${height}" aria-hidden="true" focusable="false">${parts.flat(9).join("")}</svg>`;
const sub = (letter, index) => `${letter}<tspan dy="3" font-size="10">${index}</tspan>`;
const round = (degrees, r, cx, cy) => [cx + r * Math.sin(radians(degrees)), cy - r * Math.cos(radians(degrees))];

// Controls

const start = (section) => {
  const name = section.dataset.element;
  const form = section.querySelector("form");
  const said = section.querySelector(".explore-said");
  const frame = section.querySelector(".explore-picture");
  const { settings, ...data } = JSON.parse(section.querySelector('script[type="application/json"]').textContent);
  const inputs = [...form.querySelectorAll("input, select")];
  const choices = section.querySelector(".explore-settings");
  const buttons = [...choices.querySelectorAll("button")];
  let waiting;

  const read = () => Object.fromEntries(inputs.map((i) => [i.name, i.type === "range" ? Number(i.value) : i.value]));
  const show = () => {
    const values = read();
    const answers = formulas[name](values, data);
    for (const cell of section.querySelectorAll("[data-key]")) cell.textContent = shown(answers[cell.dataset.key]);
    for (const input of inputs.filter((i) => i.type === "range")) {
      input.previousElementSibling.textContent = minus(input.value) + input.dataset.unit;
      input.setAttribute("aria-valuetext", minus(input.value) + (input.dataset.unit ? " degrees" : ""));
    }
    const still = idle[name]?.(values) ?? [];
    for (const input of inputs) input.disabled = still.includes(input.name);
    buttons.forEach((button, k) =>
      button.setAttribute("aria-pressed", String(Object.entries(settings[k]).every(([key, x]) => values[key] === x))));
    frame.innerHTML = pictures[name](values, answers, data);
    clearTimeout(waiting); // one announcement when the slider rests
    waiting = setTimeout(() => (said.textContent = words[name](values, answers)), 150);
  };
  const set = (values) => {
    for (const [key, x] of Object.entries(values)) form.elements[key].value = x;
    show();
  };

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  buttons.forEach((button, k) => button.addEventListener("click", () => set(settings[k])));
  form.hidden = frame.hidden = choices.hidden = false;
  set(settings[0]);
};

const wake = () => {
  globalThis.explore = { ...globalThis.explore, ...formulas };
  for (const section of document.querySelectorAll(".explore:not([data-alive])")) {
    if (!(section.dataset.element in formulas)) continue;
    section.dataset.alive = "";
    start(section);
  }
};
