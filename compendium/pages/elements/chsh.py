"""A CHSH test: four directions of a pair of qubits, and S."""

from __future__ import annotations

import numpy as np

from compendium.pages.elements import (
    ANGLE_INPUTS,
    CONCURRENCE,
    Answers,
    Element,
    Setting,
    Values,
    four_directions,
    number_in,
    sub,
)
from qlib.correlations import bell_tests
from qlib.correlations.behaviours import correlators
from qlib.quantum import two_qubits
from qlib.quantum.channels import pure_state


def chsh_test(values: Values) -> Answers:
    """Correlators, S, confounding strength, and the state's largest S, for cos θ|00⟩ + sin θ|11⟩, sin 2θ = concurrence.

    >>> round(chsh_test({"a0": 0, "a1": 90, "b0": 45, "b1": -45, "concurrence": 1})["CS"], 9)
    1.414213562
    """
    theta = np.arcsin(number_in(values, "concurrence")) / 2
    rho = pure_state(np.array([np.cos(theta), 0, 0, np.sin(theta)]))
    n = four_directions(values)
    observables = two_qubits.spin_observable(np.stack([n[..., 1], np.zeros((2, 2)), n[..., 0]], axis=-1))
    E, test = correlators(rho, observables), bell_tests.chsh()
    answers = {f"E{s}{t}": float(E[1 + s, 1 + t]) for s in (0, 1) for t in (0, 1)}
    strength = {
        "S": float(test.value(E)),
        "CS": float(test.strength(E)),
        "largest": float(two_qubits.chsh_maximum(rho)),
    }
    return {**answers, **strength}


TSIRELSON = {"a0": 0, "a1": 90, "b0": 45, "b1": -45, "concurrence": 1}

ELEMENT = Element(
    "chsh",
    "A CHSH test",
    (*ANGLE_INPUTS, CONCURRENCE),
    (
        Setting("Values as in the paper", TSIRELSON),
        Setting("Same settings, half entangled", {**TSIRELSON, "concurrence": 0.5}),
        Setting("Best settings, half entangled", {**TSIRELSON, "concurrence": 0.5, "b0": 26.5, "b1": -26.5}),
        Setting("Not entangled", {"a0": 0, "a1": 60, "b0": 0, "b1": 20, "concurrence": 0}),
    ),
    chsh_test,
    ("correlator", sub("B", "0"), sub("B", "1")),
    {sub("A", "0"): ("E00", "E01"), sub("A", "1"): ("E10", "E11")},
    {"S": "<i>S</i>", "CS": "<i>CS</i>", "largest": "largest <i>S</i> of this state"},
    "The four measured directions, and S on a scale from minus 4 to 4",
)
