"""Factorisability: Fine's theorem, certificates either way, contextual fractions, what positions allow."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations, product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from random_phenomena import CHSH, KCBS, UNEVEN, random_mixture, seeds
from scipy.stats import binom

from qlib.correlations import hidden_variables as fa
from qlib.correlations import scenarios
from qlib.correlations.hidden_variables import (
    HiddenVariableModel,
    Inequality,
    contextual_fraction,
    factorisability_program,
    factorise,
    fraction_program,
    general_bound,
    inequality_of_correlators,
    is_factorisable,
    joint_law,
    model_of_joint_law,
    nearest_nondisturbing,
)
from qlib.correlations.scenarios import (
    DisturbanceError,
    Phenomenon,
    Scenario,
    bell_scenario,
    by_position,
    in_every_order,
    is_nondisturbing,
    mix,
    white_noise,
)
from qlib.numbers.exact_arrays import exact, exact_sign
from qlib.numbers.linear_programs import CertificateError

SMALL = [CHSH, KCBS, UNEVEN, bell_scenario(2, 2, 2)]
ROOT = sp.sqrt(2)
GHZ, HARDY = scenarios.ghz_mermin(), scenarios.hardy_paradox()


def rational_law(rng: np.random.Generator, length: int) -> list[sp.Rational]:
    k = rng.integers(1, 9, size=length)
    return [sp.Rational(int(x), int(k.sum())) for x in k]


def random_model(scenario: Scenario, seed: int, size: int = 3) -> HiddenVariableModel:
    rng = np.random.default_rng(seed)
    d = max(scenario.outcomes.values())
    responses = [[rational_law(rng, n) + [0] * (d - n) for n in scenario.outcomes.values()] for _ in range(size)]
    return HiddenVariableModel(scenario, exact(rational_law(rng, size)), exact(responses))


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", SMALL, ids=lambda s: s.name or "uneven")
@settings(max_examples=8, deadline=None)
@given(seed=seeds)
def test_a_factorisable_model_has_a_joint_law_and_a_joint_law_a_deterministic_model(scenario, seed):
    """Fine's theorem: (c) → (b) → (a) → the same phenomenon, exactly."""
    stochastic = random_model(scenario, seed)
    law = joint_law(stochastic)
    assert law.shape == tuple(scenario.outcomes.values())
    deterministic = model_of_joint_law(scenario, law)
    deterministic.verify(stochastic.phenomenon())
    assert deterministic.is_deterministic
    assert not stochastic.is_deterministic
    assert is_nondisturbing(stochastic.phenomenon())


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_the_marginals_of_the_joint_law_are_the_laws_of_the_contexts(seed):
    model = random_model(KCBS, seed)
    law, p = joint_law(model), model.phenomenon()
    for c in range(5):
        others = tuple(k for k in range(5) if KCBS.measurements[k] not in KCBS.contexts[c])
        marginal = law.sum(axis=others)
        order = [m for m in KCBS.measurements if m in KCBS.contexts[c]]
        assert not np.any(p.marginal(c, order) - marginal)


def test_a_model_gives_the_sum_over_the_hidden_variable_of_products():
    model = random_model(CHSH, 7)
    place = CHSH.measurements.index
    for c, (first, second) in enumerate(CHSH.contexts):
        for a, b in product((0, 1), repeat=2):
            expected = sum(
                model.weights[k] * model.responses[k, place(first), a] * model.responses[k, place(second), b]
                for k in range(3)
            )
            assert model.phenomenon().table[c, a, b] == expected


def test_a_model_that_is_none_is_refused():
    model = random_model(CHSH, 1)
    with pytest.raises(ValueError, match=r"which should be \(3, 4, 2\)"):
        replace(model, responses=model.responses[:, :3])
    with pytest.raises(ValueError, match="they sum to"):
        replace(model, weights=model.weights / 2)
    with pytest.raises(ValueError, match="'A1' for value 0 should sum to one"):
        replace(model, responses=np.where(np.arange(4)[:, None] == 1, model.responses / 2, model.responses))
    with pytest.raises(ValueError, match=r"weights: entry \(0,\) is -1"):
        replace(model, weights=exact([-1, 1, 1]))


def test_a_model_of_another_phenomenon_is_refused():
    with pytest.raises(CertificateError, match="context A0 B0, outcomes"):
        random_model(CHSH, 1).verify(scenarios.pr_box())


