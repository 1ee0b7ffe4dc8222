"""What the solutions of the exams and the primers say, computed anew by the library or by exhaustion: every number."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import linprog

from compendium import paths
from compendium.pages import course
from qlib.graphs import CausalGraph, NodeKind, d_separated
from qlib.models import Mechanism, StructuralModel, ace_bounds, independent, instrumental_inequality
from qlib.numbers import exact
from qlib.quantum import (
    COUNTERPOSSIBLE,
    IDENTITY,
    PAULI_X,
    PAULI_Z,
    CounterfactualQuery,
    Instrument,
    ProcessOperator,
    QuantumNode,
    QuantumStructuralModel,
    evaluate,
    ghz_state,
    probability,
    unitary,
)

Q = sp.Rational
BITS = (0, 1)
EXAMS = ("exam-1", "exam-2")
OWN = ("course/exam-", "course/primer-")
p, v, a, b, eps, phi, theta = sp.symbols("p v a b varepsilon varphi theta", real=True)
STATED: dict[str, list[str]] = {}


@cache
def problems() -> dict[str, course.Problem]:
    """The problems of both exams and both primers."""
    return {k: found for k, found in course.problems(paths.BOOK).items() if found.chapter.startswith(OWN)}


def value_of(tex: str) -> Any:
    """A short formula of the solutions as an expression.

    >>> value_of(r"\\tfrac14(\\sqrt{13}-3)")
    -3/4 + sqrt(13)/4
    """
    text = re.sub(r"\\tfrac(\d)(\d)", r"((\1)/(\2))", tex)
    text = re.sub(r"\\tfrac(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\d))(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\d))", _quotient, text)
    text = re.sub(r"\\sqrt\{?(\d+)\}?", r"sqrt(\1)", text)
    text = re.sub(r"\\(\w+)", r" \1 ", text).replace("^", "**").replace("|a|", "abs(a)").replace("|b|", "abs(b)")
    rules = (*sp.parsing.sympy_parser.standard_transformations, sp.parsing.sympy_parser.implicit_multiplication)
    rules += (sp.parsing.sympy_parser.implicit_application,)
    names = {"p": p, "v": v, "a": a, "b": b, "varepsilon": eps, "varphi": phi, "theta": theta}
    return sp.parse_expr(text, names, rules)


def _quotient(found: re.Match[str]) -> str:
    return f"(({found[1] or found[2]})/({found[3] or found[4]}))"


def states(label: str, tex: str, value: Any) -> None:
    """Assert that a solution says this, and that it is what was computed."""
    assert tex in problems()[label].solution, f"{label} does not say {tex}"
    assert sp.simplify(value_of(tex) - sp.sympify(value)) == 0, (tex, value)
    STATED.setdefault(label, []).append(tex)


def about(label: str, decimal: str, value: Any) -> None:
    """Assert that a solution says this decimal, and that it is what was computed, rounded."""
    assert decimal in problems()[label].solution, f"{label} does not say {decimal}"
    assert f"{float(value):.{len(decimal.partition('.')[2])}f}" == decimal
    STATED.setdefault(label, []).append(decimal)


# --- exam 1 -----------------------------------------------------------------------------------------------------------


def check_clinic() -> None:
    label = "ex-exam-clinic"
    structure = StructuralModel(
        {"U": BITS, "NX": BITS, "NY": BITS},
        {
            "X": Mechanism(("U", "NX"), lambda u, n: u ^ n),
            "Y": Mechanism(("U", "X", "NY"), lambda u, x, n: (1 - u * (1 - x)) * (1 - n)),
        },
    )
    quarter = [Q(3, 4), Q(1, 4)]
    clinic = independent(structure, {"U": [Q(1, 2)] * 2, "NX": quarter, "NY": quarter})
    seen = [clinic.probability({"Y": 1}, {"X": x}) for x in BITS]
    done = [clinic.do({"X": x}).probability({"Y": 1}) for x in BITS]
    states(label, r"\tfrac34", clinic.probability({"U": 1}, {"X": 1}))
    states(label, r"\tfrac{3}{4}", seen[1])
    states(label, r"\tfrac{9}{16}", seen[0])
    states(label, r"\tfrac{3}{16}", seen[1] - seen[0])
    states(label, r"\tfrac{3}{4}", done[1])
    states(label, r"\tfrac12", clinic.probability({"U": 0}))
    states(label, r"\tfrac{3}{8}", done[0])
    states(label, r"\tfrac{3}{8}", done[1] - done[0])
    assert done[1] - done[0] == 2 * (seen[1] - seen[0])
    given = {"X": 1, "Y": 1}
    assert clinic.probability({"NY": 0}, given) == 1
    states(label, r"\tfrac34", clinic.probability({"U": 1}, given))
    states(label, r"\tfrac{1}{4}", clinic.counterfactual({"Y": 1}, do={"X": 0}, given=given))


def check_graph() -> None:
    label = "ex-exam-graph"
    edges = [("Z", "X"), ("X", "Y"), ("U", "X"), ("U", "Y"), ("Y", "S")]
    graph = CausalGraph(dict.fromkeys("ZUXYS", NodeKind.OBSERVED), edges)
    asked = [("Z", "U", ""), ("Z", "Y", "X"), ("Z", "U", "S"), ("Z", "Y", "XU"), ("Z", "S", "XU")]
    assert [d_separated(graph, x, y, list(given)) for x, y, given in asked] == [True, False, False, True, True]
    parents = [sum(to == node for _, to in edges) for node in "ZUXYS"]
    assert [2**n for n in parents] == [1, 1, 4, 4, 2]
    assert "$1+1+4+4+2=12$, against $2^5-1=31$" in problems()[label].solution
    assert (sum(2**n for n in parents), 2**5 - 1) == (12, 31)
    law = random_law(7)
    truth = adjusted(law, "U")
    assert [np.isclose(adjusted(law, chosen), truth) for chosen in ("", "Z", "U", "US")] == [False, False, True, False]
    do = intervened(7)
    assert np.isclose(truth, do)


def tables(seed: int) -> dict[str, Any]:
    """Random probabilities of 1 for the graph of the second problem, given the parents' values."""
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.1, 0.9, size=shape) for name, shape in
            {"Z": (), "U": (), "X": (2, 2), "Y": (2, 2), "S": (2,)}.items()}  # fmt: skip


