"""Measurements and the Born rule, on random states and measurements and on exact ones."""

from itertools import product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.numbers.exact_arrays import Array, as_float, exact, is_exact, simplified
from qlib.quantum.channels import (
    IDENTITY,
    PAULI_X,
    PAULI_Y,
    PAULI_Z,
    born_rule,
    choi,
    deviation_note,
    effects,
    instrument_cj,
    kraus_operators,
    kron,
    largest,
    partial_trace,
    process_cj,
    pure_state,
    require_positive,
    swap_factors,
    validate_measurement,
    validate_state,
)
from qlib.quantum.instruments import Instrument

PAULIS = {"X": PAULI_X, "Y": PAULI_Y, "Z": PAULI_Z}
SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
t = sp.Symbol("t", real=True)


def numbers(array: Array) -> Array:
    return array.astype(np.complex128)


def random_state(rng: np.random.Generator, d: int) -> Array:
    G = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    return G @ G.conj().T / np.trace(G @ G.conj().T).real


def random_measurement(rng: np.random.Generator, settings: int, outcomes: int, d: int) -> Array:
    """A measurement E[s, a, i, j] whose effects are neither projective nor alike."""
    G = rng.normal(size=(settings, outcomes, d, d)) + 1j * rng.normal(size=(settings, outcomes, d, d))
    positive = G @ G.conj().swapaxes(-1, -2)
    values, vectors = np.linalg.eigh(positive.sum(axis=1))
    root = np.einsum("sij,sj,skj->sik", vectors, values**-0.5, vectors.conj())
    return np.einsum("sij,sajk,skl->sail", root, positive, root)


# ── Pauli operators, states, effects ────────────────────────────────────────────────────────────────────────────────


def test_pauli_operators_square_to_one_and_multiply_cyclically() -> None:
    assert is_exact(PAULI_X)
    for P in PAULIS.values():
        assert (P @ P == IDENTITY).all()
    for a, b, c in ("XYZ", "YZX", "ZXY"):
        assert (PAULIS[a] @ PAULIS[b] == sp.I * PAULIS[c]).all()
        assert (PAULIS[a] @ PAULIS[b] == -PAULIS[b] @ PAULIS[a]).all()


@given(SEEDS, st.integers(1, 5))
def test_a_pure_state_is_a_projector_of_trace_one(rng: np.random.Generator, d: int) -> None:
    ket = rng.normal(size=d) + 1j * rng.normal(size=d)
    rho = pure_state(ket / np.linalg.norm(ket))
    assert np.allclose(rho @ rho, rho)
    assert np.allclose(rho @ ket, ket)
    assert validate_state(rho) is rho


def test_the_bra_of_a_pure_state_is_conjugated() -> None:
    ket = np.array([1, 1j]) / np.sqrt(2)
    assert np.allclose(pure_state(ket), [[0.5, -0.5j], [0.5j, 0.5]])
    symbolic = exact([1, sp.I]) / sp.sqrt(2)
    assert np.allclose(numbers(pure_state(symbolic)), pure_state(ket))
    assert np.allclose(numbers(pure_state(symbolic)), numbers(IDENTITY + PAULI_Y) / 2)


def test_a_pure_state_may_depend_on_an_angle() -> None:
    rho = pure_state(exact([sp.cos(t), sp.sin(t)]))
    assert rho.tolist() == [[sp.cos(t) ** 2, sp.sin(t) * sp.cos(t)], [sp.sin(t) * sp.cos(t), sp.sin(t) ** 2]]


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([1, 1], "its squared norm is 2, and should be 1"),
        ([1.000004, 0], "its squared norm is 1.00000"),
        ([np.nan, 0], "vector: entry .* is nan"),
        (exact([sp.Rational(3, 5), sp.Rational(4, 5) + sp.Rational(1, 10**6)]), "its squared norm is"),
        (exact([t, 0]), r"its squared norm is t\*\*2, and should be 1"),
        ([[1, 0]], r"shape \(1, 2\) should be \(d,\)"),
        (exact([[1], [0]]), r"shape \(2, 1\) should be \(d,\)"),
    ],
)
def test_only_unit_vectors_are_states(vector: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pure_state(vector)


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda n: np.linalg.norm(n) > 0.1))
def test_effects_of_an_observable_are_its_eigenspaces_with_plus_one_first(direction: tuple[float, ...]) -> None:
    n = np.array(direction) / np.linalg.norm(direction)
    O = np.einsum("k,kij->ij", n, np.array([numbers(P) for P in PAULIS.values()]))
    plus, minus = effects(O)
    assert np.allclose(O @ plus, plus)
    assert np.allclose(O @ minus, -minus)
    assert np.allclose(plus + minus, np.eye(2))
    assert np.allclose(plus @ minus, 0)
    validate_measurement(effects(O))