# --- factorise -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", SMALL, ids=lambda s: s.name or "uneven")
@settings(max_examples=8, deadline=None)
@given(seed=seeds)
def test_noncontextual_phenomena_are_factorised_exactly_and_in_floating_point(scenario, seed):
    exact_p = random_model(scenario, seed).phenomenon()
    found = factorise(exact_p)
    assert isinstance(found, HiddenVariableModel)
    found.verify(exact_p)
    float_p = random_mixture(scenario, seed)
    found = factorise(float_p)
    assert isinstance(found, HiddenVariableModel)
    np.testing.assert_allclose(found.table(), float_p.table, atol=1e-8)


@settings(max_examples=15, deadline=None)
@given(k=st.integers(0, 40))
def test_exact_and_floating_point_decide_alike(k):
    visibility = sp.Rational(k, 40)
    p = scenarios.tsirelson(visibility)
    assert is_factorisable(p) == is_factorisable(p.as_float()) == bool(visibility <= 1 / ROOT)


def test_the_threshold_itself_is_factorisable():
    assert is_factorisable(scenarios.tsirelson(1 / ROOT))
    assert not is_factorisable(scenarios.tsirelson(1 / ROOT + sp.Rational(1, 10**12)))


@pytest.mark.parametrize(
    "p",
    [
        scenarios.pr_box(), scenarios.tsirelson(), HARDY, GHZ,
        scenarios.peres_mermin(), scenarios.quantum_cycle(5), scenarios.contextual_cycle(5), scenarios.quantum_cycle(6),
    ],
    ids=lambda p: p.name,
)  # fmt: skip
def test_contextual_phenomena_violate_an_inequality_that_holds_for_every_assignment(p):
    found = factorise(p)
    assert isinstance(found, Inequality)
    found.verify()
    assert exact_sign(found.value(p) - found.bound) > 0
    assert isinstance(factorise(p.as_float()), Inequality)


def test_the_inequality_found_for_tsirelson_is_chsh():
    assert factorise(scenarios.tsirelson()).normal_form() == fa.chsh_inequality().normal_form()


def leaky(number=exact):
    """The first outcome tells the other setting: x ∧ y."""
    table = np.zeros(CHSH.shape, dtype=int)
    for c, (x, y) in enumerate(product((0, 1), repeat=2)):
        table[c, x & y, 0] = 1
    return Phenomenon(CHSH, number(table))


@pytest.mark.parametrize("ask", [factorise, contextual_fraction])
@pytest.mark.parametrize("number", [exact, np.float64])
def test_what_disturbs_is_not_taken_for_contextual(ask, number):
    with pytest.raises(DisturbanceError, match=r"law of A1 differs between .* by a .* distance of 1: .*by_default"):
        ask(leaky(number))
    assert not is_factorisable(leaky(number))


def test_noise_in_frequencies_is_told_from_disturbance_by_an_exact_test():
    rng = np.random.default_rng(5)
    fair = Phenomenon.from_counts(CHSH, rng.multinomial(5000, np.full(4, 0.25), size=4).reshape(4, 2, 2))
    with pytest.raises(DisturbanceError, match="p-value of the hypothesis that this is noise") as noise:
        contextual_fraction(fair)
    assert noise.value.p_value > 0.05
    law = np.full((4, 2, 2), 0.25)
    law[3] = [[0.3, 0.3], [0.2, 0.2]]
    shifted = Phenomenon.from_counts(CHSH, np.array([rng.multinomial(5000, p.ravel()) for p in law]).reshape(4, 2, 2))
    with pytest.raises(DisturbanceError) as disturbed:
        factorise(shifted)
    assert disturbed.value.p_value < 1e-6
    assert disturbed.value.largest.measurements == ("A1",)
    nearest = nearest_nondisturbing(fair)
    assert scenarios.is_nondisturbing(nearest)
    assert abs(nearest.table - fair.table).sum() < 0.1
    assert contextual_fraction(nearest).value == pytest.approx(0, abs=1e-9)


def test_the_p_value_of_disturbance_is_one_at_most_as_often_as_it_says():
    """Under fair coins it is at most α with probability at most α; 400 draws, α = 0.1, a region fixed beforehand."""
    rng = np.random.default_rng(6)
    draws = rng.multinomial(60, np.full(4, 0.25), size=(400, 4)).reshape(400, 4, 2, 2)
    alarms = sum(scenarios.disturbance_p_value(CHSH, counts) <= 0.1 for counts in draws)
    assert alarms <= binom.isf(1e-9, 400, 0.1)


