"""Quantum instruments: conventions (10), (18), (19) and (28), validity, and qiskit's conventions, on random maps."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from qlib.numbers.exact_arrays import Array, exact, vanishes
from qlib.quantum.channels import choi, instrument_cj, kron, partial_trace, process_cj, pure_state
from qlib.quantum.instruments import Instrument, product_factors

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
DIMS = st.integers(1, 3)
P0, P1, ONE = exact([[1, 0], [0, 0]]), exact([[0, 0], [0, 1]]), exact([[1, 0], [0, 1]])
HALF = sp.Rational(1, 2)
PLUS, MINUS = exact([[HALF, HALF], [HALF, HALF]]), exact([[HALF, -HALF], [-HALF, HALF]])
theta, phi = sp.symbols("theta phi", real=True)


def complex_normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def random_kraus(rng: np.random.Generator, outcomes: int, d_in: int, d_out: int, batch: tuple[int, ...] = ()) -> Array:
    """Kraus operators K[..., outcome, k, out, in] of an instrument, two for each outcome; enough of them for d_in."""
    K = complex_normal(rng, *batch, max(outcomes, d_in), 2, d_out, d_in)
    total = np.einsum("...akoi,...akoj->...ij", K.conj(), K)
    values, vectors = np.linalg.eigh(total)
    root = np.einsum("...ij,...j,...kj->...ik", vectors, values**-0.5, vectors.conj())
    return K @ root[..., None, None, :, :]


def random_instrument(rng: np.random.Generator, d_in: int, d_out: int) -> tuple[Instrument, dict[str, Array]]:
    kraus = {f"outcome {a}": K for a, K in enumerate(random_kraus(rng, 2, d_in, d_out))}
    return Instrument.from_kraus(kraus, "random"), kraus


def random_state(rng: np.random.Generator, d: int) -> Array:
    G = complex_normal(rng, d, d)
    return G @ G.conj().T / np.trace(G @ G.conj().T).real


def image(kraus: Array, rho: Array) -> Array:
    return np.einsum("koi,ij,kpj->op", kraus, rho, kraus.conj())


# ── what the operators mean ─────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, DIMS, DIMS)
def test_an_element_is_the_transposed_image_of_each_matrix_unit_beside_its_transpose(
    rng: np.random.Generator, d_in: int, d_out: int
) -> None:
    """Eq. (10), entry by entry."""
    instrument, kraus = random_instrument(rng, d_in, d_out)
    for outcome, K in kraus.items():
        tau = instrument[outcome].reshape(d_out, d_in, d_out, d_in)
        for i, j in np.ndindex(d_in, d_in):
            unit = np.zeros((d_in, d_in))
            unit[i, j] = 1
            np.testing.assert_allclose(tau[:, j, :, i], image(K, unit).T, atol=1e-12)


@given(SEEDS, DIMS, DIMS)
def test_an_element_gives_back_what_its_map_does_to_a_state(rng: np.random.Generator, d_in: int, d_out: int) -> None:
    """ℳ(ρ) = Tr_in[τ (1 ⊗ ρ)]ᵀ, and its trace is the probability of the outcome."""
    instrument, kraus = random_instrument(rng, d_in, d_out)
    rho = random_state(rng, d_in)
    for outcome, K in kraus.items():
        found = partial_trace(instrument[outcome] @ kron(np.eye(d_out), rho), (d_out, d_in), (0,)).T
        np.testing.assert_allclose(found, image(K, rho), atol=1e-12)


@given(SEEDS, DIMS, DIMS)
def test_the_outcomes_sum_to_a_trace_preserving_map(rng: np.random.Generator, d_in: int, d_out: int) -> None:
    """Eq. (11)."""
    instrument, _ = random_instrument(rng, d_in, d_out)
    np.testing.assert_allclose(partial_trace(instrument.channel, (d_out, d_in), (1,)), np.eye(d_in), atol=1e-12)


def test_finding_a_projector_and_preparing_a_state_is_a_product_with_the_state_transposed() -> None:
    psi = exact([[HALF, -sp.I / 2], [sp.I / 2, HALF]])
    instrument = Instrument.measure_and_prepare([P0, P1], [psi, ONE - psi])
    assert vanishes(instrument[0] - np.kron(psi.T, P0))
    assert not vanishes(instrument[0] - np.kron(psi, P0))


def test_a_projective_measurement_prepares_what_it_finds() -> None:
    projective = Instrument.projective({"+": PLUS, "-": MINUS})
    assert projective.same_as(Instrument.measure_and_prepare({"+": PLUS, "-": MINUS}, {"+": PLUS, "-": MINUS}))
    assert vanishes(projective["-"] - np.kron(MINUS.T, MINUS))


def test_a_projector_of_higher_rank_keeps_coherence() -> None:
    P = exact(np.diag([1, 1, 0]))
    coarse = Instrument.projective([P, exact(np.eye(3, dtype=int)) - P])
    assert coarse.factors(0) is None
    assert coarse.factors(1) is not None
    assert vanishes(coarse[0] - instrument_cj(P[None]))


def test_a_measurement_that_depends_on_symbols_is_one_for_all_of_their_values() -> None:
    c, s = sp.cos(theta / 2), sp.sin(theta / 2)
    ket = exact([c, sp.exp(sp.I * phi) * s])
    P = pure_state(ket)
    instrument = Instrument.projective([P, ONE - P])
    assert vanishes(partial_trace(instrument.channel, (2, 2), (1,)) - ONE)


@given(SEEDS, st.integers(1, 3))
def test_the_least_disturbing_measurement_of_a_povm_has_its_probabilities(rng: np.random.Generator, d: int) -> None:
    K = random_kraus(rng, 3, d, d)
    effects = np.einsum("akoi,akoj->aij", K.conj(), K)
    instrument, rho = Instrument.from_povm(effects), random_state(rng, d)
    for outcome in instrument.outcomes:
        trace = np.trace(instrument[outcome] @ kron(np.eye(d), rho))
        np.testing.assert_allclose(trace, np.trace(effects[outcome] @ rho), atol=1e-12)


def test_the_least_disturbing_measurement_of_projectors_is_the_projective_one() -> None:
    numbers = {name: P.astype(complex) for name, P in {"+": PLUS, "-": MINUS}.items()}
    assert Instrument.from_povm(numbers).same_as(Instrument.projective(numbers))


def test_what_is_idle_or_unitary_has_one_outcome() -> None:
    flip = exact([[0, 1], [1, 0]])
    assert Instrument.unitary(flip).same_as(Instrument.from_kraus({"": flip[None]}))
    assert vanishes(Instrument.idle(2).channel - instrument_cj(ONE[None]))
    assert Instrument.unitary(flip).outcomes == ("",)


# ── discarding and preparing ────────────────────────────────────────────────────────────────────────────────────────


def test_a_do_instrument_is_the_transposed_state_beside_the_identity() -> None:
    """Eq. (28)."""
    psi = exact([[HALF, -sp.I / 2], [sp.I / 2, HALF]])
    do = Instrument.do(psi, d_in=3, outcome="up")
    assert (do.d_in, do.d_out, do.outcomes) == (3, 2, ("up",))
    assert vanishes(do["up"] - np.kron(psi.T, np.eye(3, dtype=int)))
    assert do.is_discard_and_prepare


def test_discarding_and_preparing_has_weights_and_states() -> None:
    """Eqs. (18) and (19), with an input of dimension 3."""
    states = {"a": P0, "b": PLUS}
    weights = {"a": sp.Rational(1, 3), "b": sp.Rational(2, 3)}
    instrument = Instrument.discard_and_prepare(weights, states, d_in=3)
    assert instrument.is_discard_and_prepare
    for outcome, rho in states.items():
        one = exact(np.eye(3, dtype=int))
        assert vanishes(instrument[outcome] - weights[outcome] * np.kron(rho.T, one))
        assert vanishes(instrument.normalised(outcome) - weights[outcome] * np.kron(rho.T, one) / 3)
        assert instrument.weight(outcome) == weights[outcome]
        assert vanishes(instrument.state(outcome) - rho)


@given(SEEDS, DIMS, DIMS)
def test_the_normalised_element_leaves_what_any_input_leaves(rng: np.random.Generator, d_in: int, d_out: int) -> None:
    """After eq. (19): Tr_in[τ̃] = Tr_in[τ ρ] for every state ρ."""
    p = rng.uniform()
    states = {0: random_state(rng, d_out), 1: random_state(rng, d_out)}
    instrument = Instrument.discard_and_prepare({0: p, 1: 1 - p}, states, d_in)
    dims, rho = (d_out, d_in), random_state(rng, d_in)
    for outcome in (0, 1):
        left = partial_trace(instrument.normalised(outcome), dims, (0,))
        right = partial_trace(instrument[outcome] @ kron(np.eye(d_out), rho), dims, (0,))
        np.testing.assert_allclose(left, right, atol=1e-12)


def test_an_outcome_of_weight_zero_has_no_state() -> None:
    instrument = Instrument.discard_and_prepare({0: 1, 1: 0}, {0: P0, 1: P1})
    assert instrument.weight(1) == 0
    assert vanishes(instrument.state(1))


def test_weights_and_states_may_be_batches() -> None:
    rng = np.random.default_rng(4)
    p, rho = rng.uniform(size=5), np.stack([random_state(rng, 2) for _ in range(5)])
    instrument = Instrument.discard_and_prepare({0: p, 1: 1 - p}, {0: rho, 1: np.eye(2) / 2}, d_in=2)
    np.testing.assert_allclose(instrument.weight(0), p)
    np.testing.assert_allclose(instrument.state(0), rho)
    one = Instrument.discard_and_prepare({0: p[3], 1: 1 - p[3]}, {0: rho[3], 1: np.eye(2) / 2}, d_in=2)
    np.testing.assert_allclose(instrument[0][3], one[0])


def test_only_what_discards_its_input_can_be_normalised() -> None:
    assert not Instrument.projective([P0, P1]).is_discard_and_prepare
    with pytest.raises(ValueError, match=r"instrument 'Z': what it finds or prepares depends on its input, unlike in"):
        Instrument.projective([P0, P1], "Z").normalised(0)


# ── factors ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, DIMS, DIMS)
def test_products_are_taken_apart_and_nothing_else(rng: np.random.Generator, d_in: int, d_out: int) -> None:
    rho, F = random_state(rng, d_out), random_state(rng, d_in) * rng.uniform()
    found = product_factors(kron(rho.T, F), d_out, d_in)
    assert found is not None
    np.testing.assert_allclose(found[0], rho.T, atol=1e-9)
    np.testing.assert_allclose(found[1], F, atol=1e-9)
    if min(d_in, d_out) > 1:
        instrument, kraus = random_instrument(rng, d_in, d_out)
        assert all(instrument.factors(outcome) is None for outcome in kraus)


def test_a_channel_is_a_product_if_what_it_sends_on_never_depends_on_its_input() -> None:
    always = Instrument.measure_and_prepare([P0, P1], [PLUS, PLUS])
    assert always.channel_cut is not None
    assert Instrument.projective([P0, P1]).channel_cut is None


# ── sameness ────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS, DIMS, DIMS)
def test_other_kraus_operators_of_the_same_maps_are_the_same_instrument(
    rng: np.random.Generator, d_in: int, d_out: int
) -> None:
    instrument, kraus = random_instrument(rng, d_in, d_out)
    mix = np.linalg.qr(complex_normal(rng, 2, 2))[0]
    other = Instrument.from_kraus({a: np.einsum("kl,loi->koi", mix, K) for a, K in kraus.items()}, "another name")
    assert instrument.same_as(other)
    assert other.same_as(Instrument.from_kraus({a: other.kraus(a) for a in other.outcomes}))
    names = dict(zip(instrument.outcomes, reversed(instrument.outcomes), strict=True))
    assert not instrument.same_as(Instrument.from_kraus({names[a]: K for a, K in kraus.items()})) or len(kraus) == 1


def test_instruments_of_other_outcomes_or_dimensions_are_not_the_same() -> None:
    Z = Instrument.projective([P0, P1])
    assert not Z.same_as(Instrument.projective({"0": P0, "1": P1}))
    assert not Z.same_as(Instrument.projective([P1, P0]))
    assert not Instrument.do(ONE / 2, 3).same_as(Instrument.do(ONE / 2, 2))


def test_operators_cannot_be_changed_afterwards() -> None:
    tau = np.eye(2) / 2
    instrument = Instrument({0: tau, 1: tau}, 2, 1)
    tau[0, 0] = 7
    assert instrument[0][0, 0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        instrument[0][0, 0] = 7


# ── qiskit ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("d_in", "d_out"), [(2, 2), (2, 3), (3, 2), (4, 2)])
def test_maps_come_from_qiskit_and_go_there_whatever_their_form(d_in: int, d_out: int) -> None:
    """Random maps, neither symmetric nor of equal dimensions, and their images of a random state on both sides."""
    from qiskit.quantum_info import Choi, DensityMatrix, Kraus, SuperOp

    rng = np.random.default_rng(10 * d_in + d_out)
    instrument, kraus = random_instrument(rng, d_in, d_out)
    for form in (Kraus, Choi, SuperOp):
        maps = {a: form(Kraus(list(K))) for a, K in kraus.items()}
        assert Instrument.from_quantum_info(maps).same_as(instrument)
    rho = random_state(rng, d_in)
    for outcome, K in kraus.items():
        np.testing.assert_allclose(choi(K), Choi(Kraus(list(K))).data, atol=1e-12)
        there = instrument.quantum_info(outcome)
        for form in (Choi, Kraus, SuperOp):
            np.testing.assert_allclose(DensityMatrix(rho).evolve(form(there)).data, image(K, rho), atol=1e-7)


def test_a_choi_operator_has_the_input_first_and_no_transpose() -> None:
    rng = np.random.default_rng(3)
    instrument, kraus = random_instrument(rng, 2, 3)
    again = Instrument.from_choi({a: choi(K) for a, K in kraus.items()}, d_in=2, d_out=3)
    assert again.same_as(instrument)
    for outcome, K in kraus.items():
        np.testing.assert_allclose(again.choi(outcome), choi(K), atol=1e-12)
        expected = sum(np.kron(E := np.outer(*np.eye(2)[[i, j]]), image(K, E)) for i in (0, 1) for j in (0, 1))
        np.testing.assert_allclose(choi(K), expected, atol=1e-12)


def test_an_operator_of_qiskit_is_a_unitary_instrument_in_the_same_basis() -> None:
    """Also of two qubits: row k of the matrix is row k, in qiskit's order of qubits as in any other."""
    from qiskit.quantum_info import Operator, random_unitary

    U = random_unitary(4, seed=5)
    assert Instrument.from_quantum_info({"U": Operator(U)}).same_as(Instrument.unitary(U.data, "U"))