def chance(t: Any, value: int) -> Any:
    return t if value else 1 - t


def random_law(seed: int) -> dict[tuple[int, ...], float]:
    """Its distribution over (Z, U, X, Y, S)."""
    t = tables(seed)
    return {
        (z, u, x, y, s): chance(t["Z"], z) * chance(t["U"], u) * chance(t["X"][z, u], x) * chance(t["Y"][x, u], y)
        * chance(t["S"][y], s)
        for z, u, x, y, s in product(BITS, repeat=5)
    }  # fmt: skip


def adjusted(law: dict[tuple[int, ...], float], chosen: str) -> float:
    """The difference of P(Y=1 | X, chosen), averaged over the chosen variables."""
    places = ["ZUXYS".index(c) for c in chosen]

    def total(**at: int) -> float:
        return sum(w for key, w in law.items() if all(key[int(k[1:])] == value for k, value in at.items()))

    effect = 0.0
    for values in product(BITS, repeat=len(places)):
        at = {f"k{k}": value for k, value in zip(places, values, strict=True)}
        rates = [total(**at, k2=x, k3=1) / total(**at, k2=x) for x in BITS]
        effect += total(**at) * (rates[1] - rates[0])
    return effect


def intervened(seed: int) -> float:
    """The effect of X on Y by surgery."""
    t = tables(seed)
    return sum(chance(t["U"], u) * (t["Y"][1, u] - t["Y"][0, u]) for u in BITS)


