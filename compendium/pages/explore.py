"""Four questions with sliders: what they compute, and their HTML, which needs neither server nor network.

They stand together on the page *Explore*, and each in the chapter where its question arises (`embed`).

An `Element` has controls, settings worth seeing (the first is the paper's), and `compute`, which answers with what the
other modules derive. The page shows these answers for the first setting; where scripts run, ``explore.js`` adds the
controls and the picture, and computes the same from a few lines of its own, which the tests hold against `compute`.

The values of the controls are numbers (angles in degrees) or words. An answer maps keys to floats, None for the ∗ of a
counterfactual that has no probability.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, TypeAlias

import numpy as np
from IPython.display import HTML
from numpy.typing import ArrayLike

from qlib.correlations import bell_tests, instrumental_strategies
from qlib.correlations.behaviours import correlators, functional_value
from qlib.models.bounds import BALKE_PEARL_LOWER, BALKE_PEARL_UPPER, ace_bounds
from qlib.models.structural_models import Mechanism, ProbabilisticModel, StructuralModel
from qlib.numbers.arguments import Floats
from qlib.numbers.exact_arrays import as_float
from qlib.quantum import two_qubits
from qlib.quantum.channels import IDENTITY, PAULI_X, pure_state
from qlib.quantum.counterfactuals import COUNTERPOSSIBLE, CounterfactualQuery, evaluate
from qlib.quantum.instruments import Instrument, Outcome
from qlib.quantum.processes import QuantumNode, QuantumStructuralModel, unitary

Values: TypeAlias = Mapping[str, float | str]
Answers: TypeAlias = dict[str, float | None]


@dataclass(frozen=True)
class Slider:
    """A number from `low` to `high` in steps; unit : "°" or nothing. label : HTML."""

    name: str
    label: str
    low: float
    high: float
    step: float
    unit: str = ""


@dataclass(frozen=True)
class Choice:
    """One of some words; options : word → what is shown."""

    name: str
    label: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class Setting:
    """Values of all controls that are worth seeing, with the words on their button."""

    name: str
    values: Values


@dataclass(frozen=True)
class Element:
    """One interactive element; `data` is what its script needs to know from here.

    columns, rows : the table of its answers: heads, and label → keys. quantities : key → label of the other answers.
    Labels are HTML.
    """

    name: str
    title: str
    controls: tuple[Slider | Choice, ...]
    settings: tuple[Setting, ...]
    compute: Callable[[Values], Answers]
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    quantities: Mapping[str, str]
    picture: str
    data: Mapping[str, Any] = field(default_factory=dict)


def number_in(values: Values, name: str) -> float:
    """The value of a slider; ``ValueError`` if it is missing or no number.

    >>> number_in({"visibility": 1}, "visibility")
    1.0
    """
    given = values.get(name)
    if isinstance(given, str) or given is None:
        raise ValueError(f"{name} is {given!r}; it should be a number")
    return float(given)


def plane(*degrees: float) -> Floats:
    """The unit vectors (n_Z, n_X) at some angles to σ_Z, shape (angles, 2).

    >>> plane(0, 90).round(9)
    array([[1., 0.],
           [0., 1.]])
    """
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=-1)


# --- a CHSH test -----------------------------------------------------------------------------------------------------

DIRECTIONS = ("a0", "a1", "b0", "b1")


def _four_directions(values: Values) -> Floats:
    """Alice's two directions and Bob's, shape (2, 2, 2): party, setting, component."""
    return plane(*(number_in(values, name) for name in DIRECTIONS)).reshape(2, 2, 2)


def chsh_test(values: Values) -> Answers:
    """Correlators, S, confounding strength, and the state's largest S, for cos θ|00⟩ + sin θ|11⟩, sin 2θ = concurrence.

    >>> round(chsh_test({"a0": 0, "a1": 90, "b0": 45, "b1": -45, "concurrence": 1})["CS"], 9)
    1.414213562
    """
    theta = np.arcsin(number_in(values, "concurrence")) / 2
    rho = pure_state(np.array([np.cos(theta), 0, 0, np.sin(theta)]))
    n = _four_directions(values)
    observables = two_qubits.spin_observable(np.stack([n[..., 1], np.zeros((2, 2)), n[..., 0]], axis=-1))
    E, test = correlators(rho, observables), bell_tests.chsh()
    answers = {f"E{s}{t}": float(E[1 + s, 1 + t]) for s in (0, 1) for t in (0, 1)}
    strength = {
        "S": float(test.value(E)),
        "CS": float(test.strength(E)),
        "largest": float(two_qubits.chsh_maximum(rho)),
    }
    return {**answers, **strength}


# --- visibility against joint exogeneity -----------------------------------------------------------------------------


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
    alice, bob = _four_directions(values)
    pure = instrumental_strategies.qubit_correlators(alice, bob, -concurrence, np.sqrt(1 - concurrence**2))
    E = instrumental_strategies.mixed_with_noise(pure, number_in(values, "visibility"))
    p = instrumental_strategies.observed(E)
    bounds, ace = ace_bounds(p), float(functional_value(as_float(instrumental_strategies.ACE), E))
    law = {f"p{x}{y}{z}": float(p[x, y, z]) for x, y, z in np.ndindex(2, 2, 2)}
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


# --- a counterfactual query ------------------------------------------------------------------------------------------

FOUND: dict[Outcome, ArrayLike] = {sign: pure_state(np.array([1, s]) / np.sqrt(2)) for sign, s in (("+", 1), ("-", -1))}


def state(degrees: float) -> Floats:
    """The projector with Bloch vector at an angle to the z axis: 0 is [0], 90 [+], 180 [1], 270 [−].

    >>> state(90).round(9)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    half = np.radians(degrees) / 2
    return np.asarray(pure_state(np.array([np.cos(half), np.sin(half)])))


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