def test_maps_of_different_dimensions_are_refused() -> None:
    from qiskit.quantum_info import Operator

    with pytest.raises(ValueError, match=r"should have the same \(d_in, d_out\), and have \(2, 2\), \(4, 4\)"):
        Instrument.from_quantum_info({0: Operator(np.eye(2)), 1: Operator(np.eye(4))})


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="instrument 'Z': no outcome 2; its outcomes are 0, 1"):
        Instrument.projective([P0, P1], "Z")[2]


def test_an_instrument_without_outcomes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one outcome"):
        Instrument({}, 2, 2)
    with pytest.raises(ValueError, match="at least one outcome"):
        Instrument.from_kraus({})


def test_an_operator_of_another_size_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"outcome 'x': shape \(3, 3\) should be \(..., 4, 4\), as the node has d_out = 2"
    ):
        Instrument({"x": np.eye(3)}, 2, 2)
    with pytest.raises(ValueError, match=r"outcome 'x': shape \(3, 3\) should be \(..., 6, 6\)"):
        Instrument.from_choi({"x": np.eye(3)}, 2, 3)


def test_kraus_operators_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"outcome 1: Kraus operators of shape \(1, 2, 3\) should be"):
        Instrument.from_kraus({0: np.eye(2)[None], 1: np.ones((1, 2, 3))})
    with pytest.raises(ValueError, match=r"outcome 0: Kraus operators of shape \(2, 2\) should be"):
        Instrument.from_kraus({0: np.eye(2)})