def check_message() -> None:
    label = "ex-exam-message"
    sign = {(x, y): -1 if x == y == 1 else 1 for x, y in product(BITS, repeat=2)}
    silent = [
        sum(s * A[x] * B[y] for (x, y), s in sign.items()) for A, B in product(product((1, -1), repeat=2), repeat=2)
    ]
    told = [sum(s * A[x] * B[2 * x + y] for (x, y), s in sign.items())
            for A, B in product(product((1, -1), repeat=2), product((1, -1), repeat=4))]  # fmt: skip
    states(label, "2(1-p)+4p", max(silent) * (1 - p) + max(told) * p)
    states(label, "2+2p", max(silent) * (1 - p) + max(told) * p)
    (least,) = sp.solve(2 + 2 * p - 2 * sp.sqrt(2), p)
    states(label, r"\sqrt{2} - 1", least)
    about(label, "0.414", least)

    def joint(x: int, y: int, bias: Any) -> dict[tuple[int, int], Any]:
        found: dict[tuple[int, int], Any] = dict.fromkeys(product(BITS, repeat=2), 0)
        for lam, weight in ((0, Q(1, 2) + bias), (1, Q(1, 2) - bias)):
            for heard, share in ((1, p), (0, 1 - p)):
                found[lam, lam ^ (heard * x * y)] += weight * share
        return found

    E = {(x, y): sum((-1) ** (A + B) * w for (A, B), w in joint(x, y, 0).items()) for x, y in sign}
    states(label, "1-2p", E[1, 1])
    states(label, "2 p + 2", sum(s * E[key] for key, s in sign.items()))
    for x, y in sign:
        law = joint(x, y, 0)
        assert sp.simplify(law[0, 0] + law[0, 1] - Q(1, 2)) == sp.simplify(law[0, 0] + law[1, 0] - Q(1, 2)) == 0
    zero = {x: joint(x, 1, eps)[0, 0] + joint(x, 1, eps)[1, 0] for x in BITS}
    states(label, r"\tfrac12+\varepsilon", zero[0])
    states(label, r"(1-p)(\tfrac12+\varepsilon)+p(\tfrac12-\varepsilon)", zero[1])
    states(label, r"2 \varepsilon p", zero[0] - zero[1])


def check_trial() -> None:
    label = "ex-exam-trial"
    table = exact([[[Q(1, 2), Q(1, 5)], [Q(1, 2), Q(1, 10)]], [[0, Q(1, 10)], [0, Q(3, 5)]]])  # p[x, y, z]
    recovered = [table[:, 1, z].sum() for z in BITS]
    states(label, r"\tfrac{1}{5}", recovered[1] - recovered[0])
    assert "$P(Y=1\\mid z=1)-P(Y=1\\mid z=0)=0.7-0.5=" in problems()[label].solution
    about(label, "0.7", recovered[1])
    about(label, "0.5", recovered[0])
    states(label, r"\tfrac{1}{2}", table[0, 1, 0])
    about(label, "0.6", table[1, 1, 1])
    about(label, "0.3", table[0, :, 1].sum())
    bounds = ace_bounds(table)
    states(label, r"\tfrac{1}{10}", bounds.lower)
    states(label, r"\tfrac{2}{5}", bounds.upper)
    assert bounds.lower == Q(3, 5) - Q(1, 2)
    assert bounds.upper == Q(3, 5) + Q(3, 10) - Q(1, 2)
    compliers = table[1, :, 1].sum()
    states(label, r"\tfrac7{10}", compliers)
    states(label, r"\tfrac15", recovered[1] - recovered[0])
    states(label, r"\tfrac{2}{7}", (recovered[1] - recovered[0]) / compliers)
    assert local_effect(table) == Q(2, 7)
    about(label, "0.4", Q(4, 10))
    states(label, r"\tfrac{11}{10}", Q(7, 10) + Q(4, 10))
    refuted = np.array([[[0.7, 0.6], [0.3, 0.4]], [[0, 0], [0, 0]]])
    assert not instrumental_inequality(refuted).holds


def local_effect(table: Any) -> Any:
    """The effect among those treated if and only if invited, from the shares of the two groups."""
    treated, cured_if_treated = table[1, :, 1].sum(), table[1, 1, 1]
    cured_if_not = table[0, 1, 0] - table[0, 1, 1]  # of all who recover untreated, take away those never treated
    return (cured_if_treated - cured_if_not) / treated