# --- three rungs -----------------------------------------------------------------------------------------------------

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


# --- the elements ----------------------------------------------------------------------------------------------------


def _sub(letter: str, index: str) -> str:
    return f"<i>{letter}</i><sub>{index}</sub>"


def _angle(name: str, who: str) -> Slider:
    return Slider(name, f"{who}, direction of {_sub(name[0].upper(), name[1])}", -180, 180, 0.5, "°")


ANGLE_INPUTS = tuple(_angle(name, who) for name, who in zip(DIRECTIONS, ("Alice", "Alice", "Bob", "Bob"), strict=True))
CONCURRENCE = Slider("concurrence", "Concurrence of the state", 0, 1, 0.01)
TSIRELSON = {"a0": 0, "a1": 90, "b0": 45, "b1": -45, "concurrence": 1}

CHSH = Element(
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
    ("correlator", _sub("B", "0"), _sub("B", "1")),
    {_sub("A", "0"): ("E00", "E01"), _sub("A", "1"): ("E10", "E11")},
    {"S": "<i>S</i>", "CS": "<i>CS</i>", "largest": "largest <i>S</i> of this state"},
    "The four measured directions, and S on a scale from minus 4 to 4",
)

WZ = {**TSIRELSON, "visibility": 1}
STRONGEST = {"a0": 25, "a1": -75.5, "b0": 104.5, "b1": 25, "concurrence": 0.98, "visibility": 1}

