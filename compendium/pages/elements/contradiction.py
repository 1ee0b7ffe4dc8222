"""Visibility against joint exogeneity."""

from __future__ import annotations

import numpy as np

from compendium.pages.elements import (
    ANGLE_INPUTS,
    ARMS,
    CONCURRENCE,
    OBSERVED,
    Answers,
    Element,
    Setting,
    Slider,
    Values,
    four_directions,
    number_in,
    observed,
)
from compendium.pages.elements.chsh import TSIRELSON
from qlib.correlations import instrumental_strategies
from qlib.correlations.behaviours import functional_value
from qlib.models.bounds import BALKE_PEARL_LOWER, BALKE_PEARL_UPPER, ace_bounds
from qlib.numbers.arguments import Floats
from qlib.numbers.exact_arrays import as_float


def contradiction(values: Values) -> Answers:
    """Observed law, bounds on the ACE, the true ACE, by how much it lies outside, and where noise would end that.

    The state is cos θ|00⟩ − sin θ|11⟩ with sin 2θ = concurrence (1: the |Φ⁻⟩ of Wang & Zhang 2025, eq. (12)), mixed
    with white noise. excess : the larger of lower − ACE and ACE − upper. threshold : the visibility above which it is
    positive; None if it never is.

    >>> paper = {"a0": 0, "a1": 90, "b0": 45, "b1": -45, "concurrence": 1, "visibility": 1}
    >>> round(contradiction(paper)["excess"], 9), round(contradiction(paper)["threshold"], 9)
    (0.133883476, 0.848528137)
    """
    concurrence = number_in(values, "concurrence")
    alice, bob = four_directions(values)
    pure = instrumental_strategies.qubit_correlators(alice, bob, -concurrence, np.sqrt(1 - concurrence**2))
    E = instrumental_strategies.mixed_with_noise(pure, number_in(values, "visibility"))
    p = instrumental_strategies.observed(E)
    bounds, ace = ace_bounds(p), float(functional_value(as_float(instrumental_strategies.ACE), E))
    law = observed(p)
    excess = max(bounds.lower - ace, ace - bounds.upper)
    critical = [
        instrumental_strategies.critical_visibility(F, pure)
        for F in GAPS
        if functional_value(F, pure) > EXCESS > 0 > F[0, 0]
    ]
    threshold = float(min(critical)) if critical else None
    return {**law, "lower": bounds.lower, "upper": bounds.upper, "ace": ace, "excess": excess, "threshold": threshold}


def _gaps() -> list[Floats]:
    """The functionals of (lower bound − ACE) and (ACE − upper bound), for each of the sixteen expressions."""
    expressions = [(sign, f) for sign, fs in ((1, BALKE_PEARL_LOWER), (-1, BALKE_PEARL_UPPER)) for f in fs]
    gap = instrumental_strategies.gap_functional
    return [as_float(sign * gap(np.array(f.coefficients).reshape(2, 2, 2), f.constant)) for sign, f in expressions]


EXCESS = 1e-9  # a smaller excess is none: it is a sum of a few probabilities, the largest of which are of order one
GAPS = _gaps()
EXPRESSIONS = {
    name: [[float(f.constant), *map(float, f.coefficients)] for f in functions]
    for name, functions in (("lower", BALKE_PEARL_LOWER), ("upper", BALKE_PEARL_UPPER))
}


WZ = {**TSIRELSON, "visibility": 1}
STRONGEST = {"a0": 25, "a1": -75.5, "b0": 104.5, "b1": 25, "concurrence": 0.98, "visibility": 1}

ELEMENT = Element(
    "contradiction",
    "Visibility and the causal effect",
    (Slider("visibility", "Visibility <i>v</i>", 0, 1, 0.005), *ANGLE_INPUTS, CONCURRENCE),
    (
        Setting("Values as in the paper", WZ),
        Setting("Just noisy enough", {**WZ, "visibility": 0.845}),
        Setting("The largest contradiction", STRONGEST),
    ),
    contradiction,
    OBSERVED,
    ARMS,
    {
        "lower": "lower bound on the ACE",
        "upper": "upper bound on the ACE",
        "ace": "true ACE",
        "excess": "true ACE outside the bounds by",
        "threshold": "contradiction above <i>v</i> =",
    },
    "Bounds on the ACE and its true value against the visibility",
    EXPRESSIONS,
)