def check_angles() -> None:
    label = "ex-exam-angles"
    bell = ghz_state(2)
    alice, bob = (0, sp.pi / 2), (-phi, phi)
    P = np.empty((2, 2, 2), dtype=object)  # p[x, y, z]
    for z, x, y in product(BITS, repeat=3):
        M, N = (effect_of(angle, outcome) for angle, outcome in ((alice[z], x), (bob[x], y)))
        P[x, y, z] = sp.simplify(np.trace(np.kron(M, N) @ bell))
        assert sp.simplify(P[x, y, z] - (1 + (-1) ** (x + y) * sp.cos(alice[z] - bob[x])) / 4) == 0
    L = P[0, 0, 0] - P[0, 0, 1] - P[0, 1, 0] - P[1, 0, 0] - P[1, 0, 1]
    states(label, r"\tfrac14(3\cos\varphi+2\sin\varphi-3)", L)
    best = sp.atan(Q(2, 3))
    states(label, r"\tfrac{2}{3}", sp.tan(best))
    assert sp.simplify(sp.diff(L, phi).subs(phi, best)) == 0
    top = sp.simplify(L.subs(phi, best))
    states(label, r"\tfrac14(\sqrt{13}-3)", top)
    grid = np.linspace(-np.pi, np.pi, 2001)
    assert np.max(sp.lambdify(phi, L)(grid)) <= float(top)
    about(label, "0.151", top)
    about(label, "0.134", L.subs(phi, sp.pi / 4))
    states(label, r"\tfrac{3}{\sqrt{13}}", sp.solve(v * sp.sqrt(13) - 3, v)[0])
    about(label, "0.832", 3 / sp.sqrt(13))
    numeric = np.array([[[float(P[x, y, z].subs(phi, best)) for z in BITS] for y in BITS] for x in BITS])
    assert np.isclose(ace_bounds(numeric).lower, float(top))  # no other of the eight expressions says more
    set_ = [sp.simplify(np.trace(np.kron(IDENTITY, effect_of(angle, 1)) @ bell)) for angle in bob]
    assert set_[1] - set_[0] == 0


def effect_of(angle: Any, outcome: int) -> Any:
    """The projector of a result along a direction of the XZ plane."""
    return (IDENTITY + (-1) ** outcome * (sp.cos(angle) * PAULI_Z + sp.sin(angle) * PAULI_X)) / 2


# --- exam 2 -----------------------------------------------------------------------------------------------------------

ZERO, ONE = (IDENTITY + PAULI_Z) / 2, (IDENTITY - PAULI_Z) / 2
PLUS, MINUS = (IDENTITY + PAULI_X) / 2, (IDENTITY - PAULI_X) / 2
IN_Z, IN_X = Instrument.projective({0: ZERO, 1: ONE}, "Z"), Instrument.projective({"+": PLUS, "-": MINUS}, "X")


def both_ways(a: Any, b: Any) -> Any:
    """The operator of the first problem, on A_in, A_out, B_in, B_out."""

    def on(*factors: Any) -> Any:
        found = factors[0]
        for factor in factors[1:]:
            found = np.kron(found, factor)
        return found

    one = IDENTITY
    return (on(one, one, one, one) + a * on(one, PAULI_Z, PAULI_Z, one) + b * on(PAULI_Z, one, one, PAULI_Z)) / 4


def signal(process: ProcessOperator, sender: str, receiver: str) -> bool:
    """Whether what is prepared at one node changes what is found in Z at the other."""
    chances = {
        probability(process, {sender: Instrument.do(state, 2), receiver: IN_Z}, {receiver: 0}) for state in (ZERO, ONE)
    }
    return len(chances) == 2


def check_process() -> None:
    label, nodes = "ex-exam-process", [QuantumNode("A"), QuantumNode("B")]
    found = sp.Matrix(both_ways(a, b))
    assert found.is_diagonal()
    four = {sp.expand(sp.Rational(1, 4) * (1 + s * a + t * b)) for s, t in product((1, -1), repeat=2)}
    assert {sp.expand(x) for x in found.diagonal()} == four
    states(label, r"\tfrac{16}4", found.trace())
    for x, y in ((Q(1, 2), Q(1, 2)), (Q(-1, 3), Q(2, 3)), (1, 0)):
        process = ProcessOperator(nodes, both_ways(x, y))  # raises if it is none
        assert (signal(process, "A", "B"), signal(process, "B", "A")) == (x != 0, y != 0)
        parts = [abs(x) * both_ways(sp.sign(x), 0), abs(y) * both_ways(0, sp.sign(y))]
        assert np.all(sum(parts) + (1 - abs(x) - abs(y)) * both_ways(0, 0) == both_ways(x, y))
    with pytest.raises(ValueError, match="positive"):
        ProcessOperator(nodes, both_ways(Q(2, 3), Q(1, 2)))
    for prepared, tex, sign in ((ZERO, r"\tfrac12(1+a)", 1), (ONE, r"\tfrac12(1-a)", -1)):
        tau = {"A": Instrument.do(prepared, 2), "B": IN_Z}
        at = {
            x: probability(ProcessOperator(nodes, both_ways(x, 0)), tau, {"A": "do", "B": 0}) for x in (0, Q(1, 3), 1)
        }
        assert at == {x: (1 + sign * x) / Q(2) for x in at}
        states(label, tex, (1 + sign * a) / 2)