CONTRADICTION = Element(
    "contradiction",
    "Visibility and the causal effect",
    (Slider("visibility", "Visibility <i>v</i>", 0, 1, 0.005), *ANGLE_INPUTS, CONCURRENCE),
    (
        Setting("Values as in the paper", WZ),
        Setting("Just noisy enough", {**WZ, "visibility": 0.845}),
        Setting("The largest contradiction", STRONGEST),
    ),
    contradiction,
    ("<i>p</i>(<i>xy</i> | <i>z</i>)", "00", "01", "10", "11"),
    {f"<i>z</i> = {z}": tuple(f"p{x}{y}{z}" for x in (0, 1) for y in (0, 1)) for z in (0, 1)},
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

EXAMPLE: dict[str, float | str] = {
    "source": 0,
    "evidence": "+",
    "antecedent": "-",
    "instrument": "passive",
    "direction": 60,
    "sharpness": 1,
    "consequent": "z+",
}

COUNTERFACTUAL = Element(
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

BOOK = {"treated": 0.6, "risk00": 0.58, "risk01": 0.17, "risk10": 0.29, "risk11": 0.095, "agreement": 0.78}


def _risk(group: int, x: int) -> Slider:
    who, what = ("those who decline", "those who accept")[group], ("without", "with")[x]
    return Slider(f"risk{group}{x}", f"Risk {what} vaccine of {who}", 0.005, 0.995, 0.005)


RUNGS = Element(
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

ELEMENTS = {element.name: element for element in (CHSH, CONTRADICTION, COUNTERFACTUAL, RUNGS)}


# --- HTML ------------------------------------------------------------------------------------------------------------


def shown(answer: float | None) -> str:
    """An answer with three decimals and a true minus sign; ∗ for None.

    >>> shown(-0.0001), shown(-2), shown(None)
    ('0.000', '−2.000', '∗')
    """
    if answer is None:
        return "∗"
    text = f"{answer:.3f}"
    return "0.000" if text == "-0.000" else text.replace("-", "−")


def element_html(name: str) -> str:
    """An element with the answers of its first setting and a table of all; ``ValueError`` for an unknown name."""
    if name not in ELEMENTS:
        raise ValueError(f"{name!r} is no element; they are {', '.join(ELEMENTS)}")
    element = ELEMENTS[name]
    answers = element.compute(element.settings[0].values)
    data = {
        "settings": [dict(setting.values) for setting in element.settings],
        **element.data,
    }
    label = html.escape(f"{element.picture}; the tables have the values")
    return (
        f'<section class="explore" data-element="{name}" aria-label="{html.escape(element.title)}">'
        f'{_settings(element)}<div class="explore-view"><div class="explore-picture" role="img" aria-label="{label}"'
        f' hidden></div><p class="explore-said" role="status"></p></div><form class="explore-controls" hidden>'
        f"{''.join(_control(name, control) for control in element.controls)}</form>"
        f"{_table(element, answers)}{_key_values(element)}"
        f'<script type="application/json">{json.dumps(data, ensure_ascii=False)}</script></section>'
    )


def script_html() -> str:
    """The script that brings the elements before it to life, those that are not alive already."""
    return f"<script>\n{files('compendium.pages').joinpath('explore.js').read_text(encoding='utf-8')}</script>"


def embed(name: str) -> HTML:
    """An element for a chapter, with what brings it to life, as the value of a cell tagged ``remove-input``.

    Its controls have ids made of its name: no page can hold an element twice. Raises as `element_html`.

    >>> 'data-element="chsh"' in embed("chsh").data
    True
    """
    return HTML(element_html(name) + script_html())


def _settings(element: Element) -> str:
    buttons = "".join(f'<button type="button">{html.escape(setting.name)}</button>' for setting in element.settings)
    return f'<div class="explore-settings" role="group" aria-label="Settings worth seeing" hidden>{buttons}</div>'


def _control(element: str, control: Slider | Choice) -> str:
    key = f"explore-{element}-{control.name}"
    label = f'<label for="{key}">{control.label}</label>'
    if isinstance(control, Choice):
        options = "".join(
            f'<option value="{html.escape(word)}">{html.escape(text)}</option>'
            for word, text in control.options.items()
        )
        return f'<div class="explore-choice">{label}<select id="{key}" name="{control.name}">{options}</select></div>'
    attributes = f'min="{control.low:g}" max="{control.high:g}" step="{control.step:g}" data-unit="{control.unit}"'
    slider = f'<input type="range" id="{key}" name="{control.name}" {attributes}>'
    return f'<div class="explore-slider">{label}<span class="explore-value" aria-hidden="true"></span>{slider}</div>'


def _table(element: Element, answers: Answers) -> str:
    heads = "".join(f'<th scope="col">{head}</th>' for head in element.columns)
    rows = "".join(
        f'<tr><th scope="row">{label}</th>{"".join(_cell(key, answers) for key in keys)}</tr>'
        for label, keys in element.rows.items()
    )
    others = "".join(
        f'<tr><th scope="row">{label}</th>{_cell(key, answers)}</tr>' for key, label in element.quantities.items()
    )
    grid = f'<table class="explore-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="explore-tables">{grid}<table class="explore-table"><tbody>{others}</tbody></table></div>'


def _cell(key: str, answers: Answers) -> str:
    return f'<td data-key="{key}">{shown(answers[key])}</td>'


def _key_values(element: Element) -> str:
    """A table with all settings on their button, for who would rather read than move."""
    heads = "".join(f'<th scope="col">{html.escape(setting.name)}</th>' for setting in element.settings)
    columns = [element.compute(setting.values) for setting in element.settings]
    labels = {**element.quantities}
    for row, keys in element.rows.items():
        labels |= {key: f"{row}, {head}" for key, head in zip(keys, element.columns[1:], strict=True)}
    controls = "".join(
        f'<tr><th scope="row">{control.label}</th>'
        + "".join(f"<td>{_setting_value(control, setting.values)}</td>" for setting in element.settings)
        + "</tr>"
        for control in element.controls
    )
    rows = "".join(
        f'<tr><th scope="row">{label}</th>{"".join(f"<td>{shown(answers[key])}</td>" for answers in columns)}</tr>'
        for key, label in labels.items()
    )
    table = (
        f'<table class="explore-table"><thead><tr><td></td>{heads}</tr></thead><tbody>{controls}{rows}</tbody></table>'
    )
    return (
        f"<details><summary>The same as a table</summary>"
        f'<div class="explore-scroll" tabindex="0" role="region" aria-label="{html.escape(element.title)}, values">'
        f"{table}</div></details>"
    )


def _setting_value(control: Slider | Choice, values: Values) -> str:
    if isinstance(control, Choice):
        return html.escape(control.options[str(values[control.name])])
    return f"{values[control.name]:g}{control.unit}".replace("-", "−")
