"""A counterfactual query on the wire Λ → A → B."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from compendium.pages.elements import Answers, Choice, Element, Setting, Slider, Values, number_in
from qlib.numbers.arguments import Floats
from qlib.quantum.channels import IDENTITY, PAULI_X, pure_state
from qlib.quantum.counterfactuals import COUNTERPOSSIBLE, CounterfactualQuery, evaluate
from qlib.quantum.instruments import Instrument, Outcome
from qlib.quantum.processes import QuantumNode, QuantumStructuralModel, unitary

FOUND: dict[Outcome, ArrayLike] = {sign: pure_state(np.array([1, s]) / np.sqrt(2)) for sign, s in (("+", 1), ("-", -1))}


def state(degrees: float) -> Floats:
    """The projector with Bloch vector at an angle to the z axis: 0 is [0], 90 [+], 180 [1], 270 [−].

    >>> state(90).round(9)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    half = np.radians(degrees) / 2
    return np.asarray(pure_state(np.array([np.cos(half), np.sin(half)])))


def along(degrees: float) -> Floats:
    """The two projectors of a measurement at an angle to the z axis, shape (2, 2, 2).

    >>> along(0)[1].round(9)
    array([[0., 0.],
           [0., 1.]])
    """
    return np.stack([state(degrees), state(degrees + 180)])


def unsharp(sharpness: float) -> Instrument:
    """A measurement of σ_X with the Kraus operators √((1 ± s σ_X)/2); sharp for s = 1, nothing at all for s = 0."""
    up, down = np.sqrt((1 + sharpness) / 2), np.sqrt((1 - sharpness) / 2)
    one, X = IDENTITY.astype(float), PAULI_X.astype(float)
    kraus = {sign: ((a + b) * one + (a - b) * X) / 2 for sign, a, b in (("+", up, down), ("-", down, up))}
    return Instrument.from_kraus({sign: K[None] for sign, K in kraus.items()})


def counterfactual(values: Values) -> Answers:
    """Given a at A, the probability of b′ at B, had a′ been: on the wire Λ → A → B of Suresh et al. (2023), Sec. 7.1.

    Λ prepares one of two opposite states, with probability ½ each: at the angle `source` (λ = 0) or against it (λ = 1).
    evidence : "none", "+" or "-". antecedent : "+" or "-". instrument : "passive", "active" (measure [φ], prepare |±⟩)
    or "do" (prepare a′). consequent : "x+", "x-", "z+" or "z-". Keys ending in 0 and 1 are the terms of the two λ.

    >>> paper = {"source": 90, "evidence": "+", "antecedent": "-", "instrument": "passive", "direction": 60,
    ...          "sharpness": 1, "consequent": "z+"}
    >>> answer = counterfactual(paper)               # Example 2: no answer, as λ = + cannot give a = −
    >>> answer["answer"], answer["posterior0"], answer["conditional0"]
    (None, 1.0, None)
    """
    source, sign = number_in(values, "source"), str(values["antecedent"])
    prepared: dict[Outcome, ArrayLike] = {0: state(source), 1: state(source + 180)}
    weights: dict[Outcome, ArrayLike] = dict.fromkeys(prepared, 0.5)
    model = QuantumStructuralModel(
        (QuantumNode("A"), QuantumNode("B")),
        {"Λ": Instrument.discard_and_prepare(weights, prepared, 2, name="Λ")},
        (unitary(np.eye(2), ["Λ"], ["A"]), unitary(np.eye(2), ["A"], ["B"])),
    )
    axis = {"x": 90, "z": 0}[str(values["consequent"])[0]]
    at_B = Instrument.projective({"+": state(axis), "-": state(axis + 180)})
    evidence = {} if values["evidence"] == "none" else {"A": values["evidence"]}
    actual = {"A": unsharp(number_in(values, "sharpness")), "B": at_B}
    consequent = {"B": str(values["consequent"])[1]}
    answer = evaluate(model, CounterfactualQuery(evidence, {"A": sign}, consequent, actual, _changed(values, sign)))
    answers = {"evidence": float(answer.evidence), "answer": _or_star(answer.probability)}
    for k, term in enumerate(answer.terms):
        answers |= {f"likelihood{k}": float(term.likelihood), f"posterior{k}": float(term.posterior)}
        answers |= {f"antecedent{k}": float(term.antecedent), f"conditional{k}": _or_star(term.probability)}
    return answers


def _changed(values: Values, sign: str) -> dict[str, Instrument]:
    """The instruments that are other ones in the counterfactual world."""
    phi = number_in(values, "direction")
    measure_phi: dict[Outcome, ArrayLike] = {"+": state(phi), "-": state(phi + 180)}
    return {
        "passive": {},
        "active": {"A": Instrument.measure_and_prepare(measure_phi, FOUND, name="measure [φ], prepare |±⟩")},
        "do": {"A": Instrument.do(FOUND[sign], d_in=2, outcome=sign)},
    }[str(values["instrument"])]


def _or_star(probability: Any) -> float | None:
    return None if probability is COUNTERPOSSIBLE else float(probability)


EXAMPLE: dict[str, float | str] = {
    "source": 0,
    "evidence": "+",
    "antecedent": "-",
    "instrument": "passive",
    "direction": 60,
    "sharpness": 1,
    "consequent": "z+",
}

ELEMENT = Element(
    "counterfactual",
    "Had it been otherwise",
    (
        Choice("evidence", "Evidence at <i>A</i>", {"+": "a = +", "-": "a = −", "none": "nothing was looked at"}),
        Choice("antecedent", "Had it been", {"-": "a′ = −", "+": "a′ = +"}),
        Choice(
            "instrument",
            "with the instrument",
            {
                "passive": "passive: the same",
                "do": "do: prepare |a′⟩",
                "active": "active: measure [φ], prepare |a′⟩",
            },
        ),
        Choice(
            "consequent",
            "what is the probability of",
            {"z+": "b′ = 0 (σ_Z)", "z-": "b′ = 1 (σ_Z)", "x+": "b′ = + (σ_X)", "x-": "b′ = − (σ_X)"},
        ),
        Slider("source", "Source: direction of its two states", 0, 180, 1, "°"),
        Slider("direction", "Active: direction of [φ]", 0, 360, 1, "°"),
        Slider("sharpness", "Sharpness of the measurement at <i>A</i>", 0, 1, 0.01),
    ),
    (
        Setting("Example 1, as in the paper", EXAMPLE),
        Setting("Example 2, as in the paper", {**EXAMPLE, "source": 90}),
        Setting("Example 1, active, [φ] = [1]", {**EXAMPLE, "instrument": "active", "direction": 180}),
        Setting("Example 2, blurred", {**EXAMPLE, "source": 90, "sharpness": 0.8, "consequent": "x+"}),
    ),
    counterfactual,
    (
        "<i>λ</i>",
        "<i>P</i>(<i>a</i> | <i>λ</i>)",
        "<i>P</i>(<i>λ</i> | <i>a</i>)",
        "<i>P<sup>λ</sup></i>(<i>a′</i>)",
        "<i>P<sup>λ</sup></i>(<i>b′</i> | <i>a′</i>)",
    ),
    {
        name: tuple(f"{key}{k}" for key in ("likelihood", "posterior", "antecedent", "conditional"))
        for k, name in enumerate(("along", "against"))
    },
    {"evidence": "probability of the evidence", "answer": "answer"},
    "The two states of the source and the projector [φ] on a circle of the Bloch sphere",
)
