const begins = {
  entangled: 1 / 3,
  strength: Math.SQRT1_2,
  single: Math.SQRT1_2,
  individual: Math.SQRT1_2,
  average: (3 * Math.SQRT2) / 5,
  kept: Math.SQRT2 * (2 * Math.sqrt(3) - 3),
  anew: (3 * Math.SQRT2) / 5,
  benefit: (2 * Math.SQRT2) / 3,
};

formulas.thresholds = ({ visibility: v }) => {
  const s = v * Math.SQRT1_2; // the modulus of all four correlators
  const classical = (3 * s - 1) / (1 + s); // the least that classical models say of the individual
  const beyond = {
    entangled: (3 * v - 1) / 2,
    strength: 2 * s - 1,
    single: s - 1 / 2,
    individual: classical - (1 - s) / (1 + s),
    average: (5 * s - 3) / 4,
    kept: classical - (1 - s) / 2,
    anew: classical - 1 / 2,
    benefit: (3 * s - 2) / 4,
  };
  const answers = { S: 4 * s };
  for (const [name, x] of Object.entries(beyond)) [answers[name], answers[`from_${name}`]] = [Math.max(x, 0), begins[name]];
  return answers;
};

const readings = {
  entangled: "entangled",
  strength: "confounding strength above 1",
  single: "one probability",
  individual: "one individual, X kept",
  average: "average effect",
  kept: "source alone: X kept",
  anew: "source alone: X drawn anew",
  benefit: "source alone: benefit",
};
const speaks = (r, name) => r[name] > EXCESS;

words.thresholds = (v, r) => {
  const heard = Object.keys(begins).filter((name) => speaks(r, name));
  const bell =
    r.S > 2 + EXCESS ? `${shown(r.S)}, more than 2` : `${shown(r.S)}, and a classical model of the whole experiment exists`;
  if (!heard.length) return `S is ${bell}. Nothing is found: the pair is not entangled.`;
  if (heard.length === 8) return `S is ${bell}. All eight readings find something.`;
  return `S is ${bell}. What finds something: ${heard.map((name) => readings[name]).join("; ")}.`;
};

pictures.thresholds = (v, r) => {
  const [at, row] = [(x) => 8 + 344 * x, (k) => 14 + 23 * k];
  return picture(
    232,
    Object.keys(begins).map((name, k) => [
      text(at(begins[name]) - 5, row(k) + 11, readings[name], "end", "small"),
      box(at(begins[name]), row(k), at(1) - at(begins[name]), 14, speaks(r, name) ? "two filled" : "outline"),
    ]),
    line(at(Math.SQRT1_2), 6, at(Math.SQRT1_2), 200, "outline dashed"),
    line(at(v.visibility), 4, at(v.visibility), 200, "one"),
    dot(at(v.visibility), 4, 4, "one filled"),
    line(at(0), 200, at(1), 200, "outline"),
    [0, 0.5, 1].map((x) => [line(at(x), 200, at(x), 205, "outline"), text(at(x), 218, x, x ? (x < 1 ? "middle" : "end") : "start")]),
    text(at(0.25), 218, "visibility v"), text(at(0.75), 218, "dashed: S = 2", "middle", "small"),
  );
};
