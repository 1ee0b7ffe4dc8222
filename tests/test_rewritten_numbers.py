"""What a model answers depends on its numbers, not on how they are written: every exact model, rewritten.

The rewritten numbers have every form that SymPy keeps as it is: a zero is a sum of cosines or of roots of unity, a one
is a quotient of nested roots. What was impossible stays impossible, and what was refused stays refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import sympy as sp

from qlib.correlations import scenarios
from qlib.correlations.hidden_variables import HiddenVariableModel, Inequality, contextual_fraction, factorise
from qlib.correlations.scenarios import Phenomenon
from qlib.graphs.independence import independences
from qlib.models import potential_outcomes as po
from qlib.models.bounds import ace_bounds, instrumental_inequality
from qlib.models.structural_models import (
    Mechanism,
    ProbabilisticModel,
    StructuralModel,
    firing_squad,
    with_independent_noise,
)
from qlib.numbers.exact_arrays import Array, exact, is_zero, rational, recognised, vanishes
from qlib.numbers.linear_programs import Constraint, LinearProgram, certificate
from qlib.quantum.counterfactuals import CounterfactualQuery, evaluate
from qlib.quantum.instruments import Instrument
from qlib.quantum.processes import QuantumNode, QuantumStructuralModel, unitary

R, pi, i = sp.Rational, sp.pi, sp.I
ZEROS = {
    "exp": sp.exp(2 * pi * i / 3) + sp.exp(-2 * pi * i / 3) + 1,
    "cos": sp.cos(pi / 7) - sp.cos(2 * pi / 7) + sp.cos(3 * pi / 7) - R(1, 2),
    "radicals": sp.sqrt(5 + 2 * sp.sqrt(6)) - sp.sqrt(2) - sp.sqrt(3),
}
ONES = {
    "exp": sp.exp(i * pi / 5) * (-1) ** R(4, 5) * -1,
    "cos": 8 * sp.cos(pi / 9) * sp.cos(2 * pi / 9) * sp.cos(4 * pi / 9),
    "radicals": (1 + sp.sqrt(2)) / sp.cbrt(7 + 5 * sp.sqrt(2)),
}
ways = pytest.mark.parametrize("way", ZEROS)


def rewritten(values: Any, way: str) -> Array:
    """An exact array with the same numbers, none of which SymPy sees to be what it is."""
    return np.asarray(exact(values) * ONES[way] + ZEROS[way])


def same(one: Any, other: Any) -> bool:
    return vanishes(np.asarray(one, dtype=object) - np.asarray(other, dtype=object))


@ways
def test_no_rewritten_number_is_seen_through(way: str) -> None:
    zero, one = rewritten([0, 1], way)
    assert not zero.is_Number
    assert not one.is_Number
    assert is_zero(zero)
    assert rational(one) == 1


# --- potential outcomes -----------------------------------------------------------------------------------------------

TESTS = (
    po.is_jointly_exogenous, po.is_marginally_exogenous, po.satisfies_stratified_exclusion,
    po.satisfies_individual_exclusion,
)  # fmt: skip


@ways
@pytest.mark.parametrize("law", [po.law_with_marginal_exogeneity_only(), po.law_with_stratified_exclusion_only()])
def test_potential_outcomes(way: str, law: Array) -> None:
    again = rewritten(law, way)
    assert [test(again) for test in TESTS] == [test(law) for test in TESTS]
    assert same(po.observed_behaviour(again), po.observed_behaviour(law))
    assert same(po.average_causal_effect(again), po.average_causal_effect(law))


@ways
def test_bounds_on_an_effect(way: str) -> None:
    p = exact([[[R(1, 2), 0], [R(1, 4), R(1, 8)]], [[R(1, 4), R(3, 8)], [0, R(1, 2)]]])
    known, again = ace_bounds(p), ace_bounds(rewritten(p, way))
    assert same([again.lower, again.upper], [known.lower, known.upper])
    assert again.lower_attained_by == known.lower_attained_by
    impossible = exact([[[1, 0], [0, 1]], [[0, 0], [0, 0]]])
    assert not instrumental_inequality(rewritten(impossible, way)).holds
    assert not ace_bounds(rewritten(impossible, way)).feasible


# --- structural models ------------------------------------------------------------------------------------------------


@ways
def test_structural_models(way: str) -> None:
    known = firing_squad(R(1, 2), R(1, 4))
    again = ProbabilisticModel(known.structure, rewritten(known.law, way))
    for evidence in ({"D": 1}, {"A": 0}, {"D": 0}):
        answers = [model.counterfactual({"D": 1}, do={"A": 0}, given=evidence) for model in (known, again)]
        assert same(*answers)
    impossible = {"A": 0, "B": 1}
    for model in (known, again):
        with pytest.raises(ValueError, match="probability zero"):
            model.probability({"D": 1}, given=impossible)


@ways
def test_a_state_of_probability_zero_teaches_nothing(way: str) -> None:
    structure = StructuralModel(
        {"U": (0, 1, 2)}, {"X": Mechanism(("U",), lambda u: int(u > 0)), "Y": Mechanism(("U",), lambda u: int(u == 1))}
    )
    model = ProbabilisticModel(structure, rewritten([0, R(1, 4), R(3, 4)], way))
    with pytest.raises(ValueError, match="probability zero"):
        model.probability({"Y": 0}, given={"X": 0})


@ways
def test_bayesian_networks_with_noise(way: str) -> None:
    tables: Mapping[str, Any] = {
        "X": ((), [R(1, 2), R(1, 2), 0]),
        "Y": (("X",), [[R(1, 3), R(2, 3)], [1, 0], [R(1, 5), R(4, 5)]]),
    }
    known = with_independent_noise(tables)
    again = with_independent_noise({name: (pa, rewritten(table, way)) for name, (pa, table) in tables.items()})
    assert same(again.distribution("X", "Y"), known.distribution("X", "Y"))
    with pytest.raises(ValueError, match="probability zero"):
        again.probability({"Y": 1}, given={"X": 2})


def test_a_value_of_probability_zero_keeps_it_in_floating_point() -> None:
    model = with_independent_noise(
        {"X": ((), [0.7, 0.2, 0.1, 0.0]), "Y": (("X",), [[0.9, 0.1], [0.8, 0.2], [0.5, 0.5], [0.3, 0.7]])}
    )
    assert model.probability({"X": 3}) == 0
    with pytest.raises(ValueError, match="probability zero"):
        model.probability({"Y": 1}, given={"X": 3})


def test_rows_that_agree_but_for_rounding_have_their_quantiles_in_common() -> None:
    model = with_independent_noise({"X": ((), [0.5, 0.5]), "Y": (("X",), [[0.7, 0.2, 0.1], [0.9, 0.0, 0.1]])})
    assert len(model.structure.exogenous["U_Y"]) == 3
    assert sum(x != 0.7 + 0.2 for x in (0.9,)) == 1  # in floating point, they differ


def test_a_rare_value_is_not_taken_for_rounding() -> None:
    model = with_independent_noise({"X": ((), [0.5, 0.5]), "Y": (("X",), [[1.0, 1e-20], [1.0, 3e-20]])})
    ratio = model.probability({"Y": 1}, given={"X": 1}) / model.probability({"Y": 1}, given={"X": 0})
    assert ratio == pytest.approx(3)


def test_a_negative_entry_of_a_table_is_refused() -> None:
    for row in ([1.2, -0.2], [R(6, 5), R(-1, 5)]):
        with pytest.raises(ValueError, match="negative"):
            with_independent_noise({"X": ((), row)})


# --- scenarios --------------------------------------------------------------------------------------------------------


@ways
@pytest.mark.parametrize(
    "known", [scenarios.pr_box(), scenarios.tsirelson(), scenarios.white_noise(scenarios.bell_scenario(2, 2))]
)
def test_phenomena(way: str, known: Phenomenon) -> None:
    table = np.where(known.scenario.possible, rewritten(known.table, way), known.table)
    again = Phenomenon(known.scenario, table)
    assert scenarios.is_nondisturbing(again)
    kinds = {type(factorise(p)) for p in (known, again)}
    assert kinds in ({Inequality}, {HiddenVariableModel})
    assert is_zero(contextual_fraction(again).value - contextual_fraction(known).value)


@ways
def test_a_table_that_disturbs_by_very_little_disturbs(way: str) -> None:
    table = rewritten(scenarios.white_noise(scenarios.bell_scenario(2, 2)).table, way)
    table[0, 0, 0] += R(1, 10**200)
    table[0, 1, 0] -= R(1, 10**200)
    assert not scenarios.is_nondisturbing(Phenomenon(scenarios.bell_scenario(2, 2), table))


# --- instruments and processes ----------------------------------------------------------------------------------------

ONE = np.eye(2, dtype=int)


def observable(angle: sp.Expr) -> tuple[Array, Array]:
    """The projectors on the two directions at an angle in the real plane."""
    v = np.array([sp.cos(angle), sp.sin(angle)], dtype=object)
    P = np.outer(v, v)
    return P, exact(ONE) - P


@ways
def test_instruments(way: str) -> None:
    P, Q = (rewritten(projector, way) for projector in observable(pi / 4))
    measurement = Instrument.projective({0: P, 1: Q})
    assert not measurement.is_discard_and_prepare
    prepared = Instrument.do(P, d_in=2)
    assert prepared.is_discard_and_prepare
    assert same(prepared.state("do"), observable(pi / 4)[0])
    with pytest.raises(ValueError, match="P² should be P"):
        Instrument.projective({0: P + rewritten(np.eye(2, dtype=int), way) * R(1, 10**200), 1: Q})


@pytest.mark.parametrize("d", [2, 3, 5, 7])
def test_fourier_matrices_are_unitary(d: int) -> None:
    F = exact([[sp.exp(2 * pi * i * j * k / d) / sp.sqrt(d) for k in range(d)] for j in range(d)])
    assert Instrument.unitary(F).outcomes == ("",)
    columns = {k: np.outer(F[:, k], np.frompyfunc(sp.conjugate, 1, 1)(F[:, k])) for k in range(d)}
    if d < 5:
        assert len(Instrument.projective(columns).outcomes) == d


def chain(state: Array, first: Array = ONE) -> QuantumStructuralModel:
    """A preparation, A, and B."""
    parts = (unitary(first, ["L"], ["A"]), unitary(ONE, ["A"], ["B"]))
    return QuantumStructuralModel((QuantumNode("A"), QuantumNode("B")), {"L": Instrument.do(state, d_in=1)}, parts)


@pytest.mark.parametrize("n", [4, 5, 7, 9, 11, 16])
def test_a_qubit_is_never_found_orthogonal_to_itself(n: int) -> None:
    P, Q = observable(pi / n)
    z = Instrument.projective({0: P, 1: Q})
    with pytest.raises(ValueError, match="probability zero"):
        evaluate(chain(P), CounterfactualQuery({"A": 1}, {}, {"B": 0}, {"A": z, "B": z}, {}))


TURN = {
    "roots": (1 + i) / sp.sqrt(2), "exp": sp.exp(i * pi / 4), "power": sp.Pow(-1, R(1, 4)),
    "cos": sp.sqrt(2) * sp.cos(2 * pi / 7) * 0 + sp.cos(pi / 4) + i * sp.sin(pi / 4), "half": sp.sqrt(i),
}  # fmt: skip


@pytest.mark.parametrize("form", TURN)
def test_an_outcome_that_interference_excludes_is_a_counterpossible(form: str) -> None:
    T, plus = exact([[1, 0], [0, TURN[form]]]), exact([[R(1, 2)] * 2] * 2)
    E = exact([[1, (1 - i) / sp.sqrt(2)], [(1 + i) / sp.sqrt(2), 1]]) / 2
    measured, idle = Instrument.projective({0: E, 1: exact(ONE) - E}), Instrument.idle(2)
    query = CounterfactualQuery({}, {"A": 1}, {"B": 0}, {"A": idle, "B": idle}, {"A": measured, "B": measured})
    assert str(evaluate(chain(plus, T), query).probability) == "∗"


@ways
def test_processes(way: str) -> None:
    P, Q = observable(pi / 4)
    state = exact([[R(1, 3), 0], [0, R(2, 3)]])
    z = Instrument.projective({0: np.diag([1, 0]), 1: np.diag([0, 1])})
    query = CounterfactualQuery(
        {"A": 0}, {"A": 1}, {"B": 0}, {"A": z, "B": z}, {"A": Instrument.projective({0: P, 1: Q}), "B": z}
    )
    known, again = (evaluate(chain(form), query).probability for form in (state, rewritten(state, way)))
    assert same(again, known)


@ways
@pytest.mark.parametrize("angle", [pi / 4, pi / 6, pi / 8], ids=str)
def test_processes_whose_instruments_are_rewritten(way: str, angle: sp.Expr) -> None:
    """Preparation, unitary and measurements of three nodes: the same answers, the same ∗, the same refusals."""

    def asked(write: Any, evidence: dict[str, int], antecedent: dict[str, int]) -> Any:
        P, Q = observable(angle)
        z = Instrument.projective({0: write(np.diag([1, 0])), 1: write(np.diag([0, 1]))})
        tilted = Instrument.projective({0: write(P), 1: write(Q)})
        state = exact([[R(1, 3), 0], [0, R(2, 3)]])
        parts = [unitary(write(np.eye(2, dtype=int)), [a], [b]) for a, b in ("LA", "AB", "BC")]
        model = QuantumStructuralModel(
            tuple(map(QuantumNode, "ABC")), {"L": Instrument.do(write(state), 1)}, tuple(parts)
        )
        instruments = {"A": z, "B": tilted, "C": tilted}
        return evaluate(model, CounterfactualQuery(evidence, antecedent, {"C": 0}, instruments, {"C": z}))

    for evidence, antecedent in (({"A": 0}, {"A": 1}), ({"B": 1}, {"A": 1, "B": 1}), ({}, {"B": 0})):
        known, again = (asked(f, evidence, antecedent) for f in (exact, lambda x: rewritten(x, way)))
        assert same(again.probability, known.probability)
        assert same(again.terms[0].probability, known.terms[0].probability)
    for f in (exact, lambda x: rewritten(x, way)):
        with pytest.raises(ValueError, match="evidence B = 1, C = 0 has probability zero"):
            asked(f, {"B": 1, "C": 0}, {})


@ways
def test_a_rewritten_number_that_is_simple_is_recognised(way: str) -> None:
    plain = exact(
        [0, 1, R(3, 7), sp.sqrt(3) / 4, (1 + sp.sqrt(5)) / 4, i / 2 - sp.sqrt(2), sp.sqrt(2 + sp.sqrt(2)) / 4]
    )
    assert same(recognised(rewritten(plain, way)), plain)
    assert max(x.count_ops() for x in recognised(rewritten(plain, way))) < 10
    near = rewritten(plain, way) + R(1, 10**60)
    assert not same(recognised(near), plain)
    assert same(recognised(near), near)


@ways
def test_processes_of_numbers_that_are_not_simple_are_answered_all_the_same(way: str) -> None:
    P, Q = (rewritten(projector, way) for projector in observable(pi / 7))
    z, prepared = Instrument.projective({0: P, 1: Q}), observable(pi / 7)[0]
    with pytest.raises(ValueError, match="probability zero"):
        evaluate(chain(prepared), CounterfactualQuery({"A": 1}, {}, {"B": 0}, {"A": z, "B": z}, {}))
    assert evaluate(chain(prepared), CounterfactualQuery({}, {"A": 0}, {"B": 0}, {"A": z, "B": z}, {})).probability == 1


# --- linear programs, independences -----------------------------------------------------------------------------------


@ways
def test_linear_programs(way: str) -> None:
    def coin(form: Any) -> LinearProgram:
        rows = (
            Constraint("total", {"a": form(1), "b": form(1), "c": form(0) + 1}, form(1)),
            Constraint("mean", {"a": form(3), "b": form(1)}, form(R(3, 2)) * sp.sqrt(2)),
        )
        return LinearProgram(("a", "b", "c"), {"a": form(2), "b": form(1), "c": 0}, rows)

    known, again = (certificate(coin(form), "max") for form in (sp.sympify, lambda x: rewritten([x], way)[0]))
    assert same(again.value, known.value)
    assert again.multipliers == known.multipliers
    assert again.is_optimal


@ways
def test_independences(way: str) -> None:
    parity = exact(np.zeros((2, 2, 2), dtype=int))
    for a, b in np.ndindex(2, 2):
        parity[a, b, a ^ b] = R(1, 4)
    known, again = (independences(law, ["A", "B", "C"]).statements() for law in (parity, rewritten(parity, way)))
    assert known == again