@pytest.mark.parametrize("name", PAULIS)
def test_exact_and_floating_point_effects_agree(name: str) -> None:
    assert np.allclose(numbers(effects(PAULIS[name])), effects(numbers(PAULIS[name])))
    assert is_exact(effects(PAULIS[name]))


def test_effects_of_several_observables_of_any_dimension() -> None:
    both = np.stack([PAULI_X, PAULI_Z])
    assert (effects(both) == np.stack([effects(PAULI_X), effects(PAULI_Z)])).all()
    XZ = np.kron(PAULI_X, PAULI_Z)
    assert (effects(XZ)[0] - effects(XZ)[1] == XZ).all()
    assert effects([[1, 0], [0, -1]]).tolist() == [[[1, 0], [0, 0]], [[0, 0], [0, 1]]]


def test_an_observable_may_depend_on_an_angle() -> None:
    plus, minus = effects(sp.cos(t) * PAULI_Z + sp.sin(t) * PAULI_X)
    assert largest(plus @ minus) == 0
    assert plus[0, 0] == sp.cos(t) / 2 + sp.Rational(1, 2)


@pytest.mark.parametrize(
    ("observable", "message"),
    [
        ([[0, 1], [0, 0]], "O - O† should vanish, but its largest entry is 1"),
        ([[2, 0], [0, 1]], "O² - 1 should vanish, but its largest entry is 3"),
        ([[np.nan, 0], [0, 1]], "observable: entry .* is nan"),
        (exact([[0, sp.I], [sp.I, 0]]), "O - O† should vanish"),
        (t * PAULI_X, "should be a number, but is"),
        ([[1, 0, 0], [0, 1, 0]], r"shape \(2, 3\) should be"),
        ([1, -1], r"shape \(2,\) should be"),
    ],
)
def test_only_hermitian_observables_with_square_one_have_two_effects(observable: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        effects(observable)


def test_largest_is_the_largest_absolute_value() -> None:
    assert largest(np.array([3, -4j, 1])) == 4
    assert largest(exact([sp.sqrt(2), -3 * sp.I, 3 + 4 * sp.I])) == 5
    assert largest(exact([sp.sin(t) ** 2 + sp.cos(t) ** 2 - 1])) == 0
    assert largest(np.zeros((0, 2))) == 0
    assert np.isnan(largest(np.array([np.nan, 7])))
    with pytest.raises(ValueError, match=r"entry \(1,\) should be a number, but is t"):
        largest(exact([1, t]))


# ── validation ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.integers(1, 3), st.integers(2, 4), st.integers(2, 3))
def test_what_is_a_measurement_is_accepted_as_it_is(
    rng: np.random.Generator, settings: int, outcomes: int, d: int
) -> None:
    E = random_measurement(rng, settings, outcomes, d)
    assert validate_measurement(E) is E
    validate_measurement(E[0])
    s, a = rng.integers(settings), rng.integers(outcomes)
    with pytest.raises(ValueError, match="N: its effects should add up to the identity"):
        validate_measurement(np.delete(E, a, axis=1), "N")
    skew = E.copy()
    skew[s, a, 0, -1] += 0.1j
    with pytest.raises(ValueError, match="its effects should be Hermitian"):
        validate_measurement(skew)
    negative = E.copy()
    negative[s, a] -= 2 * np.eye(d)
    negative[s, a - 1] += 2 * np.eye(d)
    with pytest.raises(ValueError, match=rf"effect \({s}, {a}\) should be positive, but has the eigenvalue -"):
        validate_measurement(negative)


@given(SEEDS, st.integers(1, 4))
def test_what_is_a_state_is_accepted_as_it_is(rng: np.random.Generator, d: int) -> None:
    rho = random_state(rng, d)
    assert validate_state(rho) is rho
    with pytest.raises(ValueError, match=r"its trace should be 1, but is 0\.9"):
        validate_state(0.9 * rho)
    with pytest.raises(ValueError, match="it should be Hermitian"):
        validate_state(rho + 0.1j * np.eye(d))
    if d > 1:
        with pytest.raises(ValueError, match="sigma: it should be positive, but has the eigenvalue -"):
            validate_state(np.diag([2, -1] + [0] * (d - 2)), "sigma")


def test_exact_states_and_measurements_are_accepted() -> None:
    validate_state(exact([[1, 1], [1, 1]]) / 2)
    validate_measurement(effects(PAULI_Y))


@pytest.mark.parametrize("validate", [validate_state, validate_measurement])
def test_what_is_not_a_number_is_neither_state_nor_measurement(validate: object) -> None:
    one = np.eye(2) / 2 if validate is validate_state else np.array([np.eye(2), np.zeros((2, 2))])
    for value in (np.nan, np.inf):
        broken = one.copy()
        broken[..., 0, 0] = value
        with pytest.raises(ValueError, match=r"nan|inf"), np.errstate(invalid="ignore"):
            validate(broken)  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"entry \(.*0, 0\) should be a number, but is .*t"):
        validate(one * exact([[t]]))  # type: ignore[operator]
    for wrong in (np.ones((2, 3)), np.zeros((0, 0)), np.zeros((1, 0, 0))):
        with pytest.raises(ValueError, match="shape"):
            validate(wrong)  # type: ignore[operator]