@pytest.mark.parametrize("scale", [1.0, sp.Integer(1)], ids=["rounded", "exact"])
def test_a_map_that_is_not_completely_positive_is_refused(scale: object) -> None:
    """The transpose, and a negative weight, in either number system."""
    swap = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]) * scale
    with pytest.raises(ValueError, match=r"'T', outcome 'x': not completely positive.*least eigenvalue -1\)"):
        Instrument({"x": swap}, 2, 2, "T")
    with pytest.raises(ValueError, match=r"weights, outcome 0: .* should lie between 0 and 1"):
        Instrument.discard_and_prepare({0: scale + scale / 2, 1: -scale / 2}, {0: np.diag([1, 0]), 1: np.diag([1, 0])})


@pytest.mark.parametrize("scale", [1.0, sp.Integer(1)], ids=["rounded", "exact"])
def test_an_operator_that_is_not_hermitian_is_refused(scale: object) -> None:
    with pytest.raises(ValueError, match=r"outcome 0: not completely positive: its operator should be Hermitian \(max"):
        Instrument({0: np.array([[1, 1], [0, 1]]) * scale}, 2, 1)


@pytest.mark.parametrize("scale", [1.0, sp.Integer(1)], ids=["rounded", "exact"])
def test_outcomes_that_lose_or_gain_probability_are_refused(scale: object) -> None:
    half = np.eye(2, dtype=int) * scale / 2
    with pytest.raises(
        ValueError, match=r"'F': its outcomes 'x' sum to a map .* not trace preserving \(max deviation 0.5\)"
    ):
        Instrument({"x": half}, 2, 1, "F")
    with pytest.raises(ValueError, match=r"0, 1, 2 sum to a map .* not trace preserving \(max deviation 0.5\)"):
        Instrument({0: half, 1: half, 2: half}, 2, 1)


def test_effects_and_states_for_different_outcomes_are_refused() -> None:
    with pytest.raises(ValueError, match="effects for outcomes 'a', states for 'b'"):
        Instrument.measure_and_prepare({"a": ONE}, {"b": P0})
    with pytest.raises(ValueError, match="weights for outcomes 'a', states for 'b'"):
        Instrument.discard_and_prepare({"a": 1}, {"b": P0})


def test_an_effect_that_is_no_projector_is_refused_where_projectors_are_asked_for() -> None:
    with pytest.raises(
        ValueError, match=r"outcome 0: P² should be P \(max deviation 0.25\); for effects see `from_povm`"
    ):
        Instrument.projective([ONE / 2, ONE / 2])


def test_effects_that_are_not_positive_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"outcome 1: its effect should be positive semidefinite \(least eigenvalue -1\)"
    ):
        Instrument.from_povm([np.diag([1.0, 2.0]), np.diag([0.0, -1.0])])


def test_convention_14_is_the_transpose_of_convention_10() -> None:
    rng = np.random.default_rng(8)
    instrument, kraus = random_instrument(rng, 2, 3)
    for outcome, K in kraus.items():
        np.testing.assert_allclose(instrument[outcome].T, process_cj(K))
