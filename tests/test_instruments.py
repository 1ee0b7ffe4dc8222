"""Quantum instruments: conventions (10), (18), (19) and (28), validity, and qiskit's conventions, on random maps."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from qlib.numbers.exact_arrays import Array, exact, is_exact, vanishes
from qlib.quantum.channels import choi, instrument_cj, kron, partial_trace, process_cj, pure_state
from qlib.quantum.instruments import Instrument, measure, product_factors, remaining_effect

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


def named_kraus(rng: np.random.Generator, d_in: int, d_out: int, names: str) -> dict[str, Array]:
    """Kraus operators of an instrument with these outcomes; the last has those that are left."""
    K = random_kraus(rng, len(names), d_in, d_out)
    last = len(names) - 1
    return {a: K[k] if k < last else np.concatenate(K[last:]) for k, a in enumerate(names)}


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


def test_how_strong_an_outcome_is_depends_on_its_effect_and_not_on_what_it_sends_on() -> None:
    weak, rest = np.diag([0.3, 0.1]), np.diag([0.7, 0.9])
    for sent in (np.diag([1, 0]), np.eye(2) / 2):
        z = Instrument.measure_and_prepare({"weak": weak, "rest": rest}, dict.fromkeys(("weak", "rest"), sent))
        assert z.strength("weak") == pytest.approx(0.3)


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


@given(SEEDS, DIMS)
def test_what_effects_leave_of_one_makes_them_a_measurement(rng: np.random.Generator, d: int) -> None:
    kraus = random_kraus(rng, 3, d, d, (2,))
    F = [np.einsum("zkoi,zkoj->zij", K.conj(), K) for K in np.moveaxis(kraus, 1, 0)]
    some = {"a": F[0], "b": F[1]}
    assert np.allclose(remaining_effect(some), np.eye(d) - F[0] - F[1])
    assert Instrument.from_povm({**some, "none": remaining_effect(some)}).outcomes == ("a", "b", "none")
    assert not np.any(remaining_effect([F[0], F[1], remaining_effect(some)]))


def test_exact_effects_leave_what_they_leave_however_little_it_is() -> None:
    little = exact([[sp.Rational(1, 10**30), 0], [0, 0]])
    assert np.all(remaining_effect([P0 - little, P1]) == little)
    assert vanishes(remaining_effect([PLUS, MINUS]))


def test_effects_that_leave_less_than_nothing_differ_in_shape_or_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="effects: what they leave of one should be positive semidefinite"):
        remaining_effect([np.diag([0.6, 0.5]), np.diag([0.6, 0.5])])
    with pytest.raises(ValueError, match=r"effects, outcome 1: shape \(3, 3\) should be \(..., 2, 2\)"):
        remaining_effect([np.eye(2) / 2, np.eye(3) / 2])
    with pytest.raises(ValueError, match="effects: there are none"):
        remaining_effect({})


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


def other_order(d: int) -> list[int]:
    """The places of the basis states of qubits when their order is reversed; of other systems nothing changes."""
    n = d.bit_length() - 1
    if d != 2**n:
        return list(range(d))
    return [int(f"{k:0{n}b}"[::-1], 2) if n else 0 for k in range(d)]


@pytest.mark.parametrize(("d_in", "d_out"), [(2, 2), (2, 3), (3, 2), (4, 2), (2, 4), (8, 4)])
def test_maps_come_from_qiskit_and_go_there_whatever_their_form(d_in: int, d_out: int) -> None:
    """Random maps, neither symmetric nor of equal dimensions, and their images of a random state on both sides.

    The first qubit is the slowest index here and the fastest there.
    """
    from qiskit.quantum_info import Choi, DensityMatrix, Kraus, SuperOp

    rng = np.random.default_rng(10 * d_in + d_out)
    instrument, kraus = random_instrument(rng, d_in, d_out)
    into, out = other_order(d_in), other_order(d_out)
    theirs = {a: Kraus([k[np.ix_(out, into)] for k in K]) for a, K in kraus.items()}
    for form in (Kraus, Choi, SuperOp):
        maps = {a: form(channel) for a, channel in theirs.items()}
        assert Instrument.from_quantum_info(maps).same_as(instrument)
        if form is Kraus:
            assert Instrument.from_kraus(maps).same_as(instrument)
    rho = random_state(rng, d_in)
    for outcome, K in kraus.items():
        np.testing.assert_allclose(choi(theirs[outcome]), choi(K), atol=1e-9)
        there = instrument.quantum_info(outcome)
        for form in (Choi, Kraus, SuperOp):
            found = DensityMatrix(rho[np.ix_(into, into)]).evolve(form(there)).data
            np.testing.assert_allclose(found[np.ix_(out, out)], image(K, rho), atol=1e-7)


def test_a_choi_operator_has_the_input_first_and_no_transpose() -> None:
    rng = np.random.default_rng(3)
    instrument, kraus = random_instrument(rng, 2, 3)
    again = Instrument.from_choi({a: choi(K) for a, K in kraus.items()}, d_in=2, d_out=3)
    assert again.same_as(instrument)
    for outcome, K in kraus.items():
        np.testing.assert_allclose(again.choi(outcome), choi(K), atol=1e-12)
        expected = sum(np.kron(E := np.outer(*np.eye(2)[[i, j]]), image(K, E)) for i in (0, 1) for j in (0, 1))
        np.testing.assert_allclose(choi(K), expected, atol=1e-12)


def test_an_operator_of_qiskit_is_a_unitary_instrument_on_qubits_in_their_order() -> None:
    """U ⊗ V with U on the first of two qubits, without symmetry: Qiskit's matrix of it is V ⊗ U."""
    from qiskit.quantum_info import Operator, random_unitary

    U, V = random_unitary(2, seed=5), random_unitary(2, seed=6)
    expected = Instrument.unitary(np.kron(U.data, V.data), "UV")
    there = Operator(np.kron(V.data, U.data))
    assert Instrument.from_quantum_info({"UV": there}).same_as(expected)
    assert Instrument.unitary(there, "UV").same_as(expected)
    assert Instrument.unitary(V.expand(U), "UV").same_as(Instrument.unitary(np.kron(V.data, U.data), "UV"))