def test_a_ket_is_a_state_if_its_norm_is_one() -> None:
    validate_state(np.array([0.6, 0.8j]))
    with pytest.raises(ValueError, match=r"rho: its squared norm is 2\.0, and should be 1"):
        validate_state(np.ones(2))


# ── the Born rule ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.integers(2, 3), st.integers(2, 3))
def test_the_born_rule_is_the_trace_with_the_tensor_product(rng: np.random.Generator, a: int, b: int) -> None:
    rho = random_state(rng, a * b)
    M, N = random_measurement(rng, 2, 3, a), random_measurement(rng, 1, 2, b)
    P = born_rule(rho, M, N)
    assert P.shape == (2, 1, 3, 2)
    for s, t_, x, y in np.ndindex(P.shape):
        assert P[s, t_, x, y] == pytest.approx(np.trace(np.kron(M[s, x], N[t_, y]) @ rho).real, abs=1e-12)


@given(SEEDS, st.integers(2, 3), st.integers(2, 3))
def test_local_measurements_yield_laws_without_signalling(rng: np.random.Generator, a: int, b: int) -> None:
    rho = random_state(rng, a * b)
    M, N = random_measurement(rng, 3, 2, a), random_measurement(rng, 2, 4, b)
    P = born_rule(rho, M, N)
    assert P.min() >= -1e-12
    assert np.allclose(P.sum(axis=(2, 3)), 1)
    assert np.allclose(P.sum(axis=3), P.sum(axis=3)[:, :1])
    assert np.allclose(P.sum(axis=2), P.sum(axis=2)[:1])
    left = np.einsum("saij,ji->sa", M, partial_trace(rho, (a, b), (0,))).real
    assert np.allclose(P.sum(axis=3)[:, 0], left)


@given(SEEDS)
def test_outcomes_of_a_product_state_are_independent(rng: np.random.Generator) -> None:
    left, right = random_state(rng, 2), random_state(rng, 3)
    M, N = random_measurement(rng, 2, 2, 2), random_measurement(rng, 2, 3, 3)
    P = born_rule(np.kron(left, right), M, N)
    assert np.allclose(P, P.sum(axis=3, keepdims=True) * P.sum(axis=2, keepdims=True))


