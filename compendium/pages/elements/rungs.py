"""Three rungs on one model of two bits."""

from __future__ import annotations

import numpy as np

from compendium.pages.elements import Answers, Element, Setting, Slider, Values, number_in
from qlib.models.structural_models import Mechanism, ProbabilisticModel, StructuralModel
from qlib.numbers.arguments import Floats

RESPONSES = ((0, 0), (0, 1), (1, 0), (1, 1))  # what Y would be for X = 0 and for X = 1


def response_law(untreated: float, treated: float, agreement: float) -> Floats:
    """The law of (Y_0, Y_1), shape (4,) in the order of `RESPONSES`, from the two risks and how far the two agree.

    agreement : 0 if they are independent, 1 if they coincide as often as they can, −1 if as seldom.

    >>> response_law(0.5, 0.5, 1)
    array([0.5, 0. , 0. , 0.5])
    """
    most, least = min(untreated, treated), max(0.0, untreated + treated - 1)
    both = (1 - abs(agreement)) * untreated * treated + max(agreement, 0) * most + max(-agreement, 0) * least
    return np.array([1 - untreated - treated + both, treated - both, untreated - both, both]).clip(0)


def rungs(values: Values) -> Answers:
    """The three rungs on one model: X = U_X, and U_Y picks what Y would be for each X; both may depend on one another.

    treated : P(X=1). risk{g}{x} : P(Y_x = 1 | X = g). Keys see{x} : P(Y=1 | X=x); do{x} : P(Y=1 | do(X=x));
    imagine{x} : P(Y_{1−x}=1 | X=x, Y=0). low, high : what the lower rungs together say of imagine1 (any `agreement`).

    >>> book = {"treated": 0.6, "risk00": 0.58, "risk01": 0.17, "risk10": 0.29, "risk11": 0.095, "agreement": 0.78}
    >>> {key: round(answer, 3) for key, answer in rungs(book).items() if key[-1] == "1"}
    {'see1': 0.095, 'do1': 0.125, 'imagine1': 0.232}
    """
    model = _two_bits(values, number_in(values, "agreement"))
    answers = {f"see{x}": model.probability({"Y": 1}, given={"X": x}) for x in (0, 1)}
    answers |= {f"do{x}": model.do({"X": x}).probability({"Y": 1}) for x in (0, 1)}
    answers |= {f"imagine{x}": _had_it_been(model, x) for x in (0, 1)}
    extremes = sorted(_had_it_been(_two_bits(values, agreement), 1) for agreement in (-1, 1))
    answers |= dict(zip(("low", "high"), extremes, strict=True))
    return {key: float(answer) for key, answer in answers.items()}


def _two_bits(values: Values, agreement: float) -> ProbabilisticModel:
    structure = StructuralModel(
        {"U_X": (0, 1), "U_Y": RESPONSES},
        {"X": Mechanism(("U_X",), lambda u: u), "Y": Mechanism(("X", "U_Y"), lambda x, w: w[x])},
    )
    groups = [
        response_law(number_in(values, f"risk{group}0"), number_in(values, f"risk{group}1"), agreement)
        for group in (0, 1)
    ]
    treated = number_in(values, "treated")
    return ProbabilisticModel(structure, np.array([[1 - treated], [treated]]) * groups)


def _had_it_been(model: ProbabilisticModel, x: int) -> float:
    """The probability that who had X = x and stayed well would have fallen ill with the other X."""
    return float(model.counterfactual({"Y": 1}, do={"X": 1 - x}, given={"X": x, "Y": 0}))


BOOK = {"treated": 0.6, "risk00": 0.58, "risk01": 0.17, "risk10": 0.29, "risk11": 0.095, "agreement": 0.78}


def _risk(group: int, x: int) -> Slider:
    who, what = ("those who decline", "those who accept")[group], ("without", "with")[x]
    return Slider(f"risk{group}{x}", f"Risk {what} vaccine of {who}", 0.005, 0.995, 0.005)


ELEMENT = Element(
    "rungs",
    "Three rungs, one model",
    (
        Slider("treated", "How many accept, <i>P</i>(<i>X</i> = 1)", 0.05, 0.95, 0.01),
        *(_risk(group, x) for group in (0, 1) for x in (0, 1)),
        Slider("agreement", "Agreement of the two fates of a person", -1, 1, 0.01),
    ),
    (
        Setting("Values as in the book", BOOK),
        Setting("No confounding", {**BOOK, "risk00": 0.4, "risk10": 0.4, "risk01": 0.125, "risk11": 0.125}),
        Setting(
            "Seeing misleads", {**BOOK, "risk00": 0.2, "risk01": 0.1, "risk10": 0.6, "risk11": 0.4, "agreement": 1}
        ),
        Setting("Other fates, same data", {**BOOK, "agreement": -1}),
    ),
    rungs,
    ("rung", "<i>x</i> = 0", "<i>x</i> = 1"),
    {
        "seen: <i>P</i>(<i>Y</i>=1 | <i>X</i>=<i>x</i>)": ("see0", "see1"),
        "done: <i>P</i>(<i>Y</i>=1 | do(<i>X</i>=<i>x</i>))": ("do0", "do1"),
        "imagined: <i>P</i>(<i>Y</i><sub>1−<i>x</i></sub>=1 | <i>X</i>=<i>x</i>, <i>Y</i>=0)": ("imagine0", "imagine1"),
    },
    {"low": "imagined, <i>x</i> = 1, at least", "high": "imagined, <i>x</i> = 1, at most"},
    "The population as a square of the two groups and four fates, and the answers of the three rungs on scales",
)
