// The probabilities of (Y_0, Y_1) = 00, 01, 10, 11 in a group
const fates = (untreated, treated, agreement) => {
  const [most, least] = [Math.min(untreated, treated), Math.max(0, untreated + treated - 1)];
  const both =
    (1 - Math.abs(agreement)) * untreated * treated + Math.max(agreement, 0) * most + Math.max(-agreement, 0) * least;
  return [1 - untreated - treated + both, treated - both, untreated - both, both].map((x) => Math.max(x, 0));
};

formulas.rungs = (v) => {
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

words.rungs = (v, r) => {
  const fewer = (x, y) => (x < y ? "less often" : x > y ? "more often" : "as often");
  return (
    `The vaccinated fall ill ${fewer(r.see1, r.see0)} than the others (${shown(r.see1)}, ${shown(r.see0)}); vaccinating all ` +
    `rather than nobody makes the risk ${shown(r.do1)} instead of ${shown(r.do0)}; of the vaccinated who are well, ` +
    `${shown(r.imagine1)} would be ill without it. From the lower rungs: ${shown(r.low)} to ${shown(r.high)}.`
  );
};

pictures.rungs = (v, r) => {
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
};