def test_the_born_rule_is_one_formula_for_exact_and_floating_point_numbers() -> None:
    bell = pure_state(exact([1, 0, 0, 1]) / sp.sqrt(2))
    A = effects(np.stack([PAULI_Z, PAULI_X]))
    B = effects(np.stack([PAULI_Z + PAULI_X, PAULI_Z - PAULI_X]) / sp.sqrt(2))
    P = born_rule(bell, A, B)
    assert is_exact(P)
    assert np.allclose(as_float(P), born_rule(numbers(bell), numbers(A), numbers(B)))
    signs = np.array([1, -1])
    E = np.einsum("stab,a,b->st", P, signs, signs)
    assert sp.simplify(E[0, 0] + E[0, 1] + E[1, 0] - E[1, 1] - 2 * sp.sqrt(2)) == 0  # Tsirelson's bound is attained
    assert P[0, 0, 0, 0] == sp.sqrt(2) / 8 + sp.Rational(1, 4)  # Wang & Zhang (2025), eq. (13): 0.4268


def test_the_born_rule_holds_on_free_symbols() -> None:
    rho = exact([sp.Symbol(f"r{i}{j}") for i, j in product(range(4), repeat=2)]).reshape(4, 4)
    P = born_rule(rho, effects(PAULI_Z)[None], effects(PAULI_X)[None])[0, 0]
    r = rho
    assert sp.expand(2 * P[0, 0] - (r[0, 0] + r[1, 1] + r[0, 1] + r[1, 0])) == 0
    assert sp.expand(P.sum() - np.trace(rho)) == 0


def test_the_born_rule_refuses_shapes_that_do_not_fit_and_laws_that_are_not_real() -> None:
    M = numbers(effects(PAULI_X))[None]
    with pytest.raises(ValueError, match=r"rho: shape \(2, 2\) should be \(4, 4\)"):
        born_rule(np.eye(2) / 2, M, M)
    with pytest.raises(ValueError, match=r"M: shape \(2, 2, 2\) should be \(settings, outcomes, d, d\)"):
        born_rule(np.eye(4) / 4, M[0], M)
    with pytest.raises(ValueError, match=r"N: shape \(1, 2, 1, 2\)"):
        born_rule(np.eye(4) / 4, M, M[:, :, :1])
    with pytest.raises(ValueError, match=r"should be real, but has the imaginary part 0\.25"):
        born_rule(1j * np.eye(4) / 4, M, M)


# ── partial trace ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.permutations([2, 3, 2]))
def test_the_partial_trace_of_a_product_keeps_its_factors(rng: np.random.Generator, dims: list[int]) -> None:
    factors = [random_state(rng, d) for d in dims]
    whole = np.kron(np.kron(factors[0], factors[1]), factors[2])
    for k, factor in enumerate(factors):
        assert np.allclose(partial_trace(whole, tuple(dims), (k,)), factor)
    assert np.allclose(partial_trace(whole, tuple(dims), (2, 0)), np.kron(factors[0], factors[2]))
    assert np.allclose(partial_trace(whole, tuple(dims), (0, 1, 2)), whole)


@given(SEEDS)
def test_partial_traces_compose_and_preserve_the_trace(rng: np.random.Generator) -> None:
    rho = random_state(rng, 12)
    pair = partial_trace(rho, (2, 3, 2), (0, 1))
    assert np.allclose(partial_trace(pair, (2, 3), (1,)), partial_trace(rho, (2, 3, 2), (1,)))
    assert np.allclose(partial_trace(rho, (2, 3, 2), ()), [[1]])
    validate_state(pair)


@given(SEEDS)
def test_the_partial_trace_is_dual_to_tensoring_with_the_identity(rng: np.random.Generator) -> None:
    """tr[(A ⊗ 1) ρ] = tr[A tr_2 ρ], which defines it."""
    rho, A = random_state(rng, 6), random_state(rng, 2)
    assert np.trace(np.kron(A, np.eye(3)) @ rho) == pytest.approx(np.trace(A @ partial_trace(rho, (2, 3), (0,))))


def test_half_of_a_bell_pair_is_maximally_mixed() -> None:
    bell = pure_state(exact([1, 0, 0, 1]) / sp.sqrt(2))
    for k in (0, 1):
        assert (partial_trace(bell, (2, 2), (k,)) == IDENTITY / 2).all()


