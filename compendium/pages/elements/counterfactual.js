formulas.counterfactual = (v) => {
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

idle.counterfactual = (v) => (v.instrument === "active" ? [] : ["direction"]);

const ket = (degrees) =>
  ({ 0: "|0⟩", 90: "|+⟩", 180: "|1⟩", 270: "|−⟩" })[degrees] ?? `the state at ${degrees}°`;

words.counterfactual = (v, r) => {
  const seen = v.evidence === "none" ? "" : `Given a = ${minus(v.evidence)}: `;
  const asked = `had a′ been ${minus(v.antecedent)}, b′ would be ${{ "x+": "+", "x-": "−", "z+": "0", "z-": "1" }[v.consequent]}`;
  if (r.answer !== null) return `${seen}${asked} with probability ${shown(r.answer)}.`;
  const reasons = [0, 1]
    .filter((k) => r[`posterior${k}`] > 0 && r[`conditional${k}`] === null)
    .map((k) => `the source has prepared ${ket(v.source + 180 * k)} with probability ${shown(r[`posterior${k}`])}, and then`);
  return `∗, no answer. ${seen}${reasons.join("; ")} a′ = ${minus(v.antecedent)} is impossible.`;
};

pictures.counterfactual = (v, r) => {
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
};