# ── compositions ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS)
def test_one_instrument_after_another_is_the_product_of_their_maps(rng: np.random.Generator) -> None:
    """Dimensions 3 → 2 → 4, and several outcomes each: the image of a random state."""
    first, second = named_kraus(rng, 3, 2, "ab"), named_kraus(rng, 2, 4, "xyz")
    both = Instrument.from_kraus(second, "second") @ Instrument.from_kraus(first, "first")
    assert (both.d_in, both.d_out, both.name) == (3, 4, "second after first")
    assert both.outcomes == tuple((a, x) for a in "ab" for x in "xyz")
    rho = random_state(rng, 3)
    for a, x in both.outcomes:
        expected = image(second[x], image(first[a], rho))
        np.testing.assert_allclose(image(both.kraus((a, x)), rho), expected, atol=1e-9)


@given(SEEDS)
def test_instruments_beside_each_other_are_the_tensor_product_of_their_maps(rng: np.random.Generator) -> None:
    """Dimensions 3 → 2, 1 → 2 and 2 → 1, on an entangled state; the first factor is the slowest."""
    kraus = [named_kraus(rng, 3, 2, "ab"), named_kraus(rng, 1, 2, "u"), named_kraus(rng, 2, 1, "xyz")]
    one, two, three = (Instrument.from_kraus(K) for K in kraus)
    all_three = one.tensor(two, three)
    assert (all_three.d_in, all_three.d_out) == (6, 4)
    assert all_three.outcomes == tuple((a, x) for a in "ab" for x in "xyz")  # the second says nothing
    assert all_three.same_as(one.tensor(two).tensor(three))
    rho = random_state(rng, 6)
    for a, x in all_three.outcomes:
        K = [np.kron(np.kron(k, v), m) for k in kraus[0][a] for v in kraus[1]["u"] for m in kraus[2][x]]
        np.testing.assert_allclose(image(all_three.kraus((a, x)), rho), image(np.array(K), rho), atol=1e-9)


