"""Between which numbers all facts about a noisy Bell pair let a counterfactual's answer vary."""

from __future__ import annotations

from typing import Any

import numpy as np

from compendium.pages.elements import Answers, Element, Setting, Slider, Values, number_in
from compendium.pages.elements.counterfactual import along
from qlib.numbers.arguments import Floats
from qlib.quantum.channels import pure_state
from qlib.quantum.completions import NEGLIGIBLE, answer_bounds


def noisy_pair(v: float, concurrence: float) -> Floats:
    """v |ψ⟩⟨ψ| + (1 − v)/4 for ψ = cos θ|00⟩ + sin θ|11⟩ with sin 2θ = concurrence.

    >>> noisy_pair(0.5, 1)[0].round(9).tolist()
    [0.375, 0.0, 0.0, 0.25]
    """
    theta = np.arcsin(concurrence) / 2
    return v * pure_state(np.array([np.cos(theta), 0, 0, np.sin(theta)])) + (1 - v) * np.eye(4) / 4


def range_of_answers(values: Values) -> Answers:
    """Both found 0, Alice along Z, Bob at an angle: would Bob, at another angle, have found 1, had Alice found 1, or 0?

    low, high : the ends over all completions of the state by facts. alone : the state by itself. pinned : the coherence
    |⟨α|ρ|γ⟩| between what was found and what would have been. None where both cannot be found, or Alice's result could
    not have been.

    >>> asked = {"visibility": 0.5, "concurrence": 1, "bob": 0, "other": 0}
    >>> [round(range_of_answers(asked)[key], 3) for key in ("low1", "high1", "low0", "high0")]
    [0.333, 1.0, 0.0, 0.25]
    """
    rho = noisy_pair(number_in(values, "visibility"), number_in(values, "concurrence"))
    alice, was, would = (along(a) for a in (0, number_in(values, "bob"), number_in(values, "other")))
    evidence = np.kron(alice[0], was[0])
    found = float(np.trace(rho @ evidence))
    answers: Answers = {"found": found}
    for a in (1, 0):
        had, then = np.kron(alice[a], np.eye(2)), np.kron(alice[a], would[1])
        chance = np.trace(rho @ had)
        alone: tuple[Any, ...] = (None, None)
        ends: tuple[Any, ...] = (None, None)
        if chance > NEGLIGIBLE:
            alone = np.trace(rho @ then) / chance, np.linalg.norm(evidence @ rho @ then, 2)
        if min(chance, found) > NEGLIGIBLE:
            ends = answer_bounds(rho, evidence, had, then)
        for key, answer in zip(("alone", "pinned", "low", "high"), (*alone, *ends), strict=True):
            answers[f"{key}{a}"] = None if answer is None else float(answer)
    return answers


PAIR = {"visibility": 0.4, "concurrence": 1, "bob": 0, "other": 0}

ELEMENT = Element(
    "range_of_answers",
    "What all facts allow",
    (
        Slider("visibility", "Visibility <i>v</i> of the pair", 0, 1, 0.005),
        Slider("concurrence", "Concurrence of the pair without noise", 0, 1, 0.01),
        Slider("bob", "Bob’s direction, when both found 0", -180, 180, 1, "°"),
        Slider("other", "Bob’s direction, had it been otherwise", -180, 180, 1, "°"),
    ),
    (
        Setting("A noisy Bell pair", PAIR),
        Setting("Without noise", {**PAIR, "visibility": 1}),
        Setting("Asked along X", {**PAIR, "other": 90, "visibility": 0.6}),
        Setting("Hardly entangled", {**PAIR, "concurrence": 0.2, "visibility": 0.9}),
        Setting("The bands have parted", {**PAIR, "visibility": 0.45}),
    ),
    range_of_answers,
    ("had Alice found", "at least", "at most", "state alone", "coherence"),
    {f"{a}: Bob would have found 1": (f"low{a}", f"high{a}", f"alone{a}", f"pinned{a}") for a in (1, 0)},
    {"found": "probability that both find 0"},
    "The two bands of answers between 0 and 1 over the visibility, and the answers of the state by itself",
)