def wire(weights: dict[str, Any], states_: dict[str, Any]) -> QuantumStructuralModel:
    """A source, a node A and a node B behind it."""
    source = Instrument.discard_and_prepare(weights, states_)
    nodes = [QuantumNode("A"), QuantumNode("B")]
    return QuantumStructuralModel(
        nodes, {"Λ": source}, [unitary(IDENTITY, ["Λ"], ["A"]), unitary(IDENTITY, ["A"], ["B"])]
    )


def check_wire() -> None:
    label = "ex-exam-wire"
    two = wire({"0": Q(2, 3), "1": Q(1, 3)}, {"0": ZERO, "1": ONE})
    one = wire({"λ": 1}, {"λ": Q(2, 3) * ZERO + Q(1, 3) * ONE})
    seen, found, in_z = {"A": IN_X, "B": IN_Z}, {"A": "+", "B": 0}, {"A": IN_Z}
    asked = evaluate(two, CounterfactualQuery(found, {}, {"A": 0}, seen, in_z))
    posterior = {term.values["Λ"]: term.posterior for term in asked.terms}
    states(label, r"\tfrac{2}{3}", posterior["0"])
    states(label, r"\tfrac{1}{3}", posterior["1"])
    states(label, r"\tfrac12", probability(one, seen, {"A": "+"}))
    states(label, r"\tfrac{2}{3}", asked.probability)
    had_1 = CounterfactualQuery(found, {"A": 1}, {"B": 1}, seen, in_z)
    assert evaluate(two, had_1).probability is COUNTERPOSSIBLE
    done = {"A": Instrument.do(ONE, 2, outcome=1)}
    assert evaluate(two, CounterfactualQuery(found, {"A": 1}, {"B": 1}, seen, done)).probability == 1
    (term,) = evaluate(one, had_1).terms
    states(label, r"\tfrac{1}{3}", term.antecedent)
    assert evaluate(one, had_1).probability == 1


def check_noise() -> None:
    label = "ex-exam-noise"
    bell = ghz_state(2)
    words = ["".join(word) for word in product("01", repeat=2)]
    noise = {word: np.kron(*((ZERO, ONE)[int(k)] for k in word)) for word in words}
    share = Q(2, 5)  # a generic v; the formulas are linear in v

    def asked(weights: Any, states_: Any, instrument: Instrument, actual: Any, other: Any) -> Any:
        source = Instrument.discard_and_prepare(weights, states_)
        pair = unitary(np.eye(4, dtype=int), ["Λ"], ["A", "B"])
        model = QuantumStructuralModel([QuantumNode("A", 2, 2), QuantumNode("B", 2, 2)], {"Λ": source}, [pair])
        both = {"A": instrument, "B": instrument}
        return evaluate(model, CounterfactualQuery({"A": actual}, {"A": other}, {"B": other}, both, {})).probability

    five = {"Bell": share, **dict.fromkeys(words, (1 - share) / 4)}
    states_ = {"Bell": bell, **noise}
    mixed = sum(five[k] * states_[k] for k in five)
    assert np.all(mixed == share * bell + (1 - share) * np.eye(4, dtype=int) / Q(4))
    assert asked(five, states_, IN_Z, 0, 1) is COUNTERPOSSIBLE
    answer = sp.Rational(1, 2) * v + sp.Rational(1, 2)
    assert asked(five, states_, IN_X, "+", "-") == answer.subs(v, share)
    assert asked({"λ": 1}, {"λ": mixed}, IN_Z, 0, 1) == answer.subs(v, share)
    states(label, r"\tfrac{v}{2} + \tfrac{1}{2}", answer)
    states(label, r"v+\tfrac12(1-v)", answer)


def check_eve() -> None:
    label = "ex-exam-eve"
    n, D = Q(1, 50), Q(1, 10)
    rounds = {(F, G): chance(n, F) * chance(D, G) for F, G in product(BITS, repeat=2)}
    e = sum(w for (F, G), w in rounds.items() if F != G)
    states(label, r"\tfrac{29}{250}", e)
    caused = sum(w for (F, G), w in rounds.items() if F != G and F == 0) / e  # right, had G been 0
    states(label, r"\tfrac{49}{58}", caused)
    about(label, "0.845", caused)
    states(label, r"\tfrac{24}{29}", (e - n) / e)
    states(label, r"\tfrac{1}{58}", caused - (e - n) / e)
    assert n * D / e == Q(1, 58)
    assert (1 - n) * D / e == caused
    STATED[label] += [r"\tfrac{(1-n)D}{e}", r"\tfrac{nD}{e}"]
    x = sp.Symbol("x")
    assert sp.solve((1 - n) * x / (n * (1 - x) + (1 - n) * x) - Q(1, 2), x) == [n]


