"""Kang's Experiments 1 to 3: what a table and a law are, what each variant simulates, and what chance does to it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from compendium import paths
from compendium.studies.kang_experiments import (
    Floats,
    coefficient_of_determination,
    confounding_strength,
    experiment_1,
    experiment_2,
    experiment_3,
    fit_statistics,
    law,
    product_table,
    random_product_table,
    sampled,
    schmidt_table,
    shots_behind,
    strength_sd,
    t_interval,
)
from qlib.circuits.circuits import CHSH_ANGLES
from qlib.correlations.behaviours import chsh_of_behaviour, correlators_of_behaviour
from qlib.numbers.exact_arrays import as_float
from qlib.numbers.hypothesis_tests import acceptance_region
from qlib.quantum.channels import PAULI_X, PAULI_Z, born_rule, effects, pure_state

ANGLE = st.floats(-7, 7)
SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def measured(vector: Floats, angles: Floats = CHSH_ANGLES) -> Floats:
    """The law by state vector and Born rule: another route than the table."""
    Z, X = as_float(PAULI_Z), as_float(PAULI_X)
    M, N = (effects(np.cos(2 * a)[:, None, None] * Z + np.sin(2 * a)[:, None, None] * X) for a in angles)
    return np.asarray(born_rule(pure_state(vector), M, N), dtype=float)


def qubit(t: float, f: float) -> Floats:
    """Rz(f) Ry(t) |0⟩, multiplied out."""
    return np.asarray([np.exp(-0.5j * f) * np.cos(t / 2), np.exp(0.5j * f) * np.sin(t / 2)])


@given(ANGLE)
def test_the_law_of_a_schmidt_state_is_the_born_rule(theta: float) -> None:
    assert_allclose(law(schmidt_table(theta)), measured(np.array([np.cos(theta), 0, 0, np.sin(theta)])), atol=1e-12)


@given(ANGLE, ANGLE, ANGLE, ANGLE)
def test_the_law_of_a_product_state_is_the_born_rule(t: float, u: float, f: float, g: float) -> None:
    state = np.kron(qubit(t, f), qubit(u, g))
    assert_allclose(law(product_table([t, u], [f, g])), measured(state), atol=1e-12)


@given(ANGLE)
def test_the_strength_of_a_schmidt_state_is_affine_in_the_sine_of_twice_its_angle(theta: float) -> None:
    assert_allclose(
        confounding_strength(correlators_of_behaviour(law(schmidt_table(theta)))),
        abs(1 + np.sin(2 * theta)) / np.sqrt(2),
    )


@given(SEEDS)
def test_no_product_state_exceeds_one_over_root_two_at_the_fixed_settings(rng: np.random.Generator) -> None:
    strengths = confounding_strength(correlators_of_behaviour(law(random_product_table(200, rng))))
    assert strengths.max() <= np.sqrt(0.5) + 1e-12


@given(SEEDS)
@settings(max_examples=10)
def test_frequencies_lie_in_their_acceptance_region_and_add_up(rng: np.random.Generator) -> None:
    p = law(random_product_table(20, rng))
    frequencies = sampled(p, 1000, rng)
    low, high = acceptance_region(p, 1000, alarm=1e-9)
    assert_allclose(frequencies.sum(axis=(-1, -2)), 1)
    assert np.all((low <= np.round(1000 * frequencies)) & (np.round(1000 * frequencies) <= high))


def test_the_standard_deviation_of_the_strength_is_that_of_many_simulated_ones() -> None:
    p = law(schmidt_table(0.3))
    many = correlators_of_behaviour(sampled(np.broadcast_to(p, (40_000, *p.shape)), 200, np.random.default_rng(5)))
    S = np.einsum("...st,st->...", many[..., 1:, 1:], [[1, 1], [1, -1]]) / 2
    assert_allclose(S.std(), strength_sd(correlators_of_behaviour(p), 200), rtol=5 / np.sqrt(80_000))


def value(table: pd.DataFrame, quantity: str) -> Floats:
    return table[table.quantity == quantity].value.to_numpy()


def test_both_correlations_of_the_bell_state_are_perfect_in_every_trial() -> None:
    table = experiment_1("as written", np.random.default_rng(1))
    assert np.all(value(table, "E_ZZ, Bell") == 1)
    assert np.all(value(table, "E_XX, Bell") == 1)


@pytest.mark.parametrize("variant", ["as written", "as coded"])
def test_correlations_of_the_product_state_vanish_up_to_sampling(variant: str) -> None:
    table = experiment_1(variant, np.random.default_rng(2))  # type: ignore[arg-type]
    controls = {q for q in table.quantity if "product" in q}
    assert controls == ({"E_ZZ, product"} if variant == "as coded" else {"E_ZZ, product", "E_XX, product"})
    for quantity in controls:  # at 10,000 shots the standard deviation is 1/100
        assert abs(value(table, quantity)).max() < 0.065


def test_as_coded_the_tally_under_a_is_that_of_b() -> None:
    """Both are fair for the Bell state, so that no test of Experiment 1 can tell: only the random draws differ."""
    written, coded = (
        value(experiment_1(v, np.random.default_rng(3)), "P(A=0), B measured") for v in ("as written", "as coded")
    )
    assert abs(written - 0.5).max() < 0.035
    assert abs(coded - 0.5).max() < 0.035


@pytest.mark.parametrize("variant", ["as written", "as coded"])
def test_an_experiment_is_a_function_of_its_seed(variant: str) -> None:
    for experiment in (experiment_1, experiment_2, experiment_3):
        first, second = (experiment(variant, np.random.default_rng(7)) for _ in range(2))  # type: ignore[operator]
        pd.testing.assert_frame_equal(first, second)
        assert not first.equals(experiment(variant, np.random.default_rng(8)))  # type: ignore[operator]


def test_experiment_2_has_one_row_for_each_scenario_and_trial() -> None:
    table = experiment_2("as coded", np.random.default_rng(1), trials=7)
    assert table.groupby("scenario", sort=False).size().to_dict() == dict.fromkeys(("none", "classical", "quantum"), 7)
    assert list(table.columns) == ["scenario", "trial", "CS", "law"]


def test_measured_strengths_scatter_about_the_law_as_the_shots_say() -> None:
    table = experiment_2("as coded", np.random.default_rng(4), trials=2000, shots=500, visibility=0.9)
    quantum = table[table.scenario == "quantum"]
    assert_allclose(quantum.law, 0.9 * np.sqrt(2))
    deviation = strength_sd(np.full((3, 3), 0.9 / np.sqrt(2)), 500)
    assert_allclose(quantum.CS.mean(), 0.9 * np.sqrt(2), atol=6 * deviation / np.sqrt(2000))
    assert_allclose(quantum.CS.std(), deviation, rtol=6 / np.sqrt(4000))


def test_as_written_a_deterministic_strategy_has_no_sampling_noise() -> None:
    table = experiment_2("as written", np.random.default_rng(1))
    assert set(table[table.scenario == "classical"].CS) == {1.0}
    assert table[table.scenario == "none"].law.nunique() == 1


def test_flips_of_the_classical_answers_shrink_its_strength_by_twice_their_rate() -> None:
    table = experiment_2("as coded", np.random.default_rng(1), trials=400, flip=0.05)
    classical = table[table.scenario == "classical"]
    assert_allclose(classical.law, 0.9)
    sd = 2 * np.sqrt(0.05 * 0.95 / 10_000)  # of (E + E + E - E)/2, each E = 1 - 2k/N
    assert_allclose(classical.CS.mean(), 0.9, atol=6 * sd / 20)
    assert_allclose(classical.CS.std(), sd, rtol=6 / np.sqrt(800))


def test_experiment_3_sweeps_the_quarter_circle() -> None:
    table = experiment_3("as coded", np.random.default_rng(1), steps=5)
    assert_allclose(table.theta, np.linspace(0, np.pi / 2, 5))
    assert_allclose(table.law, (1 + table.concurrence) / np.sqrt(2))


def test_one_trial_scatters_more_than_five() -> None:
    rng = np.random.default_rng(6)
    spread = {
        variant: np.std([(t := experiment_3(variant, rng)).CS - t.law for _ in range(40)])  # type: ignore[arg-type]
        for variant in ("as written", "as coded")
    }
    assert_allclose(spread["as written"] / spread["as coded"], np.sqrt(5), rtol=0.2)


def test_statistics_of_the_fit_are_those_of_the_table() -> None:
    """One run of 25 × 4 binomials is one run of Experiment 3 with the trials of an angle pooled."""
    table = experiment_3("as coded", np.random.default_rng(1))
    R2, r = coefficient_of_determination(table.CS, table.law), np.corrcoef(table.concurrence, table.CS)[0, 1]
    sample = fit_statistics(np.random.default_rng(1), runs=2000)
    assert sample.R2.min() < R2 < sample.R2.max()
    assert sample.r.min() < r < sample.r.max()


def test_a_perfect_fit_explains_everything_and_the_mean_nothing() -> None:
    y = np.random.default_rng(1).normal(size=(3, 10))
    assert_allclose(coefficient_of_determination(y, y), 1)
    assert_allclose(coefficient_of_determination(y, y.mean(axis=1, keepdims=True)), 0, atol=1e-12)


def test_students_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    ends = np.array([t_interval(x, 0.9) for x in rng.normal(3, 2, (4000, 3))])
    coverage = np.mean((ends[:, 0] < 3) & (ends[:, 1] > 3))
    assert abs(coverage - 0.9) < 6 * np.sqrt(0.09 / 4000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: product_table([0, 0, 0], [0, 0, 0]), r"\(3,\) and \(3,\) should be the same, \(\.\.\., 2\)"),
        (lambda: law(2 * np.eye(3)), r"D\[0, 0\] should be 1"),
        (lambda: law(np.diag([1.0, 1.0, 1.0]) * [1, 2, 1]), "no probability negative"),
        (lambda: sampled(law(schmidt_table(0)), 0, np.random.default_rng(1)), "shots: 0 should be at least 1"),
        (lambda: experiment_2("coded", np.random.default_rng(1)), "variant='coded': should be 'as written' or"),  # type: ignore[arg-type]
        (lambda: t_interval([1.0]), r"shape \(1,\) should be \(n,\) with n at least 2"),
        (lambda: t_interval([1.0, 2.0], 95), "level=95: should lie between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()


# ── the archived runs ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shots", [40, 1_000, 10_000])
def test_the_number_of_shots_is_read_off_simulated_correlators_and_off_their_sum(shots: int) -> None:
    E = correlators_of_behaviour(
        sampled(law(random_product_table(60, np.random.default_rng(3))), shots, np.random.default_rng(4))
    )[:, 1:, 1:]
    assert shots_behind(E) == shots
    assert shots_behind(np.einsum("kst,st->k", E, [[1, 1], [1, -1]])) == shots


@pytest.mark.parametrize(("values", "decimals"), [([0.12345], 4), ([0.0, 0.0], 4), ([0.001], 2)])
def test_values_that_no_number_of_shots_gives_are_refused(values: list[float], decimals: int) -> None:
    with pytest.raises(ValueError, match="multiples of 1e-"):
        shots_behind(values, decimals)


def archived(name: str) -> pd.DataFrame:
    return pd.read_csv(paths.DATA / "published" / f"kang-{name}-log.csv")


def test_flips_of_the_product_and_flips_of_each_outcome_are_told_apart_by_the_archive() -> None:
    log = archived("experiment-2")
    CS = log[log.confounding == "classical"].S / 2
    rng = np.random.default_rng(5)
    a, b = 1 - 2 * rng.binomial(1, 0.005, (2, 10**6))
    assert abs(np.mean(a * b) - (1 - 2 * 0.005) ** 2) < 5 * 0.2 / 1000  # each outcome
    assert abs(CS.mean() - (1 - 2 * 0.005)) < 4 * CS.std() / 10  # the product
    assert abs(CS.mean() - (1 - 2 * 0.005) ** 2) > 50 * CS.std() / 10


def test_s_of_the_archived_hardware_runs_is_the_signed_sum_of_their_correlators() -> None:
    log = archived("ionq")
    E = log.filter(like="E_").to_numpy().reshape(-1, 2, 2)
    assert_allclose(np.einsum("kst,st->k", E, [[1, 1], [1, -1]]), log.S, atol=1e-12)
    for _, part in log.groupby("confounding"):
        ends = part[["archived_ci_lower", "archived_ci_upper"]].iloc[0]
        assert_allclose(t_interval(part.S), ends, atol=1e-6)


def test_s_and_minus_s_of_a_random_product_state_have_one_law() -> None:
    """Half a turn of one qubit about Y, (t, f) → (π − t, f + π), turns the sign of S and keeps the law."""
    rng = np.random.default_rng(6)
    t, f = rng.uniform(0, np.pi, (50, 2)), rng.uniform(0, 2 * np.pi, (50, 2))
    turned = product_table(np.stack([np.pi - t[:, 0], t[:, 1]], -1), np.stack([f[:, 0] + np.pi, f[:, 1]], -1))
    signed = [chsh_of_behaviour(law(D)) for D in (product_table(t, f), turned)]
    assert_allclose(signed[0], -signed[1], atol=1e-12)
