const NEGLIGIBLE = 1e-12; // a probability, as in qlib.quantum.completions

formulas.range_of_answers = (v) => {
  const theta = Math.asin(v.concurrence) / 2;
  const pair = [Math.cos(theta), Math.sin(theta)]; // the amplitudes of |00⟩ and |11⟩
  const at = (degrees, outcome) => [Math.cos, Math.sin].map((f) => f(radians(degrees + 180 * outcome) / 2));
  const [was, noise] = [at(v.bob, 0), (1 - v.visibility) / 4];
  const found = v.visibility * (pair[0] * was[0]) ** 2 + noise;
  const answers = { found };
  for (const a of [1, 0]) {
    const chance = v.visibility * pair[a] ** 2 + 2 * noise;
    const [one, zero] = [1, 0].map((outcome) => {
      const would = at(v.other, outcome);
      const overlap = a ? 0 : was[0] * would[0] + was[1] * would[1];
      const coherence = v.visibility * pair[0] * was[0] * pair[a] * would[a] + noise * overlap;
      return { coherence, joint: v.visibility * (pair[a] * would[a]) ** 2 + noise };
    });
    const possible = chance > NEGLIGIBLE;
    const both = possible && found > NEGLIGIBLE;
    answers[`alone${a}`] = possible ? one.joint / chance : null;
    answers[`pinned${a}`] = possible ? Math.abs(one.coherence) : null;
    answers[`low${a}`] = both ? one.coherence ** 2 / (found * chance) : null;
    answers[`high${a}`] = both ? 1 - zero.coherence ** 2 / (found * chance) : null;
  }
  return answers;
};

words.range_of_answers = (v, r) => {
  if (r.low0 === null) return "∗, no answer: both cannot have found 0.";
  const had = (a) => (r[`low${a}`] === null ? "∗, as she could not have" : `${shown(r[`low${a}`])} to ${shown(r[`high${a}`])}`);
  const overlap = r.low1 !== null && r.low1 <= r.high0 + EXCESS && r.low0 <= r.high1 + EXCESS;
  return `Had Alice found 1, Bob would have found 1 with a probability of ${had(1)}; had she found 0: ${had(0)}.${overlap ? " The bands overlap." : ""}`;
};

pictures.range_of_answers = (v, r) => {
  const [at, up] = [(x) => 40 + 306 * x, (y) => 184 - 164 * y];
  const all = [...Array(51).keys()].map((k) => ({ x: k / 50, ...formulas.range_of_answers({ ...v, visibility: k / 50 }) }));
  const of = (key) => all.filter((point) => point[key] !== null).map((point) => [at(point.x), up(point[key])]);
  const band = (a, fill, edge) => [
    shape([...of(`low${a}`), ...of(`high${a}`).reverse()], fill),
    curve(of(`low${a}`), edge), curve(of(`high${a}`), edge),
    r[`low${a}`] === null ? "" : line(at(v.visibility), up(r[`low${a}`]), at(v.visibility), up(r[`high${a}`]), edge.replace(" dashed", "")),
    r[`alone${a}`] === null ? "" : a ? dot(at(v.visibility), up(r.alone1), 5, "one filled") : box(at(v.visibility) - 5, up(r.alone0) - 5, 10, 10, "two filled"),
  ];
  return picture(
    236,
    [0, 0.5, 1].map((y) => [line(at(0), up(y), at(1), up(y)), text(34, up(y) + 4, y, "end")]),
    [0, 0.5, 1].map((x) => [line(at(x), up(0), at(x), up(0) + 5, "outline"), text(at(x), 203, x)]),
    line(at(v.visibility), up(0), at(v.visibility), up(1), "outline"),
    band(1, "band", "one"), band(0, "outside", "two dashed"),
    text(at(0.25), 203, "visibility v"),
    dot(48, 224, 5, "one filled"), text(58, 228, "had she found 1", "start", "one-text"),
    box(193, 219, 10, 10, "two filled"), text(208, 228, "had she found 0", "start", "two-text"),
  );
};
