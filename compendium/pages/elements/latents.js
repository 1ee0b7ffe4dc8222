const MOST = (Math.sqrt(13) - 2) / 9; // by which a quantum common cause goes beyond a classical bound

formulas.latents = (v) => {
  const p = (x, y, z) => {
    const taken = v[`taken${z}`];
    const rate = v[`rate${x}${z}`];
    return (x ? taken : 1 - taken) * (y ? rate : 1 - rate);
  };
  const answers = {};
  for (const x of [0, 1]) for (const y of [0, 1]) for (const z of [0, 1]) answers[`p${x}${y}${z}`] = p(x, y, z);
  const most = (x, y) => Math.max(p(x, y, 0), p(x, y, 1));
  const none = [0, 1].some((x) => most(x, 0) + most(x, 1) > 1 + EXCESS);
  const gain = (x, y, z) => // the lesser excess of the theorem "Which tables tell the kinds apart"
    Math.min(p(x, y, z) - p(0, y, 1 - z) - p(1, y, 1 - z), p(x, 1 - y, 1 - z) - p(x, 1 - y, z) - p(1 - x, y, z));
  const largest = (...cells) => Math.max(0, ...cells.flatMap(([x, y]) => [gain(x, y, 0), gain(x, y, 1)]));
  const [gain_low, gain_high] = [largest([0, 0], [1, 1]), largest([0, 1], [1, 0])];
  const [natural_low, natural_high] = [most(1, 1) + most(0, 0) - 1, 1 - most(1, 0) - most(0, 1)];
  const bounds = {
    classical_low: natural_low + gain_low, classical_high: natural_high - gain_high,
    quantum_low: natural_low + Math.max(gain_low - MOST, 0), quantum_high: natural_high - Math.max(gain_high - MOST, 0),
    natural_low, natural_high, gain_low, gain_high,
  };
  for (const [key, x] of Object.entries(bounds)) answers[key] = none ? null : x;
  return answers;
};

words.latents = (v, r) => {
  if (r.gain_low === null) return "No common cause whatever has this table: it violates the instrumental inequality.";
  const classical = `A classical common cause: effect from ${shown(r.classical_low)} to ${shown(r.classical_high)}`;
  if (Math.max(r.gain_low, r.gain_high) <= EXCESS) return `${classical}. So says every other that does not signal: ignore quantum theory.`;
  return `${classical}; any without signals: ${shown(r.natural_low)} to ${shown(r.natural_high)}. Here the kind of cause matters.`;
};

pictures.latents = (v, r) => {
  const at = (x) => 180 + 160 * x;
  const frame = [
    [-1, -0.5, 0, 0.5, 1].map((x) => [line(at(x), 18, at(x), 168), text(at(x), 184, minus(String(x)))]),
    text(180, 202, "effect"),
  ];
  const rows = [["classical", "classical common cause", "classical filled"], ["quantum", "quantum: within", "band"], ["natural", "anything without signals", "outside"]];
  const intervals = rows.map(([name, label, kind], k) => {
    const y = 36 + 46 * k;
    const [low, high] = [r[`${name}_low`], r[`${name}_high`]];
    const bar = (look) => box(at(low) - 1, y, at(high) - at(low) + 2, 14, look);
    return [text(at(-1), y - 6, label, "start"), low === null ? text(at(0), y + 12, "∗ no such cause") : [bar(kind), bar("outline")]];
  });
  return picture(208, frame, intervals);
};