def check_shots() -> None:
    label = "ex-exam-shots"
    correlator = 1 / sp.sqrt(2)
    variance = sum(w * (s - correlator) ** 2 for s, w in ((1, (1 + correlator) / 2), (-1, (1 - correlator) / 2)))
    states(label, r"\tfrac{1}{2}", sp.simplify(variance))
    N = sp.Symbol("N", positive=True)
    error = sp.sqrt(4 * variance / N)
    assert sp.simplify(error - sp.sqrt(2 / N)) == 0
    STATED[label] += [r"\tfrac1{2N}", r"\tfrac2N"]
    (least,) = sp.solve(5 * error - (2 * sp.sqrt(2) - 2), N)
    states(label, r"\tfrac{50}{(2\sqrt2-2)^2}", least)
    about(label, "72.9", least)
    assert f"from ${sp.ceiling(least)}$ shots on" in problems()[label].solution
    c, s = sp.cos(theta), sp.sin(theta)
    psi = np.array([c, 0, 0, s], dtype=object)
    joint = {(x, y): psi[2 * x + y] ** 2 for x, y in product(BITS, repeat=2)}
    seeing = joint[0, 0] / (joint[0, 0] + joint[0, 1])
    doing = joint[0, 0] + joint[1, 0]  # forgotten at A: the marginal of B
    assert sp.simplify(seeing - 1) == sp.simplify(doing - c**2) == sp.simplify(seeing - doing - s**2) == 0
    assert sp.simplify(s**2 - (1 - joint[0, 0] - joint[0, 1])) == 0


# --- primers ----------------------------------------------------------------------------------------------------------


def check_state() -> None:
    label = "ex-primer-state"
    first, second = sp.Matrix([[1, 1], [1, 1]]) / 2, sp.Matrix([[1, 2], [2, 1]]) / 2
    third = sp.Matrix([[1, sp.I], [-sp.I, 2]]) / 3
    assert all(rho.is_hermitian and rho.trace() == 1 for rho in (first, second, third))
    assert [rho.is_positive_semidefinite for rho in (first, second, third)] == [True, False, True]
    assert (first**2 == first, sp.simplify(third**2) == third) == (True, False)
    states(label, r"\tfrac19", abs(third[0, 1]) ** 2)
    states(label, r"\tfrac29", third[0, 0] * third[1, 1])
    states(label, r"\tfrac14", abs(first[0, 1]) ** 2)
    assert abs(second[0, 1]) ** 2 == 1


def check_mixture() -> None:
    plus, mixed = sp.Matrix(PLUS), sp.Matrix(IDENTITY) / 2
    zero, one = sp.Matrix(ZERO), sp.Matrix(ONE)
    for rho in (plus, mixed):
        assert (zero * rho).trace() == Q(1, 2)
        asked = zero * rho * zero + one * rho * one
        states("ex-primer-mixture", r"\tfrac12", (sp.Matrix(PLUS) * asked).trace())
    assert [(sp.Matrix(PLUS) * rho).trace() for rho in (plus, mixed)] == [1, Q(1, 2)]


def check_cosine() -> None:
    label, bell = "ex-primer-bell", ghz_state(2)

    def mean(one: Any, two: Any) -> Any:
        A, B = (sp.cos(t) * PAULI_Z + sp.sin(t) * PAULI_X for t in (one, two))
        return sp.simplify(np.trace(np.kron(A, B) @ bell))

    x, y = sp.symbols("x y", real=True)
    assert sp.simplify(mean(x, y) - sp.cos(x - y)) == 0
    (a0, a1), (b0, b1) = (0, sp.pi / 2), (sp.pi / 4, -sp.pi / 4)
    S = mean(a0, b0) + mean(a0, b1) + mean(a1, b0) - mean(a1, b1)
    assert sp.simplify(S - 2 * sp.sqrt(2)) == 0
    assert a1 - b1 == 3 * sp.pi / 4
    states(label, r"\tfrac1{\sqrt2}", -sp.cos(a1 - b1))
    STATED[label] += [r"\tfrac{3\pi}4"]


