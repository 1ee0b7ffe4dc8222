// The elements of the page Explore. The formulas are those of qlib in a few lines, held against qlib by the tests.
(() => {
  const TINY = 2 ** -46; // of the terms of a sum: what rounding leaves of a zero, ROUNDING in qlib.numbers.exact_arrays
  const EXCESS = 1e-9; // a smaller contradiction is none, as in compendium.pages.explore
  const radians = (degrees) => (degrees * Math.PI) / 180;
  const sum = (numbers) => numbers.reduce((total, x) => total + x, 0);
  const sumOrZero = (numbers) => {
    const total = sum(numbers);
    return Math.abs(total) <= TINY * sum(numbers.map(Math.abs)) ? 0 : total;
  };

  // What is computed: the values of the controls → answers; null is the ∗ of a counterfactual without a probability.

  const chsh = (v) => {
    const E = (a, b) =>
      Math.cos(radians(a)) * Math.cos(radians(b)) + v.concurrence * Math.sin(radians(a)) * Math.sin(radians(b));
    const answers = { E00: E(v.a0, v.b0), E01: E(v.a0, v.b1), E10: E(v.a1, v.b0), E11: E(v.a1, v.b1) };
    const S = answers.E00 + answers.E01 + answers.E10 - answers.E11;
    return { ...answers, S, CS: Math.abs(S) / 2, largest: 2 * Math.sqrt(1 + v.concurrence ** 2) };
  };

  const atVisibility = (v, visibility, expressions) => {
    const imbalance = Math.sqrt(1 - v.concurrence ** 2);
    const [A, B] = [[v.a0, v.a1], [v.b0, v.b1]].map((angles) => angles.map(radians));
    const mean = (angle) => visibility * imbalance * Math.cos(angle);
    const correlator = (a, b) =>
      visibility * (Math.cos(a) * Math.cos(b) - v.concurrence * Math.sin(a) * Math.sin(b));
    const p = []; // in the order p000, p001, p010, …: x, y, z
    for (const x of [0, 1]) for (const y of [0, 1]) for (const z of [0, 1]) {
      const [s, t] = [1 - 2 * x, 1 - 2 * y];
      p.push((1 + s * mean(A[z]) + t * mean(B[x]) + s * t * correlator(A[z], B[x])) / 4);
    }
    const values = (functions) => functions.map(([constant, ...k]) => constant + sum(k.map((c, i) => c * p[i])));
    const [lower, upper] = [values(expressions.lower), values(expressions.upper)];
    const ace = (mean(B[0]) - mean(B[1])) / 2;
    const excesses = [...lower.map((bound) => bound - ace), ...upper.map((bound) => ace - bound)];
    return { p, lower: Math.max(...lower), upper: Math.min(...upper), ace, excesses };
  };

  const contradiction = (v, expressions) => {
    const { p, lower, upper, ace, excesses } = atVisibility(v, v.visibility, expressions);
    const [noise, pure] = [0, 1].map((visibility) => atVisibility(v, visibility, expressions).excesses);
    const thresholds = pure.flatMap((x, i) => (x > EXCESS && noise[i] < 0 ? [noise[i] / (noise[i] - x)] : []));
    const law = Object.fromEntries(p.map((x, i) => [`p${i >> 2}${(i >> 1) & 1}${i & 1}`, x]));
    const threshold = thresholds.length ? Math.min(...thresholds) : null;
    return { ...law, lower, upper, ace, excess: Math.max(...excesses), threshold };
  };

  const counterfactual = (v) => {
    const sign = (word) => (word === "+" ? 1 : -1);
    const [a, b, s] = [sign(v.antecedent), sign(v.consequent[1]), v.sharpness];
    const [nX, nZ] = v.consequent[0] === "x" ? [1, 0] : [0, 1];
    const [phiX, phiZ] = [Math.sin(radians(v.direction)), Math.cos(radians(v.direction))];
    const terms = [1, -1].map((along) => {
      const [x, z] = [along * Math.sin(radians(v.source)), along * Math.cos(radians(v.source))]; // Bloch vector of λ
      const likelihood = v.evidence === "none" ? 1 : sumOrZero([1, sign(v.evidence) * s * x]) / 2;
      let antecedent = 1;
      let joint = (1 + b * a * nX) / 2; // do: a′ is prepared
      if (v.instrument === "active") {
        antecedent = sumOrZero([1, a * x * phiX, a * z * phiZ]) / 2;
        joint *= antecedent;
      } else if (v.instrument === "passive") {
        antecedent = sumOrZero([1, a * s * x]) / 2;
        joint = (antecedent + (b * (nX * (x + a * s) + nZ * Math.sqrt(1 - s * s) * z)) / 2) / 2;
      }
      return { likelihood, antecedent, conditional: antecedent > 0 ? joint / antecedent : null };
    });
    const evidence = sum(terms.map((term) => term.likelihood / 2));
    const posterior = terms.map((term) => term.likelihood / 2 / evidence);
    const impossible = terms.some((term, k) => posterior[k] > 0 && term.conditional === null);
    const answers = { evidence, answer: impossible ? null : sum(terms.map((term, k) => posterior[k] * term.conditional)) };
    terms.forEach((term, k) => {
      for (const [key, x] of Object.entries({ ...term, posterior: posterior[k] })) answers[key + k] = x;
    });
    return answers;
  };

  // The probabilities of (Y_0, Y_1) = 00, 01, 10, 11 in a group
  const fates = (untreated, treated, agreement) => {
    const [most, least] = [Math.min(untreated, treated), Math.max(0, untreated + treated - 1)];
    const both =
      (1 - Math.abs(agreement)) * untreated * treated + Math.max(agreement, 0) * most + Math.max(-agreement, 0) * least;
    return [1 - untreated - treated + both, treated - both, untreated - both, both].map((x) => Math.max(x, 0));
  };

  const rungs = (v) => {
    const imagine = (x, agreement) => {
      const [, onlyTreated, onlyUntreated] = fates(v[`risk${x}0`], v[`risk${x}1`], agreement);
      return (x ? onlyUntreated : onlyTreated) / (1 - v[`risk${x}${x}`]);
    };
    const answers = {};
    for (const x of [0, 1]) {
      answers[`see${x}`] = v[`risk${x}${x}`];
      answers[`do${x}`] = (1 - v.treated) * v[`risk0${x}`] + v.treated * v[`risk1${x}`];
      answers[`imagine${x}`] = imagine(x, v.agreement);
    }
    const extremes = [imagine(1, -1), imagine(1, 1)];
    return { ...answers, low: Math.min(...extremes), high: Math.max(...extremes) };
  };

  const formulas = { chsh, contradiction, counterfactual, rungs };
  globalThis.explore = formulas;

  // What is said

  const shown = (x) => {
    if (x === null) return "∗";
    const text = x.toFixed(3);
    return text === "-0.000" ? "0.000" : text.replace("-", "−");
  };
  const ket = (degrees) =>
    ({ 0: "|0⟩", 90: "|+⟩", 180: "|1⟩", 270: "|−⟩" })[degrees] ?? `the state at ${degrees}°`;
  const minus = (word) => word.replace("-", "−");

  const words = {
    chsh: (v, r) => {
      const verdict =
        Math.abs(r.S) > 2 + EXCESS ? "more than any classical common cause can" : "no more than a classical common cause can";
      return `S = ${shown(r.S)} and CS = ${shown(r.CS)}: ${verdict} (|S| ≤ 2, CS ≤ 1).`;
    },
    contradiction: (v, r) => {
      const bounds = `What is observed implies an effect between ${shown(r.lower)} and ${shown(r.upper)}, if exogeneity is joint`;
      const truth = `the true effect is ${shown(r.ace)}`;
      if (r.excess > EXCESS) return `${bounds}; ${truth}, outside by ${shown(r.excess)}. So it is not.`;
      return `${bounds}; ${truth}: no contradiction.`;
    },
    counterfactual: (v, r) => {
      const seen = v.evidence === "none" ? "" : `Given a = ${minus(v.evidence)}: `;
      const asked = `had a′ been ${minus(v.antecedent)}, b′ would be ${{ "x+": "+", "x-": "−", "z+": "0", "z-": "1" }[v.consequent]}`;
      if (r.answer !== null) return `${seen}${asked} with probability ${shown(r.answer)}.`;
      const reasons = [0, 1]
        .filter((k) => r[`posterior${k}`] > 0 && r[`conditional${k}`] === null)
        .map((k) => `the source has prepared ${ket(v.source + 180 * k)} with probability ${shown(r[`posterior${k}`])}, and then`);
      return `∗, no answer. ${seen}${reasons.join("; ")} a′ = ${minus(v.antecedent)} is impossible.`;
    },
    rungs: (v, r) => {
      const fewer = (x, y) => (x < y ? "less often" : x > y ? "more often" : "as often");
      return (
        `The vaccinated fall ill ${fewer(r.see1, r.see0)} than the others (${shown(r.see1)}, ${shown(r.see0)}); vaccinating all ` +
        `rather than nobody makes the risk ${shown(r.do1)} instead of ${shown(r.do0)}; of the vaccinated who are well, ` +
        `${shown(r.imagine1)} would be ill without it. From the lower rungs: ${shown(r.low)} to ${shown(r.high)}.`
      );
    },
  };

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

  const dial = (cx, name, letter, angles, kind) => [
    dot(cx, 88, 58, "outline"),
    line(cx, 30, cx, 146), line(cx - 58, 88, cx + 58, 88),
    text(cx - 88, 14, name, "start"),
    angles.map((angle, k) => [
      line(cx, 88, ...round(angle, 58, cx, 88), `${kind} ${k ? "dashed" : ""}`),
      dot(...round(angle, 58, cx, 88), 3.5, `${kind} filled`),
      text(round(angle, 73, cx, 88)[0], round(angle, 73, cx, 88)[1] + 4, sub(letter, k)),
    ]),
  ];

  const pictures = {
    chsh: (v, r) => {
      const at = (S) => 180 + 42 * S;
      const ticks = [[-2, "−2"], [0, "0"], [2, "2"], [-2 * Math.SQRT2, "−2√2"], [2 * Math.SQRT2, "2√2"]];
      return picture(
        232,
        dial(90, "Alice", "A", [v.a0, v.a1], "one"),
        dial(270, "Bob", "B", [v.b0, v.b1], "two"),
        box(at(-2), 186, at(2) - at(-2), 14, "classical"),
        line(at(-4), 200, at(4), 200, "outline"),
        ticks.map(([S, label]) => [line(at(S), 182, at(S), 204, "outline"), text(at(S) + (Math.abs(S) > 2.5 ? 8 * Math.sign(S) : 0), 218, label)]),
        box(Math.min(at(0), at(r.S)), 189, Math.abs(at(r.S) - at(0)), 8, Math.abs(r.S) > 2 + EXCESS ? "two filled" : "one filled"),
        text(at(r.S), 179, `S = ${shown(r.S)}`),
      );
    },
    contradiction: (v, r, data) => {
      const [at, up] = [(x) => 46 + 300 * x, (y) => 105 - 88 * y];
      const grid = [...Array(51).keys()].map((k) => k / 50);
      if (r.threshold !== null) grid.push(r.threshold);
      const all = grid.sort((x, y) => x - y).map((x) => ({ x, ...atVisibility(v, x, data) }));
      const of = (key) => all.map((point) => [at(point.x), up(point[key])]);
      const outside = all.filter((point) => r.threshold !== null && point.x >= r.threshold - TINY);
      const nearest = (point) => Math.min(Math.max(point.ace, point.lower), point.upper);
      return picture(
        236,
        [-1, -0.5, 0, 0.5, 1].map((y) => [line(at(0), up(y), at(1), up(y)), text(40, up(y) + 4, minus(String(y)), "end")]),
        [0, 0.5, 1].map((x) => [line(at(x), up(-1), at(x), up(-1) + 5, "outline"), text(at(x), 210, x)]),
        text(at(0.5), 229, "visibility v"),
        shape([...of("lower"), ...of("upper").reverse()], "band"),
        curve(of("lower"), "one"), curve(of("upper"), "one"),
        shape([...outside.map((p) => [at(p.x), up(p.ace)]), ...outside.map((p) => [at(p.x), up(nearest(p))]).reverse()], "outside"),
        curve(of("ace"), "two dashed"),
        line(at(v.visibility), up(-1), at(v.visibility), up(1), "outline"),
        dot(at(v.visibility), up(r.lower), 4, "one filled"), dot(at(v.visibility), up(r.upper), 4, "one filled"),
        dot(at(v.visibility), up(r.ace), 5, "two filled"),
        text(at(0.03), up(0.8), "bounds on the ACE", "start", "one-text"),
        text(at(0.03), up(-0.93), "true ACE (dashed)", "start", "two-text"),
      );
    },
    counterfactual: (v, r) => {
      const [cx, cy, R] = [118, 112, 78];
      const across = (angle, kind) => line(...round(angle, R, cx, cy), ...round(angle + 180, R, cx, cy), kind);
      const bars = [0, 1].map((k) => {
        const y = 34 + 100 * k;
        return [
          text(244, y - 8, `λ: ${ket((v.source + 180 * k) % 360).replace("the state at ", "")}`, "start"),
          box(244, y, 106, 12, "outline"), box(244, y, 106 * r[`posterior${k}`], 12, "one filled"),
          text(244, y + 26, `P(λ | a) = ${shown(r[`posterior${k}`])}`, "start", "small"),
          box(244, y + 32, 106, 8, "outline"), box(244, y + 32, 106 * r[`antecedent${k}`], 8, "three filled"),
          text(244, y + 56, `P(a′) = ${shown(r[`antecedent${k}`])}`, "start", "small"),
        ];
      });
      return picture(
        232,
        dot(cx, cy, R, "outline"), line(cx - R, cy, cx + R, cy), line(cx, cy - R, cx, cy + R),
        text(cx, cy - R - 14, "[0]"), text(cx, cy + R + 25, "[1]"), text(cx + R + 15, cy + 4, "[+]", "start"), text(cx - R - 15, cy + 4, "[−]", "end"),
        v.instrument === "active" ? [across(v.direction, "three dashed"), text(round(v.direction, R - 20, cx, cy)[0] + 12, round(v.direction, R - 20, cx, cy)[1], "[φ]", "middle", "three-text")] : "",
        v.instrument === "passive" ? line(cx - R * v.sharpness, cy, cx + R * v.sharpness, cy, "three dashed") : "",
        [0, 1].map((k) => [dot(...round(v.source + 180 * k, R, cx, cy), 11, "ring"), dot(...round(v.source + 180 * k, R, cx, cy), 11 * Math.sqrt(r[`posterior${k}`]), "one filled")]),
        bars,
      );
    },
    rungs: (v, r) => {
      const [left, top, size] = [2, 24, 140];
      const order = [[3, "always"], [2, "saved"], [1, "harmed"], [0, "never"]];
      const squares = [0, 1].map((group) => {
        const law = fates(v[`risk${group}0`], v[`risk${group}1`], v.agreement);
        const x = left + (group ? size * (1 - v.treated) : 0);
        const width = size * (group ? v.treated : 1 - v.treated);
        let y = top;
        return order.map(([k, kind]) => {
          const part = box(x, y, width - 1.5, size * law[k], `fate ${kind}`);
          y += size * law[k];
          return part;
        });
      });
      const legend = [["always", "ill anyway"], ["saved", "saved"], ["harmed", "harmed"], ["never", "well anyway"]];
      const at = (p) => 190 + 155 * p;
      const scale = (y, name, zero, one, extent) => [
        text(190, y - 14, name, "start"),
        line(at(0), y, at(1), y, "outline"),
        extent ? box(at(extent[0]), y - 5, at(extent[1]) - at(extent[0]), 10, "band") : "",
        [0, 1].map((p) => [line(at(p), y - 4, at(p), y + 4, "outline"), text(at(p), y + 19, p, "middle", "small")]),
        dot(at(zero), y, 5, "one filled"), box(at(one) - 5, y - 5, 10, 10, "two filled"),
      ];
      return picture(
        232,
        text(left, 14, "decline | accept", "start", "small"), squares,
        legend.map(([kind, label], k) => [box(left + 90 * (k & 1), 178 + 22 * (k >> 1), 11, 11, `fate ${kind}`), text(left + 16 + 90 * (k & 1), 188 + 22 * (k >> 1), label, "start", "small")]),
        scale(44, "imagined", r.imagine0, r.imagine1, [r.low, r.high]),
        scale(108, "done", r.do0, r.do1),
        scale(172, "seen", r.see0, r.see1),
        dot(200, 215, 5, "one filled"), text(210, 219, "x = 0", "start", "small"),
        box(270, 210, 10, 10, "two filled"), text(286, 219, "x = 1", "start", "small"),
      );
    },
  };

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
      if (name === "counterfactual") form.elements.direction.disabled = values.instrument !== "active";
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

  for (const section of document.querySelectorAll(".explore:not([data-alive])")) {
    section.dataset.alive = "";
    start(section);
  }
})();