@pytest.mark.parametrize("keep", [(2,), (-1,), (0, 0)])
def test_the_partial_trace_refuses_factors_that_are_not_there(keep: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"keep=\(.*\): should be different numbers of factors, 0 to 1"):
        partial_trace(np.eye(4), (2, 2), keep)
    with pytest.raises(ValueError, match=r"operator: shape \(4, 4\) should be \(6, 6\)"):
        partial_trace(np.eye(4), (2, 3), (0,))


# ── products and traces of factors ──────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.lists(st.integers(1, 3), min_size=1, max_size=3), st.data())
def test_the_partial_trace_of_a_product_is_what_is_kept_times_the_traces_of_the_rest(
    rng: np.random.Generator, dims: list[int], data: st.DataObject
) -> None:
    """For every choice of factors, and for a batch of products."""
    factors = [rng.normal(size=(4, d, d)) + 1j * rng.normal(size=(4, d, d)) for d in dims]
    keep = data.draw(st.lists(st.integers(0, len(dims) - 1), unique=True))
    expected = kron(np.eye(1), *(factors[k] for k in sorted(keep)))
    for k, factor in enumerate(factors):
        if k not in keep:
            expected = expected * np.trace(factor, axis1=-2, axis2=-1)[:, None, None]
    found = partial_trace(kron(*factors), dims, keep)
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-9)


def test_the_kronecker_product_is_numpys_for_every_element_of_a_batch() -> None:
    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(3, 1, 2, 3)), rng.normal(size=(2, 4, 1))
    for i, j in np.ndindex(3, 2):
        np.testing.assert_allclose(kron(A, B)[i, j], np.kron(A[i, 0], B[j]))


def test_swapping_factors_swaps_those_of_a_product() -> None:
    rng = np.random.default_rng(2)
    A, B = rng.normal(size=(2, 2, 2)), rng.normal(size=(3, 3))
    np.testing.assert_allclose(swap_factors(kron(A, B), (2, 3)), kron(B, A))


# ── maps and their operators ────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_the_three_operators_of_a_map_are_transposes_and_swaps_of_each_other(
    rng: np.random.Generator, k: int, d_in: int, d_out: int
) -> None:
    K = rng.normal(size=(k, d_out, d_in)) + 1j * rng.normal(size=(k, d_out, d_in))
    vectors = K.reshape(k, -1)
    np.testing.assert_allclose(process_cj(K), vectors.T @ vectors.conj(), atol=1e-12)
    np.testing.assert_allclose(instrument_cj(K), process_cj(K).T, atol=1e-12)
    np.testing.assert_allclose(choi(K), swap_factors(process_cj(K), (d_out, d_in)), atol=1e-12)


