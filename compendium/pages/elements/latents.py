"""What a table of instrument, treatment and outcome says of an effect, by the kind of common cause."""

from __future__ import annotations

import numpy as np
import pandas as pd
import sympy as sp

from compendium import paths
from compendium.pages.elements import ARMS, OBSERVED, Answers, Element, Setting, Slider, Values, number_in, observed
from compendium.studies import one_experiment
from qlib.models.bounds import ace_bounds, instrumental_inequality
from qlib.models.instrument_tables import instrumental_table
from qlib.models.unsignalled_bounds import classical_gain, natural_bounds
from qlib.numbers.arguments import Floats
from qlib.numbers.exact_arrays import as_float

MOST = (np.sqrt(13) - 2) / 9  # by which a quantum common cause goes beyond a classical bound
ENDS = ("classical_low", "classical_high", "quantum_low", "quantum_high", "natural_low", "natural_high")
STEP = 0.005  # of the sliders
GAINS = ("gain_low", "gain_high")


def table(values: Values) -> Floats:
    """p[x, y, z] from how many take the treatment in each arm, and how often the outcome occurs with and without it.

    >>> asked = {"taken0": 0.5, "taken1": 0.5, "rate00": 0, "rate10": 0, "rate01": 0, "rate11": 1}
    >>> table(asked)[1, 1].tolist()
    [0.0, 0.5]
    """
    p = np.empty((2, 2, 2))
    for z in (0, 1):
        taken = number_in(values, f"taken{z}")
        for x, share in enumerate((1 - taken, taken)):
            rate = number_in(values, f"rate{x}{z}")
            p[x, :, z] = share * (1 - rate), share * rate
    return p


def latents(values: Values) -> Answers:
    """The table, and the bounds on the effect for classical causes, for any without signals, and between them.

    quantum : by how much a quantum cause can exceed the classical bounds is at most `MOST`, and at most the gain; its
    bounds are outside of this. gain : by how much the classical bounds are tighter than the natural ones. All are None
    if no common cause has the table.

    >>> extreme = {"taken0": 0.5, "taken1": 0.5, "rate00": 0, "rate10": 0, "rate01": 0, "rate11": 1}
    >>> latents(extreme)["gain_low"], round(latents(extreme)["quantum_low"], 3)
    (0.5, 0.322)
    """
    p = table(values)
    law = observed(p)
    if not instrumental_inequality(p).holds:
        return {**law, **dict.fromkeys((*ENDS, *GAINS), None)}
    classical, gains = ace_bounds(p), classical_gain(p)
    (low1, high1), (low0, high0) = (natural_bounds(p, treatment=t, outcome=1) for t in (1, 0))
    natural = low1 - high0, high1 - low0
    quantum = max(natural[0], classical.lower - MOST), min(natural[1], classical.upper + MOST)
    ends = dict(zip(ENDS, (classical.lower, classical.upper, *quantum, *natural), strict=True))
    return {**law, **{key: float(end) for key, end in ends.items()}, **dict(zip(GAINS, map(float, gains), strict=True))}


def shares(p: Floats) -> dict[str, float | str]:
    """The values of the sliders nearest to a table; where nobody is treated so, the rate is put at 0.

    >>> shares(np.array([[[0.5, 0.5], [0, 0]], [[0.5, 0], [0, 0.5]]]))["rate11"]
    1.0
    """
    found: dict[str, float] = {}
    for z in (0, 1):
        found[f"taken{z}"] = p[1, :, z].sum()
        for x in (0, 1):
            group = p[x, :, z].sum()
            found[f"rate{x}{z}"] = p[x, 1, z] / group if group else 0.0
    return {name: round(round(float(x) / STEP) * STEP, 9) for name, x in found.items()}


def _trial() -> Floats:
    """Efron and Feldman's trial of cholestyramine, as the chapter has it."""
    people = pd.read_csv(paths.ROOT / "data" / "published" / "cholestyramine.csv")
    counted = instrumental_table(people, instrument="offered", treatment="taken", outcome="improved", count="men")
    return as_float(counted.p)


def _qubits() -> Floats:
    """Wang and Zhang's experiment."""
    return one_experiment.seen(as_float(one_experiment.data(1 / sp.sqrt(2))))


EXTREME = np.array([[[0.5, 0.5], [0, 0]], [[0.5, 0], [0, 0.5]]])  # [x, y, z]
FOLLOWS = np.array([[[0.05, 0.05], [0.05, 0.05]], [[0.81, 0.09], [0.09, 0.81]]])  # most are treated, and Y goes with Z


def _arm(z: int) -> tuple[Slider, ...]:
    name = f"arm <i>z</i> = {z}"
    return (
        Slider(f"taken{z}", f"Treated, {name}", 0, 1, STEP),
        Slider(f"rate0{z}", f"Outcome 1 of the untreated, {name}", 0, 1, STEP),
        Slider(f"rate1{z}", f"Outcome 1 of the treated, {name}", 0, 1, STEP),
    )


ELEMENT = Element(
    "latents",
    "Does the kind of common cause matter?",
    (*_arm(0), *_arm(1)),
    (
        Setting("Two entangled qubits", shares(_qubits())),
        Setting("A trial: cholestyramine, rounded", shares(_trial())),
        Setting("The largest excess", shares(EXTREME)),
        Setting("No such common cause", shares(FOLLOWS)),
    ),
    latents,
    OBSERVED,
    ARMS,
    {
        "classical_low": "effect at least, classical common cause",
        "classical_high": "effect at most, classical common cause",
        "quantum_low": "effect certainly at least, quantum",
        "quantum_high": "effect certainly at most, quantum",
        "natural_low": "effect at least, without signals",
        "natural_high": "effect at most, without signals",
        "gain_low": "classical lower bound is tighter by",
        "gain_high": "classical upper bound is tighter by",
    },
    "Three intervals of effects on a scale from minus 1 to 1, by the kind of common cause",
)
