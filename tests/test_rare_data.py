"""Rare is not impossible in behaviours, laws of potential outcomes and structural models either."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.correlations import scenarios
from qlib.correlations.hidden_variables import (
    contextual_fraction,
    factorise,
    is_factorisable,
)
from qlib.correlations.scenarios import (
    DisturbanceError,
    Phenomenon,
    Scenario,
    bell_scenario,
    is_nondisturbing,
    mix,
    pr_box,
    tsirelson,
    white_noise,
)
from qlib.models.potential_outcomes import (
    average_causal_effect,
    is_jointly_exogenous,
    is_marginally_exogenous,
    law_with_marginal_exogeneity_only,
    law_with_stratified_exclusion_only,
    observed_behaviour,
    satisfies_individual_exclusion,
    satisfies_stratified_exclusion,
)
from qlib.models.structural_models import (
    Mechanism,
    ProbabilisticModel,
    StructuralModel,
    firing_squad,
    with_independent_noise,
)
from qlib.numbers.exact_arrays import Undecided, exact
from qlib.quantum.classical_to_quantum import JointPreparation, quantum_extension
from qlib.quantum.instruments import Instrument
from qlib.quantum.process_operators import ProcessOperator
from qlib.quantum.processes import QuantumNode, probability

RARE = [1e-3, 1e-6, 1e-9, 1e-10, 1e-12]
PREDICATES = [
    is_jointly_exogenous, is_marginally_exogenous, satisfies_stratified_exclusion, satisfies_individual_exclusion,
]  # fmt: skip
seeds = st.integers(0, 10**6).map(np.random.default_rng)
tenths = st.integers(0, 12)


def as_number(value: float, exactly: bool) -> Any:
    return sp.Rational(1, round(1 / value)) if exactly else value


def random_law(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    weights = rng.integers(1, 20, shape)
    return exact([sp.Rational(int(n), int(weights.sum())) for n in weights.flat]).reshape(shape)


# --- phenomena --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exactly", [True, False])
@pytest.mark.parametrize("q", RARE)
def test_a_signal_between_rare_outcomes_is_a_signal(q: float, exactly: bool) -> None:
    """P(a = 1) is q beside one measurement and 2q beside another; or 0 and q; or q and q."""
    q = as_number(q, exactly)
    scenario = Scenario([("a", "b"), ("a", "c")])
    for first, second in ((q, 2 * q), (0 * q, q), (q, q)):
        table = [[[1 - p, 0 * q], [p, 0 * q]] for p in (first, second)]
        p = Phenomenon(scenario, exact(table) if exactly else table)
        assert is_nondisturbing(p) == (first == second)
        if first != second:
            with pytest.raises(DisturbanceError, match="the law of a differs between the contexts a b and a c"):
                factorise(p)


@given(seeds, tenths, st.booleans())
@settings(max_examples=5, deadline=None)
def test_exact_and_rounded_phenomena_disturb_alike(rng: np.random.Generator, k: int, disturb: bool) -> None:
    """Outcomes that occur with probability q only, and signal or not, beside others that do not."""
    scenario, q = Scenario(bell_scenario(2, 2).contexts, 3), sp.Rational(1, 10**k)
    common, rare = exact(np.zeros(scenario.shape, dtype=int)), exact(np.zeros(scenario.shape, dtype=int))
    common[:, :2, :2] = np.multiply.outer(*random_law(rng, (2, 2)))
    common = common / common.sum(axis=(1, 2), keepdims=True)
    rare[:, 2, :] = random_law(rng, (3,))
    if disturb:
        rare[0] = exact([[0, 0, 0], [0, 0, 0], [0, 0, 1]])
        rare[1:] = exact([[[1, 0, 0], [0, 0, 0], [0, 0, 0]]] * 3)
    p = Phenomenon(scenario, (1 - q) * common + q * rare)
    assert is_nondisturbing(p) == is_nondisturbing(p.as_float()) == (not disturb)


@pytest.mark.parametrize("q", RARE)
def test_a_rare_contextual_part_is_found_exactly_and_answered_or_refused_in_floating_point(q: float) -> None:
    """A mixture of an assignment and a box: the share of the box is the contextual fraction."""
    scenario, share = bell_scenario(2, 2), as_number(q, True)
    fixed = Phenomenon(scenario, exact(scenario.deterministic[0]))
    p = mix(share, pr_box(), fixed)
    assert contextual_fraction(p).value == share
    assert not is_factorisable(p)
    if q > 1e-8:
        assert contextual_fraction(p.as_float()).value == pytest.approx(q, rel=1e-2)
        assert not is_factorisable(p.as_float())
    else:
        for ask in (is_factorisable, contextual_fraction):
            with pytest.raises(Undecided, match="give the probabilities exactly"):
                ask(p.as_float())


@given(seeds, tenths)
@settings(max_examples=6, deadline=None)
def test_a_mixture_with_a_rare_assignment_has_a_model_or_is_refused_in_floating_point(
    rng: np.random.Generator, k: int
) -> None:
    scenario, q = bell_scenario(2, 2), sp.Rational(1, 10**k)
    a, b = rng.integers(0, len(scenario.deterministic), 2)
    table = (1 - q) * exact(scenario.deterministic[a]) + q * exact(scenario.deterministic[b])
    p = Phenomenon(scenario, table)
    factorise(p).verify(p)
    assert contextual_fraction(p).value == 0
    with suppress(Undecided):
        factorise(p.as_float()).verify(p.as_float())
    with suppress(Undecided):
        assert contextual_fraction(p.as_float()).value == pytest.approx(0, abs=1e-12)


def test_noise_hides_no_rare_outcome_and_adds_none() -> None:
    for p in (tsirelson(), scenarios.hardy_paradox(), scenarios.quantum_cycle(5), scenarios.ghz_mermin()):
        for q in RARE:
            assert is_nondisturbing(mix(q, p, white_noise(p.scenario)))


# --- potential outcomes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [*RARE, 1e-20, 1e-100])
def test_a_rare_value_of_the_instrument_can_be_conditional_on(q: float) -> None:
    for law in (law_with_marginal_exogeneity_only(), law_with_stratified_exclusion_only()):
        rare = law.astype(float) * 2 * np.array([1 - q, q])
        np.testing.assert_allclose(observed_behaviour(rare), observed_behaviour(law).astype(float), atol=1e-12)
        effects = [average_causal_effect(law, given_z=1), average_causal_effect(rare, given_z=1)]
        assert effects[1] == pytest.approx(float(effects[0]), abs=1e-12)


@pytest.mark.parametrize("q", [*RARE, 1e-20])
def test_the_assumptions_do_not_depend_on_how_rare_a_value_of_the_instrument_is(q: float) -> None:
    """Exogeneity and exclusion are about what is conditional on Z."""
    for law in (law_with_marginal_exogeneity_only(), law_with_stratified_exclusion_only()):
        rare = law.astype(float) * 2 * np.array([1 - q, q])
        assert [holds(rare) for holds in PREDICATES] == [holds(law) for holds in PREDICATES]


@pytest.mark.parametrize("q", RARE)
def test_a_rare_exception_to_exclusion_or_exogeneity_is_one(q: float) -> None:
    """Y = 0 in all worlds, but with probability q a trace: Y(0,1) = 1 by itself; or all Y = 1 if Z = 1."""
    for exactly in (True, False):
        share = as_number(q, exactly)
        half = sp.Rational(1, 2) if exactly else 0.5
        law = np.full((2,) * 6, 0 * share, dtype=object if exactly else float)
        law[0, 0, 0, 0, 0, :] = half
        law[0, 0, 0, 0, 0, 1] -= share * half
        excluded, exogenous = law.copy(), law.copy()
        excluded[0, 0, 1, 0, 0, 1] = share * half
        exogenous[0, 1, 1, 1, 1, 1] = share * half
        assert [holds(excluded) for holds in PREDICATES] == [False] * 4
        assert [holds(exogenous) for holds in PREDICATES] == [False, False, True, True]


@given(seeds, tenths, tenths, st.booleans())
@settings(max_examples=5, deadline=None)
def test_exact_and_rounded_laws_satisfy_the_same_assumptions(
    rng: np.random.Generator, k: int, n: int, related: bool
) -> None:
    z, share = sp.Rational(1, 10**k + 1), sp.Rational(1, 10**n + 1)
    outcomes, treatment = random_law(rng, (2,) * 4), random_law(rng, (2, 2))
    given_z = np.einsum("abcd,xz->xabcdz", outcomes, treatment / treatment.sum(axis=0))
    if related:
        other = random_law(rng, (2,) * 5)
        given_z[..., 1] = (1 - share) * given_z[..., 1] + share * other
    law = given_z * np.array([1 - z, z], dtype=object)
    assert [holds(law) for holds in PREDICATES] == [holds(law.astype(float)) for holds in PREDICATES]


# --- structural models ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [3, 9, 20, 100, 280])
def test_a_posterior_does_not_depend_on_how_rare_the_evidence_is(digits: int) -> None:
    q = sp.Rational(1, 10**digits)
    for number in (q, float(q)):
        model = firing_squad(number, number)
        truth = q / (q + (1 - q) * q)
        assert model.probability({"C": 1}, given={"D": 1}) == pytest.approx(float(truth), rel=1e-12)
        assert model.counterfactual({"D": 1}, do={"A": 0}, given={"D": 1}) == pytest.approx(float(truth), rel=1e-12)


def errors_in_a_row(n: int, p: Any) -> tuple[ProbabilisticModel, dict[str, int]]:
    """A chain of bits, each a copy of the one before but for an error of probability p; every second one errs."""
    flip = [[1 - p, p], [p, 1 - p]]
    network = {"V0": ((), [1 - p, p])} | {f"V{k}": ((f"V{k - 1}",), flip) for k in range(1, n)}
    return with_independent_noise(network), {f"V{k}": (k + 1) // 2 % 2 for k in range(n - 1)}


@pytest.mark.parametrize("p", [sp.Rational(1, 1000), sp.Rational(1, 10**10)])
def test_products_of_forty_factors_answer_in_both_number_systems(p: sp.Rational) -> None:
    for number in (p, float(p)):
        model, seen = errors_in_a_row(40, number)
        last = seen["V38"]
        assert model.probability({"V39": 1 - last}, given=seen) == pytest.approx(float(p), rel=1e-9)
        world = model.counterfactual({"V39": last}, do={"V38": last}, given=seen)
        assert world == pytest.approx(float(1 - p), rel=1e-9)


def test_evidence_too_rare_for_floating_point_numbers_is_refused_and_not_called_impossible() -> None:
    model, seen = errors_in_a_row(40, 1e-20)
    with pytest.raises(ValueError, match="its probability is below 1e-290, too small for floating-point numbers"):
        model.abduct(seen)
    exactly, seen = errors_in_a_row(40, sp.Rational(1, 10**20))
    assert exactly.probability({"V39": 1 - seen["V38"]}, given=seen) == sp.Rational(1, 10**20)
    never, seen = errors_in_a_row(4, 0.0)
    with pytest.raises(ValueError, match="it has probability zero"):
        never.abduct({"V1": 1})


@given(seeds, tenths)
@settings(max_examples=8, deadline=None)
def test_structural_models_answer_alike_in_both_number_systems(rng: np.random.Generator, k: int) -> None:
    q = sp.Rational(1, 10**k + 1)
    U, W = ((1 - q) * random_law(rng, (3,)) + q * random_law(rng, (3,)) for _ in "UW")
    U[2], U[0] = U[2] * q, U[0] + U[2] * (1 - q)
    domains = {"U": (0, 1, 2), "W": (0, 1, 2)}
    X, Y = rng.integers(0, 2, 3), rng.integers(0, 2, (2, 3, 3))
    X[2] = 1 - X[0]
    structure = StructuralModel(
        domains, {"X": Mechanism(("U",), X, (0, 1)), "Y": Mechanism(("X", "U", "W"), Y, (0, 1))}
    )
    law = np.einsum("u,w->uw", U, W)
    exactly, closely = (ProbabilisticModel(structure, x) for x in (law, law.astype(float)))
    for x, y in product((0, 1), repeat=2):
        for ask in (
            lambda m, x=x, y=y: m.probability({"Y": y}, given={"X": x}),
            lambda m, x=x, y=y: m.counterfactual({"Y": y}, do={"X": 1 - x}, given={"X": x}),
            lambda m, x=x, y=y: m.counterfactual({"Y": 1}, do={"X": 1 - x}, given={"X": x, "Y": y}),
        ):
            answers = []
            for model in (exactly, closely):
                with suppress(ValueError):
                    answers.append(float(ask(model)))
            assert answers == [] or answers[0] == pytest.approx(answers[1], rel=1e-9)
            assert len(answers) in (0, 2)


def test_a_conditional_probability_above_one_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    model = firing_squad(0.5, 0.25)
    posterior = model.abduct({"D": 1})
    monkeypatch.setitem(posterior.__dict__, "_weight", np.float64(0.1))
    with pytest.raises(ArithmeticError, match=r"internal error: the probability of \{'C': 1\} was found to be"):
        posterior.probability({"C": 1})
    with pytest.raises(ArithmeticError, match="internal error: the law of"):
        posterior.distribution("C", "D")


@pytest.mark.parametrize("q", [0.3, 1e-3, 1e-9, 1e-12, 1e-20])
def test_correlated_noise_needs_a_joint_preparation_however_rare_it_is(q: float) -> None:
    structure = StructuralModel(
        {"U": (0, 1), "W": (0, 1)}, {"X": Mechanism(("U",), [0, 1]), "Y": Mechanism(("W",), [0, 1])}
    )
    copied, apart = np.diag([1 - q, q]), np.outer([1 - q, q], [1 - q, q])
    assert isinstance(quantum_extension(ProbabilisticModel(structure, copied)), JointPreparation)
    assert not isinstance(quantum_extension(ProbabilisticModel(structure, apart)), JointPreparation)


def test_a_number_outside_zero_and_one_is_no_probability_of_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    process = ProcessOperator([QuantumNode("A", 2, 1)], np.diag([0.25, 0.75]))
    measured = Instrument.from_kraus({0: [[[1.0, 0.0]]], 1: [[[0.0, 1.0]]]})
    assert probability(process, {"A": measured}, {"A": 1}) == pytest.approx(0.75)
    monkeypatch.setattr("qlib.quantum.processes.node_operators", lambda *_: {"A": 2 * np.diag([0.0, 1.0])})
    with pytest.raises(ArithmeticError, match=r"internal error: the probability of \{'A': 1\} was found to be 1.5"):
        probability(process, {"A": measured}, {"A": 1})
