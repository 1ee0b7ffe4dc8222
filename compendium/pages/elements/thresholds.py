"""Where each reading of one experiment falls silent: eight thresholds on one axis of noise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy as sp

from compendium.pages.elements import Answers, Element, Setting, Slider, Values, number_in
from compendium.studies import one_experiment

V = sp.Symbol("v", positive=True)
READINGS = {
    "entangled": "the pair: its concurrence",
    "strength": "confounding strength <i>CS</i>, above 1",
    "single": "one probability, out of its bounds",
    "individual": "one individual: between classical models and all others, <i>X</i> kept",
    "average": "the average effect, out of its bounds",
    "kept": "source alone: individual’s answer, <i>X</i> kept",
    "anew": "source alone: individual’s answer, <i>X</i> drawn anew",
    "benefit": "source alone: probability of benefit",
}


@cache
def excesses() -> Mapping[str, sp.Expr]:
    """By how much each reading is beyond what is classical, as a function of the visibility; negative where it is not.

    The classical bounds are optima of linear programs, proved for all s from 1/3 on; below that they exceed nothing.

    >>> excesses()["average"].subs(V, 1).evalf(4)
    0.1339
    """
    s = V / sp.sqrt(2)
    asked = {
        "single": lambda r: r.y1,
        "average": lambda r: r.y1 - r.y0,
        "benefit": lambda r: int((r.y0, r.y1) == (0, 1)),
        "individual": one_experiment.other_outcome((0, 0, 0)),
    }
    bounds = {
        name: one_experiment.classical_line(of, "min", sp.Rational(1, 3), 1).formula.subs(sp.Symbol("s"), s)
        for name, of in asked.items()
    }
    P = one_experiment.data(s)
    found, would = P[0, 0, 0, 0], P[0, 1, 0, 1]
    individual = bounds["individual"] / found
    swapped = one_experiment.noisy_pair(V).reshape(2, 2, 2, 2).transpose(0, 3, 2, 1).reshape(4, 4)
    return {
        "entangled": -2 * min(sp.Matrix(swapped).eigenvals(), key=lambda value: value.subs(V, 1)),
        "strength": 2 * s - 1,
        "single": bounds["single"] - P[0, 1, :, 1].sum(),
        "individual": individual - would / found,
        "average": bounds["average"] - (P[0, 1, :, 1].sum() - P[0, 0, :, 1].sum()),
        "kept": individual - would / P[0, 1, 0].sum(),
        "anew": individual - P[0, 1, :, 1].sum(),
        "benefit": bounds["benefit"] - P[0, 0, :, 0].sum() * P[0, 1, :, 1].sum(),
    }


@cache
def begins() -> Mapping[str, float]:
    """The visibility from which on each reading finds something.

    >>> round(begins()["kept"], 4)
    0.6563
    """
    return {name: float(one_experiment.begins(excess, V)) for name, excess in excesses().items()}


def thresholds(values: Values) -> Answers:
    """The CHSH value at a visibility, by how much each reading is out of its bounds there, and where it begins.

    >>> now = thresholds({"visibility": 0.8})
    >>> round(now["single"], 3), now["average"]
    (0.066, 0.0)
    """
    v = number_in(values, "visibility")
    answers = {name: max(0.0, float(excess.subs(V, v))) for name, excess in excesses().items()}
    starts = {f"from_{name}": start for name, start in begins().items()}
    return {"S": float(2 * np.sqrt(2) * v), **answers, **starts}


ELEMENT = Element(
    "thresholds",
    "Which reading falls silent first",
    (Slider("visibility", "Visibility <i>v</i> of the pair", 0, 1, 0.005),),
    (
        Setting("Without noise", {"visibility": 1}),
        Setting("The average effect is silent", {"visibility": 0.8}),
        Setting("The Bell test is silent", {"visibility": 0.7}),
        Setting("Entangled, and nothing else", {"visibility": 0.5}),
    ),
    thresholds,
    ("reading", "begins at <i>v</i>", "now, by"),
    {label: (f"from_{name}", name) for name, label in READINGS.items()},
    {"S": "<i>S</i>"},
    "Eight readings as bars that begin at their thresholds, and the chosen visibility as a line",
)