def test_a_nondisturbing_phenomenon_is_the_nearest_to_itself():
    for p in (scenarios.tsirelson(), scenarios.quantum_cycle(5), GHZ):
        assert np.allclose(nearest_nondisturbing(p).table, p.as_float().table)


def test_counts_that_are_none_make_no_phenomenon():
    for counts, message in (
        (np.zeros((4, 2, 2)), "context A0 B0 has no runs"),
        (np.full((4, 2, 2), 0.5), "it cannot be a count"),
        (np.full((4, 2, 2), -1), "it cannot be a count"),
        (np.ones((4, 2)), "shape"),
    ):
        with pytest.raises(ValueError, match=message):
            Phenomenon.from_counts(CHSH, counts)


def test_the_triangle_is_contextual_only_beyond_quantum_theory():
    assert is_factorisable(scenarios.quantum_cycle(3))
    assert not is_factorisable(scenarios.contextual_cycle(3))


def test_a_program_has_a_row_for_every_entry_and_a_variable_for_every_assignment():
    program = factorisability_program(scenarios.pr_box())
    assert len(program.constraints) == len(program.variables) == 16
    assert program.row("A1 B1: 0 1").rhs == sp.Rational(1, 2)
    assert set(program.column("A0=0 A1=1 B0=1 B1=0")) == {"A0 B0: 0 1", "A0 B1: 0 0", "A1 B0: 1 1", "A1 B1: 1 0"}
    assert len(fraction_program(scenarios.pr_box()).variables) == 32


# --- positions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 5, 7])
def test_by_the_letter_of_definition_3_contextual_odd_cycles_are_factorisable(n):
    """Pearl & Cavalcanti, Def. 3: responses may depend on the position; then Λ = (Λ_1, Λ_2) answers by position."""
    p = scenarios.contextual_cycle(n)
    assert not is_factorisable(p)
    assert fa.cycle_inequality(n).value(p) == n
    for phenomenon in (p, in_every_order(p)):
        assert is_nondisturbing(phenomenon)
        split = by_position(phenomenon)
        answers = [
            [[1 - (k ^ m.endswith("@2")), k ^ m.endswith("@2")] for m in split.scenario.measurements] for k in (0, 1)
        ]
        half = sp.Rational(1, 2)
        HiddenVariableModel(split.scenario, exact([half, half]), exact(np.array(answers, dtype=int))).verify(split)


def test_the_quantum_pentagram_is_factorisable_by_position():
    p = scenarios.quantum_cycle(5)
    assert not is_factorisable(p)
    assert is_factorisable(by_position(in_every_order(p)))


def test_an_even_cycle_in_both_orders_gains_nothing_from_positions():
    assert not is_factorisable(by_position(in_every_order(scenarios.contextual_cycle(4))))


@settings(max_examples=15, deadline=None)
@given(seed=seeds, weight=st.floats(0, 1))
def test_in_bell_scenarios_positions_change_nothing(seed, weight):
    p = mix(weight, scenarios.pr_box(), random_mixture(CHSH, seed))
    assert is_factorisable(p) == is_factorisable(by_position(p))


def test_by_position_a_disturbing_phenomenon_can_be_factorisable():
    tells = exact(np.zeros(KCBS.shape, dtype=int))
    tells[:, 0, 1] = 1
    p = Phenomenon(KCBS, tells)
    assert not is_nondisturbing(p)
    assert is_factorisable(by_position(p))


# --- inequalities ----------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_the_inequalities_of_the_literature_hold_for_noncontextual_phenomena(seed):
    for inequality in (fa.chsh_inequality(), fa.cycle_inequality(5), fa.cycle_inequality(6)):
        assert inequality.value(random_mixture(inequality.scenario, seed)) <= inequality.bound + 1e-9


@pytest.mark.parametrize(
    ("inequality", "classical", "general"),
    [
        (fa.chsh_inequality(), 2, 4),
        (fa.cycle_inequality(3), 1, 3),
        (fa.cycle_inequality(5), 3, 5),
        (fa.cycle_inequality(8), 6, 8),
        (fa.mermin_inequality(), 2, 4),
        (fa.peres_mermin_inequality(), 4, 6),
    ],
)
def test_classical_and_general_bounds(inequality, classical, general):
    inequality.verify()
    assert inequality.bound == classical
    assert general_bound(inequality).value == general