@given(SEEDS, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_kraus_operators_are_as_few_as_can_be_and_give_the_map_back(
    rng: np.random.Generator, k: int, d_in: int, d_out: int
) -> None:
    K = rng.normal(size=(k, d_out, d_in)) + 1j * rng.normal(size=(k, d_out, d_in))
    found = kraus_operators(process_cj(K), d_out)
    assert len(found) == min(k, d_in * d_out)
    np.testing.assert_allclose(process_cj(found), process_cj(K), atol=1e-9)
    overlaps = np.einsum("koi,loi->kl", found.conj(), found)
    np.testing.assert_allclose(overlaps, np.diag(np.diag(overlaps)), atol=1e-9)
    assert (np.diff(np.diag(overlaps).real) <= 1e-9).all()


def test_kraus_operators_without_an_axis_that_counts_them_are_refused() -> None:
    for operator in (process_cj, instrument_cj, choi):
        with pytest.raises(ValueError, match=r"shape \(2, 2\) should be \(..., k, d_out, d_in\)"):
            operator(np.eye(2))


def test_the_zero_map_has_no_kraus_operators() -> None:
    assert kraus_operators(np.zeros((6, 6)), 2).shape == (0, 2, 3)


# ── positivity ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, st.integers(1, 4))
def test_an_operator_is_positive_as_long_as_its_least_eigenvalue_is_not_negative(
    rng: np.random.Generator, d: int
) -> None:
    rho = random_state(rng, d)
    least = np.linalg.eigvalsh(rho).min()
    require_positive(np.stack([rho, rho - least * np.eye(d)]), "rho")
    with pytest.raises(ValueError, match=r"rho: it should be positive semidefinite \(least eigenvalue -0.1\)"):
        require_positive(np.stack([rho, rho - (least + 0.1) * np.eye(d)]), "rho")


def test_operators_with_free_symbols_pass_and_exact_numbers_do_not() -> None:
    require_positive(exact([[t]]), "rho")
    with pytest.raises(ValueError, match=r"rho: the matrix should be Hermitian \(max deviation 1\)"):
        require_positive(exact([[0, 1], [0, 0]]), "rho", "the matrix")
    with pytest.raises(ValueError, match=r"least eigenvalue -1.41\)"):
        require_positive(exact([[0, 1 - sp.I], [1 + sp.I, 0]]), "rho")


def test_an_operator_of_a_map_of_the_wrong_size_has_no_kraus_operators() -> None:
    with pytest.raises(ValueError, match=r"shape \(4, 4\) should be \(d_out·d_in, d_out·d_in\), d_out = 3"):
        kraus_operators(np.eye(4), 3)


def test_a_deviation_is_noted_unless_it_depends_on_a_symbol() -> None:
    assert deviation_note(exact([sp.sqrt(2), -2])) == " (max deviation 2)"
    assert deviation_note(exact([t])) == ""


TINY = sp.Rational(1, 10**40)
CORNER = exact([[0, 0], [0, 1]])


@pytest.mark.parametrize("angle", [sp.pi / 4, sp.pi / 5, sp.pi / 7, sp.acos(sp.Rational(1, 3)) / 2], ids=str)
def test_exact_operators_are_positive_or_not_however_near_to_zero_an_eigenvalue_is(angle: sp.Expr) -> None:
    v = np.array([sp.cos(angle), sp.sin(angle)], dtype=object)
    P = np.outer(v, v)
    require_positive(P, "P")
    require_positive(P + TINY * CORNER, "P")
    with pytest.raises(ValueError, match=r"P: it should be positive semidefinite \(an eigenvalue is negative"):
        require_positive(P - TINY * CORNER, "P")
    with pytest.raises(ValueError, match="P: it should be Hermitian"):
        require_positive(P + TINY * exact([[0, 1], [0, 0]]), "P")


@given(st.integers(0, 10**6).map(np.random.default_rng), st.integers(1, 3))
@settings(max_examples=10, deadline=None)
def test_squares_of_gaussian_integers_and_roots_are_positive_and_less_is_not(rng: np.random.Generator, n: int) -> None:
    re, im, root = (exact(rng.integers(-2, 3, (4, n)).tolist()) for _ in range(3))
    K = re + sp.I * im + sp.sqrt(2) * root
    M = simplified(K @ np.frompyfunc(sp.conjugate, 1, 1)(K).T)
    require_positive(M, "M")
    with pytest.raises(ValueError, match="M: it should be positive semidefinite"):
        require_positive(M - TINY * exact(np.eye(4, dtype=int)), "M")


def test_a_rare_outcome_of_exact_numbers_is_positive_on_no_scale_but_its_own() -> None:
    with pytest.raises(ValueError, match="outcome 0: not completely positive"):
        Instrument(
            {0: TINY * exact([[1, 0], [0, -1]]), 1: exact([[1, 0], [0, 1]]) - TINY * exact([[1, 0], [0, -1]])}, 2, 1
        )


def test_exact_states_vectors_and_measurements_are_judged_exactly() -> None:
    one, corner = exact([[1, 0], [0, 1]]), TINY * CORNER
    sigma = exact([[0, 1], [1, 0]])
    for wrong, message in (
        (lambda: pure_state(exact([1, TINY])), "its squared norm"),
        (lambda: effects(sigma + corner), "should vanish"),
        (lambda: validate_state(one - CORNER + corner), "its trace should be 1"),
        (lambda: validate_state(exact([[1 + TINY, 0], [0, -TINY]])), "an eigenvalue is negative"),
        (lambda: validate_measurement(np.stack([one, corner])), "add up to the identity"),
        (lambda: validate_measurement(np.stack([one + corner, -corner])), "least eigenvalue -1e-40"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
