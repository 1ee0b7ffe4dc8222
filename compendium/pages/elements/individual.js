const axes = { A: [0, 90], B: [45, -45] }; // angles to σ_Z of what the coin, and what is sent, choose
const ketAt = (degrees, outcome) => [Math.cos, Math.sin].map((f) => f(radians(degrees + 180 * outcome) / 2));

formulas.individual = (v) => {
  const [x, y, z] = [...v.found].map(Number);
  const a = (k) => ketAt(axes.A[z], k);
  const b = (t, k) => ketAt(axes.B[t], k);
  const bell = (p, q) => (p[0] * q[0] - p[1] * q[1]) * Math.SQRT1_2;
  const inner = (p, q) => p[0] * q[0] + p[1] * q[1];
  const between = ([p, q], [r, t]) =>
    v.visibility * bell(p, q) * bell(r, t) + ((1 - v.visibility) / 4) * inner(p, r) * inner(q, t); // ⟨pq|ρ|rt⟩
  const chance = (...kets) => between(kets, kets);

  const was = [a(x), b(x, y)];
  const found = chance(...was);
  const would = [0, 1].map((k) => chance(a(x), b(1 - x, k))); // X kept
  const kept = [0, 1].map((k) => (2 * between(was, [a(x), b(1 - x, k)]) ** 2) / found);
  const anew = [0, 1].map((k) => sum([0, 1].map((j) => between(was, [a(j), b(1 - x, k)]) ** 2)) / found);

  const s = v.visibility * Math.SQRT1_2;
  const least = found > 1 / 4 ? Math.max(0, (3 * s - 1) / (1 + s)) : 0; // for the likely four of eight
  return {
    classical_low: v.found === "111" ? 0 : least,
    classical_high: v.found === "111" ? 1 - least : 1,
    any_low: Math.max(0, 1 - would[0] / found),
    any_high: Math.min(1, would[1] / found),
    kept_low: kept[1],
    kept_high: 1 - kept[0],
    anew_low: anew[1],
    anew_high: 1 - anew[0],
    alone_kept: 2 * would[1],
    alone_anew: 1 / 2,
    found,
  };
};

const apart = (r, one, other) =>
  r[`${one}_low`] > r[`${other}_high`] + EXCESS || r[`${other}_low`] > r[`${one}_high`] + EXCESS;
const fromTo = (r, name) => `${shown(r[`${name}_low`])} to ${shown(r[`${name}_high`])}`;

words.individual = (v, r) => {
  const both = `Classical models say ${fromTo(r, "classical")}; with X kept all others say ${fromTo(r, "any")}`;
  const anew = apart(r, "classical", "anew") ? " Drawn anew, no decomposition of the state agrees with a classical model." : "";
  return apart(r, "classical", "any") ? `${both}. No facts reconcile them.${anew}` : `${both}: no contradiction.${anew}`;
};

pictures.individual = (v, r) => {
  const [at, row] = [(p) => 20 + 320 * p, (k) => 34 + 47 * k];
  const bands = [
    ["classical", "all classical models", "classical filled"],
    ["any", "any facts, X kept", "outside"],
    ["kept", "quantum facts, X kept", "band"],
    ["anew", "quantum facts, X drawn anew: within", "band"],
  ];
  const edges = [r.classical_low, r.classical_high].filter((p) => p > 0 && p < 1);
  return picture(
    236,
    [0, 0.5, 1].map((p) => [line(at(p), 16, at(p), 204), text(at(p), 220, p)]),
    text(at(0.25), 220, "1 would be found", "middle", "small"),
    bands.map(([name, , kind], k) => [
      box(at(r[`${name}_low`]), row(k), Math.max(at(r[`${name}_high`]) - at(r[`${name}_low`]), 2), 14, kind),
      box(at(r[`${name}_low`]), row(k), Math.max(at(r[`${name}_high`]) - at(r[`${name}_low`]), 2), 14, "outline"),
    ]),
    edges.map((p) => line(at(p), row(0), at(p), 204, "outline dashed")),
    bands.map(([, label], k) => text(at(0), row(k) - 6, label, "start", "halo")),
    dot(at(r.alone_kept), row(2) + 7, 5, "one filled"), dot(at(r.alone_anew), row(3) + 7, 5, "one filled"),
    dot(at(0.62), 232 - 16, 4, "one filled"), text(at(0.65), 220, "source alone", "start", "small"),
  );
};