@pytest.mark.parametrize(
    ("inequality", "p", "quantum"),
    [
        (fa.chsh_inequality(), scenarios.tsirelson(), 2 * ROOT),
        (fa.cycle_inequality(5), scenarios.quantum_cycle(5), 4 * sp.sqrt(5) - 5),
        (fa.cycle_inequality(6), scenarios.quantum_cycle(6), 3 * sp.sqrt(3)),
        (fa.mermin_inequality(), GHZ, 4),
        (fa.peres_mermin_inequality(), scenarios.peres_mermin(), 6),
    ],
)
def test_quantum_values(inequality, p, quantum):
    assert exact_sign(inequality.value(p) - quantum) == 0


def test_an_inequality_with_too_small_a_bound_is_refused():
    with pytest.raises(CertificateError, match=r"A0=0 A1=0 B0=0 B1=0 gives 2 > 3/2"):
        replace(fa.chsh_inequality(), bound=sp.Rational(3, 2)).verify()


def test_an_inequality_is_not_put_to_another_scenario():
    with pytest.raises(ValueError, match="different scenarios"):
        fa.chsh_inequality().value(white_noise(KCBS))


def test_correlators_of_incompatible_measurements_are_refused():
    with pytest.raises(ValueError, match="A0 A1: these measurements belong to no common context"):
        inequality_of_correlators(CHSH, {("A0", "A1"): 1})


def test_correlators_need_two_outcomes():
    three = bell_scenario(1, 1, outcomes=3)
    with pytest.raises(ValueError, match="two outcomes"):
        Inequality(three, exact(np.zeros(three.shape, dtype=int)), sp.Integer(0)).correlators()


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_correlators_are_another_form_of_the_same_inequality(seed):
    rng = np.random.default_rng(seed)
    array = exact(rng.integers(-3, 4, size=CHSH.shape).tolist())
    inequality = Inequality(CHSH, array, sp.Integer(0))
    p = random_model(CHSH, seed).phenomenon()
    context = {names: c for c, ctx in enumerate(CHSH.contexts) for k in (1, 2) for names in combinations(ctx, k)}
    total = sum(
        k * (p.correlator(context[names], names) if names else 1) for names, k in inequality.correlators().items()
    )
    assert total == inequality.value(p)


def test_the_normal_form_does_not_depend_on_scale_or_on_terms_that_normalisation_cancels():
    chsh = fa.chsh_inequality()
    shifted = replace(chsh, coefficients=3 * chsh.coefficients + 5, bound=3 * chsh.bound + 20)
    assert shifted.normal_form() == chsh.normal_form()


# --- the contextual fraction -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "fraction"),
    [
        (scenarios.pr_box(), 1),
        (scenarios.tsirelson(), ROOT - 1),
        (scenarios.quantum_cycle(5), 2 * sp.sqrt(5) - 4),
        (scenarios.contextual_cycle(5), 1),
        (GHZ, 1),
        (scenarios.peres_mermin(), 1),
        (HARDY, 5 * sp.sqrt(5) - 11),
        (white_noise(CHSH), 0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_known_contextual_fractions(p, fraction):
    """Abramsky, Barbosa & Mansfield (2017); for CHSH the violation over the largest one, (2√2 - 2)/2."""
    found = contextual_fraction(p)
    assert exact_sign(found.value - fraction) == 0
    found.certificate.verify(fraction_program(p))
    found.inequality.verify()
    assert not any(exact_sign(k) > 0 for k in found.inequality.coefficients.flat)
    assert contextual_fraction(p.as_float()).value == pytest.approx(float(fraction), abs=1e-7)


@settings(max_examples=10, deadline=None)
@given(seed=seeds, weight=st.floats(0, 1))
def test_a_noncontextual_part_bounds_the_fraction(seed, weight):
    noise = random_mixture(CHSH, seed)
    fraction = contextual_fraction(mix(weight, scenarios.pr_box(), noise)).value
    assert -1e-9 <= fraction <= weight + 1e-9


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_the_fraction_does_not_depend_on_the_order_of_the_contexts(seed):
    p = mix(0.8, scenarios.pr_box(), random_mixture(CHSH, seed))
    value = contextual_fraction(p).value
    for order in list(permutations(range(4)))[1::7]:
        turned = Phenomenon(Scenario([CHSH.contexts[c] for c in order]), p.table[list(order)])
        assert contextual_fraction(turned).value == pytest.approx(value, abs=1e-7)
