"""One individual of the noisy experiment: what classical models, quantum ones and all others say of it."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np

from compendium.pages.elements import Answers, Choice, Element, Setting, Slider, Values, number_in
from compendium.pages.elements.counterfactual import along
from compendium.studies import one_experiment
from qlib.models.effects import OutcomeTerm, Query, effect_bounds
from qlib.numbers.arguments import Floats
from qlib.numbers.exact_arrays import as_float
from qlib.quantum.channels import born_rule
from qlib.quantum.completions import answer_bounds

ALICE = np.stack([along(0), along(90)])  # [z, x]
BOB = np.stack([along(45), along(-45)])  # [t, y]
BELL = as_float(one_experiment.noisy_pair(1))
FOUND = {f"{x}{y}{z}": f"X = {x}, Y = {y}, Z = {z}" for z, x, y in product((0, 1), repeat=3)}


def individual(values: Values) -> Answers:
    """Given x, y and z: between which numbers P(Y would have been 1, had 1 − x been sent) lies, for whom.

    classical : all classical models of what is observed. any : all completions, if X's result is kept. kept, anew : all
    decompositions of the state, X's result kept or drawn anew; the last is a bound that need not be reached.
    alone_kept, alone_anew : the source without further facts. found : the probability of x and y given z.

    >>> answers = individual({"found": "000", "visibility": 1})
    >>> [round(answers[key], 3) for key in ("classical_low", "any_high", "kept_high", "alone_kept")]
    [0.657, 0.172, 0.146, 0.146]
    """
    x, y, z = map(int, str(values["found"]))
    v = number_in(values, "visibility")
    rho = v * BELL + (1 - v) * np.eye(4) / 4
    P = born_rule(rho, ALICE, BOB)
    had = ALICE[z, x], BOB[1 - x, 1]
    evidence, would = np.kron(had[0], BOB[x, y]), np.kron(np.eye(2), had[1])
    law, chance = P[z, x, x, y], P[z, 1 - x, x]
    ranges = {
        "classical": _classical(P, x, y, z),
        "any": (max(0.0, 1 - chance[0] / law), min(1.0, chance[1] / law)),
        "kept": answer_bounds(rho, evidence, np.kron(had[0], np.eye(2)), np.kron(*had)),
        "anew": answer_bounds(rho, evidence, np.eye(4), would),
    }
    alone = {"alone_kept": chance[1] / chance.sum(), "alone_anew": P[z, 1 - x, :, 1].sum(), "found": law}
    ends = {f"{name}_{side}": both[k] for name, both in ranges.items() for k, side in enumerate(("low", "high"))}
    return {key: float(answer) for key, answer in {**ends, **alone}.items()}


def _classical(P: Floats, x: int, y: int, z: int) -> tuple[float, float]:
    """The sharp bounds of joint exogeneity on P(Y(1 − x) = 1 | x, y, z)."""
    one = Fraction(1)
    asked = Query("", (OutcomeTerm(one, ((x, y), (1 - x, 1)), x),), (OutcomeTerm(one, ((x, y),), x),))
    bounds = effect_bounds(one_experiment.seen(P), asked, instrument_law=[1 - z, z])
    return float(bounds.lower), float(bounds.upper)


ELEMENT = Element(
    "individual",
    "Had it been sent 1 instead",
    (Choice("found", "Found", FOUND), Slider("visibility", "Visibility <i>v</i> of the pair", 0, 1, 0.005)),
    (
        Setting("Without noise", {"found": "000", "visibility": 1}),
        Setting("Where the bands meet", {"found": "000", "visibility": 0.705}),
        Setting("A classical experiment, and yet", {"found": "000", "visibility": 0.68}),
        Setting("Probably no difference", {"found": "111", "visibility": 1}),
        Setting("An unlikely individual", {"found": "010", "visibility": 0.9}),
    ),
    individual,
    ("the other outcome would be 1", "at least", "at most"),
    {
        "all classical models": ("classical_low", "classical_high"),
        "any facts, <i>X</i> kept": ("any_low", "any_high"),
        "quantum facts, <i>X</i> kept": ("kept_low", "kept_high"),
        "quantum facts, <i>X</i> drawn anew (a bound)": ("anew_low", "anew_high"),
    },
    {
        "alone_kept": "the source alone, <i>X</i> kept",
        "alone_anew": "the source alone, <i>X</i> drawn anew",
        "found": "probability of what was found, given <i>Z</i>",
    },
    "Four bands between 0 and 1, one for each kind of model, and the answers of the source alone as marks",
)