def test_compositions_are_exact_for_exact_instruments_and_join_batches() -> None:
    t = sp.Symbol("t", real=True)
    turn = Instrument.unitary(exact([[sp.cos(t), -sp.sin(t)], [sp.sin(t), sp.cos(t)]]))
    turned = measure("Z") @ turn
    assert sp.simplify(np.trace(turned[0] @ exact(np.eye(4, dtype=int))) - 1) == 0
    assert turned.outcomes == (0, 1)
    at_once = turn.tensor(measure("X"))
    assert at_once.outcomes == (0, 1)
    assert is_exact(at_once[0])
    angles = np.linspace(0.1, 1, 3)
    c, s = np.cos(angles), np.sin(angles)
    batch = measure("Z") @ Instrument.unitary(np.moveaxis(np.array([[c, -s], [s, c]]), -1, 0))
    for k, angle in enumerate(angles):
        single = turned[1].astype(object)
        expected = np.frompyfunc(lambda e, at=angle: complex(sp.sympify(e).subs(t, at)), 1, 1)(single).astype(complex)
        np.testing.assert_allclose(batch[1][k], expected, atol=1e-12)


def test_outcomes_of_compositions_are_those_that_tell_something() -> None:
    idle = Instrument.idle(2)
    assert (idle @ measure("Z")).outcomes == (measure("Z") @ idle).outcomes == (0, 1)
    assert (Instrument.do(P0, 2, "made") @ idle).outcomes == ("made",)
    assert (idle @ Instrument.do(P0, 2, "made")).outcomes == ("",)
    assert measure("XY").tensor(measure("Z")).outcomes[1] == ((0, 0), 1)
    assert [*measure("Z").tensor(idle, measure("X")).operators] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_instruments_that_do_not_follow_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="instrument 'XX' after instrument 'Z': it takes dimension 4, and dimension 2"):
        measure("XX") @ measure("Z")
    with pytest.raises(TypeError, match=r"earlier: .* should be an Instrument"):
        measure("Z") @ np.eye(2)
    with pytest.raises(TypeError, match=r"others: .* should be an Instrument"):
        measure("Z").tensor(np.eye(2))  # type: ignore[arg-type]


# ── kets ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_ket_is_a_state_wherever_one_is_prepared() -> None:
    ket = np.array([0.6, 0.48 + 0.64j])
    rho = np.outer(ket, ket.conj())
    down = np.diag([0.0, 1.0])
    assert Instrument.do(ket, 2).same_as(Instrument.do(rho, 2))
    weights = {"a": 0.25, "b": 0.75}
    assert Instrument.discard_and_prepare(weights, {"a": ket, "b": down}).same_as(
        Instrument.discard_and_prepare(weights, {"a": rho, "b": down})
    )
    effects = [np.diag([1.0, 0.0]), down]
    for states in ([ket, [0, 1j]], np.array([ket, [0, 1j]]), {0: rho, 1: [0, 1j]}):
        assert Instrument.measure_and_prepare(effects, states).same_as(
            Instrument.measure_and_prepare(effects, [rho, down])
        )
    assert is_exact(Instrument.do(exact([0, sp.I]), 1)["do"])
    assert Instrument.do(exact([0, sp.I]), 1)["do"].tolist() == [[0, 0], [0, 1]]
    with pytest.raises(ValueError, match=r"states, outcome 'do': its squared norm is 2\.0, and should be 1"):
        Instrument.do([1.0, 1.0], 2)


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
    with pytest.raises(
        ValueError, match=r"outcome 0: Kraus operators: shape \(2, 2\) should be \(\.\.\., k, d_out, d_in\)"
    ):
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
