formulas.chsh = (v) => {
  const E = (a, b) =>
    Math.cos(radians(a)) * Math.cos(radians(b)) + v.concurrence * Math.sin(radians(a)) * Math.sin(radians(b));
  const answers = { E00: E(v.a0, v.b0), E01: E(v.a0, v.b1), E10: E(v.a1, v.b0), E11: E(v.a1, v.b1) };
  const S = answers.E00 + answers.E01 + answers.E10 - answers.E11;
  return { ...answers, S, CS: Math.abs(S) / 2, largest: 2 * Math.sqrt(1 + v.concurrence ** 2) };
};

words.chsh = (v, r) => {
  const verdict =
    Math.abs(r.S) > 2 + EXCESS ? "more than any classical common cause can" : "no more than a classical common cause can";
  return `S = ${shown(r.S)} and CS = ${shown(r.CS)}: ${verdict} (|S| ≤ 2, CS ≤ 1).`;
};

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

pictures.chsh = (v, r) => {
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
};
