"""Bell tests: classical bounds by exhaustion, quantum maxima proved and attained, two-qubit states."""

from itertools import product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.correlations import behaviours, bell_tests, scenarios, sums_of_squares
from qlib.correlations.hidden_variables import chsh_inequality, contextual_fraction, mermin_inequality
from qlib.correlations.quantum_strategies import see_saw
from qlib.numbers.exact_arrays import Array, as_float, exact
from qlib.quantum import two_qubits
from qlib.quantum.channels import IDENTITY, PAULI_X, PAULI_Z, largest
from qlib.quantum.two_qubits import spin_correlators

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
TESTS = [bell_tests.chsh(), bell_tests.clauser_horne(), bell_tests.hardy(), bell_tests.mermin(3), bell_tests.mermin(4),
         bell_tests.mermin_klyshko(2),
         bell_tests.mermin_klyshko(3), bell_tests.mermin_klyshko(4)]  # fmt: skip
named = pytest.mark.parametrize("test", TESTS, ids=lambda test: test.name)


def random_state(rng: np.random.Generator, d: int = 4, rank: int | None = None) -> Array:
    G = rng.normal(size=(d, rank or d)) + 1j * rng.normal(size=(d, rank or d))
    return G @ G.conj().T / np.trace(G @ G.conj().T).real


def random_directions(rng: np.random.Generator, *shape: int) -> Array:
    n = rng.normal(size=(*shape, 3))
    return n / np.linalg.norm(n, axis=-1, keepdims=True)


def random_unitary(rng: np.random.Generator) -> Array:
    return np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0]


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.integers(1, 3))
def test_correlators_are_the_traces_with_products_of_observables(rng: np.random.Generator, n: int) -> None:
    rho, O = random_state(rng, 2**n), two_qubits.spin_observable(random_directions(rng, n, 2))
    E = behaviours.correlators(rho, O)
    assert E.shape == (3,) * n
    for index in np.ndindex(E.shape):
        operator = np.ones((1, 1))
        for k, i in enumerate(index):
            operator = np.kron(operator, O[k, i - 1] if i else np.eye(2))
        assert E[index] == pytest.approx(np.trace(rho @ operator).real, abs=1e-12)


def test_correlators_come_in_batches() -> None:
    rng = np.random.default_rng(1)
    rho = np.stack([random_state(rng) for _ in range(3)])
    O = two_qubits.spin_observable(random_directions(rng, 5, 1, 2, 2))
    E = behaviours.correlators(rho, O)
    assert E.shape == (5, 3, 3, 3)
    for i, j in product(range(5), range(3)):
        np.testing.assert_allclose(E[i, j], behaviours.correlators(rho[j], O[i, 0]), atol=1e-12)
    S = E[..., 1, 1] + E[..., 1, 2] + E[..., 2, 1] - E[..., 2, 2]
    np.testing.assert_allclose(bell_tests.chsh().strength(E), np.abs(S) / 2)
    np.testing.assert_allclose(bell_tests.clauser_horne().strength(E), np.maximum((S - 2) / 4, 0))


def test_wrong_shapes_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"rho: shape \(2, 2\) should be \(..., 4, 4\), as there are 2 parties"):
        behaviours.correlators(np.eye(2), np.zeros((2, 2, 2, 2)))
    with pytest.raises(ValueError, match=r"observables: shape \(2, 2\) should be"):
        behaviours.correlators(np.eye(2), np.eye(2))
    with pytest.raises(ValueError, match=r"F: shape \(9, 10\) should be"):
        behaviours.deterministic_values(np.zeros((9, 10)))
    with pytest.raises(ValueError, match=r"rho: shape \(2, 2\) should be \(..., 4, 4\)"):
        two_qubits.concurrence(np.eye(2))
    with pytest.raises(ValueError, match=r"direction: shape \(2,\)"):
        two_qubits.spin_observable([1, 0])
    with pytest.raises(ValueError, match="squared length should be 1"):
        two_qubits.spin_observable([1, 1, 0])
    for function, n in product((bell_tests.mermin, bell_tests.mermin_klyshko), (1, 9)):
        with pytest.raises(ValueError, match=f"parties: {n} should lie between 2 and 8"):
            function(n)