def check_confounded() -> None:
    label, old = "ex-primer-confounded", (0.2, 0.8)  # P(treated | old = 0, 1)
    cured = {(0, 1): 0.9, (0, 0): 0.8, (1, 1): 0.5, (1, 0): 0.2}  # by old, treated
    about(label, "0.2", sum(cured[o, 1] - cured[o, 0] for o in BITS) / 2)
    shown = []
    for x in BITS:
        weights = [chance(t, x) / 2 for t in old]
        shown.append(sum(w * cured[o, x] for o, w in enumerate(weights)) / sum(weights))
    about(label, "0.58", shown[1])
    about(label, "0.68", shown[0])
    about(label, "-0.1", shown[1] - shown[0])
    STATED[label] += ["0.1", "0.3", "0.9", "0.8", "0.5"]  # of the statement, and their differences
    assert np.isclose(cured[0, 1] - cured[0, 0], 0.1)
    assert np.isclose(cured[1, 1] - cured[1, 0], 0.3)


def check_joint() -> None:
    label = "ex-primer-joint"
    types = np.array(list(product(BITS, repeat=2)))  # Y(0), Y(1)
    rows, target = [types[:, 0], types[:, 1], np.ones(4)], [0.5, 0.7, 1]
    cured = ((types[:, 0] == 0) & (types[:, 1] == 1)).astype(float)
    least, most = (s * linprog(s * cured, A_eq=rows, b_eq=target).fun for s in (1, -1))
    assert f"${least:.1f}\\le c\\le{most:.1f}$" in problems()[label].solution
    STATED[label] += [f"{least:.1f}", f"{most:.1f}"]


def check_invited() -> None:
    label = "ex-primer-instrument"
    table = np.array([[[0.5, 0.3], [0.5, 0.2]], [[0, 0.1], [0, 0.4]]])
    bounds = ace_bounds(table)
    about(label, "-0.1", bounds.lower)
    about(label, "0.4", bounds.upper)
    assert np.isclose(table[1, :, 1].sum(), 0.5)
    about(label, "0.9", table[1, 1, 1] + table[0, :, 1].sum())
    about(label, "0.5", table[0, 1, 0])
    assert f"{table[:, 1, 1].sum():.0%}" == "60%"


# --- all of them ------------------------------------------------------------------------------------------------------

CHECKS: dict[str, Callable[[], None]] = {
    f"ex-exam-{name}": globals()[f"check_{name}"]
    for name in ("clinic", "graph", "message", "trial", "angles", "process", "wire", "noise", "eve", "shots")
} | {
    "ex-primer-state": check_state,
    "ex-primer-mixture": check_mixture,
    "ex-primer-bell": check_cosine,
    "ex-primer-confounded": check_confounded,
    "ex-primer-joint": check_joint,
    "ex-primer-instrument": check_invited,
}
NUMBER = re.compile(r"\\tfrac(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\d)\s?(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\w)|\d+\.\d+")
ALSO = {r"\tfrac14", r"\tfrac12", r"\tfrac\pi4"}  # factors in derivations whose results are computed


def test_every_problem_whose_solution_has_numbers_is_computed_anew() -> None:
    assert {label for label, problem in problems().items() if NUMBER.search(problem.solution)} == set(CHECKS) - {
        "ex-exam-graph"  # whole numbers
    }
    assert all(problem.solution for problem in problems().values())


@pytest.mark.parametrize("label", CHECKS)
def test_what_a_solution_says_is_what_is_computed(label: str) -> None:
    STATED[label] = []
    CHECKS[label]()
    solution, statement = problems()[label].solution, problems()[label].statement
    stated = "  ".join(STATED[label])
    numbers = set(NUMBER.findall(solution)) - ALSO - set(NUMBER.findall(statement))
    assert {number for number in numbers if number not in stated} == set()


@pytest.mark.parametrize("exam", EXAMS)
def test_an_exam_has_five_problems_of_twelve_points_with_a_marking_scheme_each(exam: str) -> None:
    source = (paths.BOOK / "course" / f"{exam}.md").read_text(encoding="utf-8")
    mine = [problem for problem in problems().values() if problem.chapter == f"course/{exam}"]
    assert len(mine) == source.count("{marking}") == source.count("## Problem") == 5
    assert [sum(map(int, re.findall(r"\((\d+) points?\)", problem.statement))) for problem in mine] == [12] * 5
    assert "120 minutes, 60 points" in source
