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

formulas.contradiction = (v, expressions) => {
  const { p, lower, upper, ace, excesses } = atVisibility(v, v.visibility, expressions);
  const [noise, pure] = [0, 1].map((visibility) => atVisibility(v, visibility, expressions).excesses);
  const thresholds = pure.flatMap((x, i) => (x > EXCESS && noise[i] < 0 ? [noise[i] / (noise[i] - x)] : []));
  const law = Object.fromEntries(p.map((x, i) => [`p${i >> 2}${(i >> 1) & 1}${i & 1}`, x]));
  const threshold = thresholds.length ? Math.min(...thresholds) : null;
  return { ...law, lower, upper, ace, excess: Math.max(...excesses), threshold };
};

words.contradiction = (v, r) => {
  const bounds = `What is observed implies an effect between ${shown(r.lower)} and ${shown(r.upper)}, if exogeneity is joint`;
  const truth = `the true effect is ${shown(r.ace)}`;
  if (r.excess > EXCESS) return `${bounds}; ${truth}, outside by ${shown(r.excess)}. So it is not.`;
  return `${bounds}; ${truth}: no contradiction.`;
};

pictures.contradiction = (v, r, data) => {
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
};