@pytest.mark.parametrize("number", [sp.I, 1j])
def test_correlators_that_are_not_real_are_refused(number: object) -> None:
    rho = np.array([[1, 0], [0, 0]], dtype=object if isinstance(number, sp.Expr) else complex)
    with pytest.raises(ValueError, match="correlators should be real"):
        behaviours.correlators(rho, np.array([[number * IDENTITY, PAULI_Z]]).astype(rho.dtype))


@given(SEEDS)
def test_a_classical_strategy_of_any_kind_is_a_mixture_of_deterministic_ones(rng: np.random.Generator) -> None:
    """So its value lies between the extremes of `deterministic_values`, for any functional."""
    F = rng.normal(size=(3, 3, 3))
    means = rng.uniform(-1, 1, size=(6, 3, 2))  # hidden value, party, setting
    means = np.concatenate([np.ones((6, 3, 1)), means], axis=2)
    E = np.einsum("l,li,lj,lk->ijk", rng.dirichlet(np.ones(6)), means[:, 0], means[:, 1], means[:, 2])
    values = behaviours.deterministic_values(F)
    assert values.min() - 1e-12 <= behaviours.functional_value(F, E) <= values.max() + 1e-12


# ── tests ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("test", "classical", "quantum"),
    [
        (bell_tests.chsh(), 2, 2 * sp.sqrt(2)),
        (bell_tests.clauser_horne(), 0, (sp.sqrt(2) - 1) / 2),
        (bell_tests.hardy(), 0, (5 * sp.sqrt(5) - 11) / 2),
        *[(bell_tests.mermin(n), 2 ** (n // 2), 2 ** (n - 1)) for n in (2, 3, 4)],
        *[(bell_tests.mermin_klyshko(n), 1, sp.sqrt(2) ** (n - 1)) for n in (2, 3, 4)],
    ],
    ids=str,
)
def test_bounds_of_the_literature(test: bell_tests.BellTest, classical: object, quantum: sp.Expr) -> None:
    assert test.classical == classical
    assert sp.expand(test.quantum - quantum) == 0


@named
@settings(max_examples=20)
@given(rng=SEEDS)
def test_no_strategy_of_qubits_exceeds_the_quantum_maximum(test: bell_tests.BellTest, rng: np.random.Generator) -> None:
    n = test.parties
    O = two_qubits.spin_observable(random_directions(rng, n, 2))
    operator = sum(
        float(test.functional[index]) * _kron([O[k, i - 1] if i else np.eye(2) for k, i in enumerate(index)])
        for index in np.ndindex(test.functional.shape)
        if test.functional[index] != 0
    )
    if not test.forbidden:
        assert np.linalg.eigvalsh(operator).max() <= float(test.quantum) + 1e-9


def _kron(factors: list[Array]) -> Array:
    result = np.ones((1, 1))
    for factor in factors:
        result = np.kron(result, factor)
    return result


@pytest.mark.parametrize("test", [bell_tests.chsh(), bell_tests.clauser_horne()], ids=lambda test: test.name)
def test_the_hierarchy_and_a_search_enclose_the_maximum(test: bell_tests.BellTest) -> None:
    """A second route: a rational sum of squares from a solver above, alternating optimisation below."""
    above = sums_of_squares.rational_certificate(test.functional, "1").bound
    below, _ = see_saw(as_float(test.functional), np.random.default_rng(3))
    assert 0 <= float(above - test.quantum) < 1e-8
    assert abs(float(test.quantum) - float(below)) < 1e-8


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_hardys_event_is_bounded_for_all_settings_and_attained_at_the_golden_ratio(X: float, Y: float) -> None:
    bound = (5 * 5**0.5 - 11) / 2
    event = X * Y * (1 - X) * (1 - Y) / (1 - X * Y)
    assert event <= bound + 1e-12
    golden = (5**0.5 - 1) / 2
    assert golden**2 * (1 - golden) / (1 + golden) == pytest.approx(bound)
    assert float(bell_tests.HardyBound().bound) == pytest.approx(bound)


@given(SEEDS)
def test_hardys_formula_is_the_probability_in_the_state_orthogonal_to_three_products(rng: np.random.Generator) -> None:
    """A second route: the null space of the conditions, numerically."""
    X, Y = rng.uniform(0.05, 0.95, size=2)
    u, w = (np.array([np.sqrt(1 - t), np.sqrt(t)]) for t in (X, Y))
    zero, one = np.eye(2)
    conditions = np.array([np.kron(u, one), np.kron(one, w), np.kron(zero, zero)])
    state = np.linalg.svd(conditions)[2][-1]
    expected = X * Y * (1 - X) * (1 - Y) / (1 - X * Y)
    assert (np.kron(u, w) @ state) ** 2 == pytest.approx(expected)


def test_hardys_strategy_is_that_of_the_library_of_scenarios() -> None:
    E, phenomenon = bell_tests.hardy().strategy.correlators, scenarios.hardy_paradox()
    for c, (s, t) in enumerate(product((0, 1), repeat=2)):
        assert sp.radsimp(sp.expand(E[1 + s, 1 + t] - phenomenon.correlator(c))) == 0


def test_clauser_horne_is_a_quarter_of_chsh_less_two() -> None:
    F = bell_tests.chsh().functional / 4
    F[0, 0] -= sp.Rational(1, 2)
    assert np.array_equal(F, bell_tests.clauser_horne().functional)


def test_clauser_horne_in_probabilities() -> None:
    """P(00|00) + P(00|01) + P(00|10) − P(00|11) − P_A(0|0) − P_B(0|0), from the law of a random strategy."""
    rng = np.random.default_rng(5)
    E = behaviours.correlators(random_state(rng), two_qubits.spin_observable(random_directions(rng, 2, 2)))
    P = behaviours.behaviour(E)
    direct = P[0, 0, 0, 0] + P[0, 1, 0, 0] + P[1, 0, 0, 0] - P[1, 1, 0, 0] - P[0, 0, 0].sum() - P[0, 0, :, 0].sum()
    assert bell_tests.clauser_horne().value(E) == pytest.approx(direct)


def test_chsh_and_mermin_are_those_of_factorisability() -> None:
    for test, inequality in ((bell_tests.chsh(), chsh_inequality()), (bell_tests.mermin(3), mermin_inequality())):
        assert test.classical == inequality.bound
        for context, c in inequality.correlators().items():
            assert test.functional[tuple(int(m[1]) + 1 for m in context)] == c
        assert np.abs(test.functional).sum() == len(inequality.correlators())


def test_two_parties_of_klyshko_are_half_of_chsh_and_three_a_half_of_mermin_relabelled() -> None:
    assert np.array_equal(2 * bell_tests.mermin_klyshko(2).functional, bell_tests.chsh().functional)
    F = bell_tests.mermin_klyshko(3).functional
    exchanged = 2 * F[np.ix_(*[(0, 2, 1)] * 3)]
    signs = np.array([1, -1, 1])  # turns the outcomes of every party's setting 0
    assert np.array_equal(exchanged * np.einsum("i,j,k->ijk", signs, signs, signs), bell_tests.mermin(3).functional)


@pytest.mark.parametrize("n", range(2, 7))
def test_the_violation_grows_by_the_square_root_of_two_with_every_party(n: int) -> None:
    test = bell_tests.mermin_klyshko(n)
    assert test.classical == 1
    assert test.proof.bound == sp.sqrt(2) ** (n - 1)


def test_a_false_identity_is_refused() -> None:
    F = bell_tests.mermin_klyshko(3).functional.copy()
    F[1, 1, 1] += 1
    with pytest.raises(ArithmeticError, match="wrong coefficient"):
        bell_tests.SquareIdentity(F)


def test_a_strategy_that_falls_short_is_refused() -> None:
    good = bell_tests.chsh()
    short = bell_tests.QubitStrategy(two_qubits.ghz_state(2), np.array([[PAULI_Z, PAULI_X], [PAULI_Z, PAULI_X]]))
    with pytest.raises(ArithmeticError, match="the strategy reaches"):
        _ = bell_tests.BellTest("short", good.functional, good.proof, short).quantum


@named
def test_strength_is_zero_or_one_at_the_classical_bound_and_more_beyond(test: bell_tests.BellTest) -> None:
    assert test.normalised(test.classical) == (1 if test.classical else 0)
    assert sp.simplify(test.strength(test.strategy.correlators) - test.normalised(test.quantum)) == 0
    assert float(test.normalised(test.quantum)) > float(test.normalised(test.classical))


def test_the_modulus_of_clauser_horne_reaches_one_classically_and_its_positive_part_does_not() -> None:
    values = behaviours.deterministic_values(bell_tests.clauser_horne().functional)
    assert set(values.flat) == {-1, 0}
    assert all(bell_tests.clauser_horne().normalised(v) == 0 for v in values.flat)


def test_the_rows_of_the_table() -> None:
    assert [test.name for test in bell_tests.table_of_tests()] == [
        "CHSH",
        "Clauser–Horne",
        "Hardy",
        "Mermin, 3 parties",
    ]


def test_the_nonlocal_fraction_is_the_excess_over_the_classical_bound() -> None:
    for phenomenon, fraction in ((scenarios.tsirelson(), sp.sqrt(2) - 1), (scenarios.ghz_mermin(), 1)):
        assert float(contextual_fraction(phenomenon.as_float()).value) == pytest.approx(float(fraction), abs=1e-7)


# ── two qubits ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.integers(1, 4))
def test_the_optimal_settings_attain_the_maximum_and_no_others_exceed_it(rng: np.random.Generator, rank: int) -> None:
    rho = random_state(rng, rank=rank)
    best = two_qubits.chsh_maximum(rho)
    alice, bob = two_qubits.optimal_settings(rho)
    np.testing.assert_allclose(np.linalg.norm([alice, bob], axis=-1), 1)
    assert two_qubits.chsh_value(spin_correlators(rho, alice, bob)) == pytest.approx(best)
    others = two_qubits.chsh_value(
        spin_correlators(rho, random_directions(rng, 200, 2), random_directions(rng, 200, 2))
    )
    assert np.abs(others).max() <= best + 1e-12
    E = behaviours.correlators(rho, two_qubits.spin_observable(np.stack([alice, bob])))
    assert bell_tests.chsh().value(E) == pytest.approx(best)


def test_settings_are_unit_vectors_where_there_is_no_correlation() -> None:
    alice, bob = two_qubits.optimal_settings(np.eye(4) / 4)
    np.testing.assert_allclose(np.linalg.norm([alice, bob], axis=-1), 1)
    assert two_qubits.chsh_maximum(np.eye(4) / 4) == 0


@given(SEEDS)
def test_pure_states_reach_two_root_one_plus_concurrence_squared(rng: np.random.Generator) -> None:
    rho = random_state(rng, rank=1)
    assert two_qubits.chsh_maximum(rho) == pytest.approx(2 * np.sqrt(1 + two_qubits.concurrence(rho) ** 2))


@given(SEEDS)
def test_the_concurrence_of_a_pure_state_is_twice_the_determinant_of_its_amplitudes(rng: np.random.Generator) -> None:
    psi = rng.normal(size=4) + 1j * rng.normal(size=4)
    psi /= np.linalg.norm(psi)
    expected = 2 * abs(psi[0] * psi[3] - psi[1] * psi[2])
    assert two_qubits.concurrence(np.outer(psi, psi.conj())) == pytest.approx(expected, abs=1e-7)


@given(SEEDS, st.integers(1, 4))
def test_concurrence_and_maximum_are_the_same_after_local_unitaries(rng: np.random.Generator, rank: int) -> None:
    rho, U = random_state(rng, rank=rank), np.kron(random_unitary(rng), random_unitary(rng))
    turned = U @ rho @ U.conj().T
    assert two_qubits.concurrence(turned) == pytest.approx(two_qubits.concurrence(rho), abs=1e-7)
    assert two_qubits.chsh_maximum(turned) == pytest.approx(two_qubits.chsh_maximum(rho))


@given(SEEDS)
def test_concurrence_is_convex_and_zero_for_mixtures_of_products(rng: np.random.Generator) -> None:
    states, weight = np.stack([random_state(rng, rank=1), random_state(rng)]), rng.uniform()
    mixed = two_qubits.concurrence(weight * states[0] + (1 - weight) * states[1])
    assert mixed <= weight * two_qubits.concurrence(states[0]) + (1 - weight) * two_qubits.concurrence(states[1]) + 1e-9
    products = [np.kron(random_state(rng, 2), random_state(rng, 2)) for _ in range(5)]
    assert two_qubits.concurrence(np.mean(products, axis=0)) == pytest.approx(0, abs=1e-7)


@given(SEEDS)
def test_entanglement_beyond_the_bound_of_verstraete_and_wolf_is_needed(rng: np.random.Generator) -> None:
    """2√2 C ≤ S_max ≤ 2√(1 + C²) wherever C > 0 (Phys. Rev. Lett. 89, 170401 (2002))."""
    rho = random_state(rng, rank=2)
    C, S = two_qubits.concurrence(rho), two_qubits.chsh_maximum(rho)
    assert 2 * np.sqrt(2) * C - 1e-9 <= S <= 2 * np.sqrt(1 + C**2) + 1e-9


@given(st.floats(0, 1))
def test_werner_states(v: float) -> None:
    rho = two_qubits.werner_state(v)
    assert two_qubits.concurrence(rho) == pytest.approx(max(0, (3 * v - 1) / 2), abs=1e-7)
    assert two_qubits.chsh_maximum(rho) == pytest.approx(2 * np.sqrt(2) * v, abs=1e-9)


def test_functions_of_states_come_in_batches() -> None:
    rho = two_qubits.werner_state(np.linspace(0, 1, 6).reshape(2, 3))
    assert rho.shape == (2, 3, 4, 4)
    assert two_qubits.concurrence(rho).shape == two_qubits.chsh_maximum(rho).shape == (2, 3)
    alice, bob = two_qubits.optimal_settings(rho)
    assert alice.shape == bob.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(
        two_qubits.chsh_value(spin_correlators(rho, alice, bob)), two_qubits.chsh_maximum(rho), atol=1e-12
    )
    assert largest(two_qubits.werner_state(exact([sp.Rational(1, 2)]))[0] - rho[0, 0]) > 0


@given(SEEDS)
def test_the_correlation_matrix_holds_the_correlators_of_the_axes(rng: np.random.Generator) -> None:
    rho = random_state(rng)
    T = two_qubits.correlation_matrix(rho)
    axes = np.eye(3)
    for i, j in product(range(3), repeat=2):
        E = behaviours.correlators(rho, two_qubits.spin_observable([[axes[i]] * 2, [axes[j]] * 2]))
        assert T[i, j] == pytest.approx(E[1, 1])


def test_the_greenberger_horne_zeilinger_state() -> None:
    for n in (1, 2, 3):
        rho = two_qubits.ghz_state(n)
        assert np.array_equal(rho @ rho, rho)
        assert rho.trace() == 1
        assert rho[0, -1] == sp.Rational(1, 2)
