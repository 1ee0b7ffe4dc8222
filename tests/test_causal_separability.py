"""Causal separability: the verdicts of the semidefinite program, and its certificates checked without it."""

from itertools import product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.graphs.graphs import CausalGraph
from qlib.numbers.exact_arrays import as_complex, exact
from qlib.quantum.causal_order import (
    causal_separability,
    is_witness,
    order_component,
    oreshkov_costa_brukner,
    quantum_switch,
)
from qlib.quantum.channels import PAULI_X, PAULI_Z, kron, pure_state
from qlib.quantum.instruments import Instrument
from qlib.quantum.process_operators import ProcessOperator, QuantumNode
from qlib.quantum.processes import probability
from qlib.quantum.random_processes import random_markov_process, random_unitary

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
DIMS = (2, 2, 2, 2)
NOISE = np.eye(16) / 4
ONE = exact(np.eye(2, dtype=int))


def random_order(rng: np.random.Generator, first: str) -> np.ndarray:
    """A random process of a definite order, on A_in ⊗ A_out ⊗ B_in ⊗ B_out."""
    graph = CausalGraph(dict.fromkeys("AB", "observed"), [(first, "B" if first == "A" else "A")])
    return random_markov_process(graph, rng).process_operator().array


def test_the_process_of_oreshkov_costa_and_brukner_is_in_no_mixture_of_orders() -> None:
    process = oreshkov_costa_brukner()
    result = causal_separability(process)
    assert not result.is_separable
    assert abs(result.robustness - (np.sqrt(2) - 1)) < 1e-7  # Araújo et al. (2015), Sec. 4
    assert abs(np.trace(result.witness @ as_complex(process.array)).real + result.robustness) < 1e-7
    assert is_witness(result.witness, result.bounds, DIMS)


def test_an_exact_witness_proves_the_value_of_its_robustness() -> None:
    """S = ¼ (1 − Z_{A_out} Z_{B_in} − Z_{A_in} X_{B_in} Z_{B_out}); the bounds leave out one term each."""
    unit, to_b, to_a = kron(ONE, ONE, ONE, ONE), kron(ONE, PAULI_Z, PAULI_Z, ONE), kron(PAULI_Z, ONE, PAULI_X, PAULI_Z)
    witness, bounds = (unit - to_b - to_a) / 4, ((unit - to_b) / 4, (unit - to_a) / 4)
    assert is_witness(witness, bounds, DIMS)
    process = oreshkov_costa_brukner().array
    assert sp.simplify(np.trace(witness @ process) - (1 - sp.sqrt(2))) == 0
    noisy = (process + (sp.sqrt(2) - 1) * unit / 4) / sp.sqrt(2)
    split = ((unit + to_b) / 4 + (unit + to_a) / 4) / 2
    assert all(sp.simplify(entry) == 0 for entry in (noisy - split).flat)


def test_it_wins_more_often_at_the_guessing_game_than_any_causal_order_allows() -> None:
    """Oreshkov, Costa & Brukner (2012): (2 + √2)/4 instead of 3/4."""
    half = sp.Rational(1, 2)
    P = exact([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    plus = exact([[[half, half], [half, half]], [[half, -half], [-half, half]]])
    total = sp.Integer(0)
    for a, b, guess_b in product((0, 1), repeat=3):
        alice = Instrument.measure_and_prepare({x: P[x] for x in (0, 1)}, dict.fromkeys((0, 1), P[a]))
        if guess_b:  # Bob is to guess a: he measures Z
            bob = Instrument.measure_and_prepare({y: P[y] for y in (0, 1)}, dict.fromkeys((0, 1), P[0]))
            wins = [{"B": a}]
        else:  # Alice is to guess b: Bob measures X, and sends b ⊕ his outcome
            bob = Instrument.measure_and_prepare({y: plus[y] for y in (0, 1)}, {y: P[(b + y) % 2] for y in (0, 1)})
            wins = [{"A": b}]
        total += sum(probability(oreshkov_costa_brukner(), {"A": alice, "B": bob}, win) for win in wins) / 8
    assert sp.simplify(total - (2 + sp.sqrt(2)) / 4) == 0


@given(SEEDS, st.floats(0, 1))
@settings(max_examples=8)
def test_mixtures_of_the_two_orders_are_recognised_and_split(rng: np.random.Generator, q: float) -> None:
    array = q * random_order(rng, "A") + (1 - q) * random_order(rng, "B")
    process = ProcessOperator([QuantumNode("A"), QuantumNode("B")], array)
    result = causal_separability(process)
    assert result.is_separable
    np.testing.assert_allclose(result.first + result.second, array, atol=1e-6)
    for part, last in ((result.first, 1), (result.second, 0)):
        assert np.linalg.eigvalsh(part).min() > -1e-6
        np.testing.assert_allclose(order_component(part, DIMS, last), part, atol=1e-9)


@given(SEEDS)
@settings(max_examples=8)
def test_no_separable_process_has_a_negative_value_at_a_witness(rng: np.random.Generator) -> None:
    witness = causal_separability(oreshkov_costa_brukner()).witness
    for first in "AB":
        assert np.trace(witness @ random_order(rng, first)).real > -1e-6


@pytest.mark.parametrize("v", [0.5, 0.7, 0.72, 1.0])
def test_noise_makes_it_separable_at_visibility_one_over_root_two(v: float) -> None:
    array = v * as_complex(oreshkov_costa_brukner().array) + (1 - v) * NOISE
    result = causal_separability(ProcessOperator([QuantumNode("A"), QuantumNode("B")], array))
    assert result.is_separable == (v < 1 / np.sqrt(2))
    assert abs(result.robustness - (np.sqrt(2) * v - 1)) < 1e-6


def test_a_false_witness_is_refused() -> None:
    result = causal_separability(oreshkov_costa_brukner())
    assert not is_witness(result.witness - NOISE, result.bounds, DIMS)
    assert not is_witness(-NOISE, (-NOISE, -NOISE), DIMS)


def test_only_two_nodes_are_decided() -> None:
    with pytest.raises(ValueError, match="two nodes; the process has 1"):
        causal_separability(ProcessOperator([QuantumNode("A", 2, 1)], np.eye(2) / 2))


@settings(max_examples=5)
@given(SEEDS)
def test_the_switch_superposes_the_two_products_of_gates(rng: np.random.Generator) -> None:
    ket = lambda d: (lambda x: x / np.linalg.norm(x))(rng.normal(size=d) + 1j * rng.normal(size=d))  # noqa: E731
    control, target, found = ket(2), ket(2), ket(4)
    U, V = random_unitary(2, rng), random_unitary(2, rng)
    seen = pure_state(found)
    at = {
        "P": Instrument.do(pure_state(control), d_in=1),
        "A": Instrument.from_kraus({0: U[None]}),
        "B": Instrument.from_kraus({0: V[None]}),
        "F": Instrument.measure_and_prepare({1: seen, 0: np.eye(4) - seen}, dict.fromkeys((0, 1), np.ones((1, 1)))),
    }
    by_hand = np.concatenate([control[0] * V @ U @ target, control[1] * U @ V @ target])
    assert abs(probability(quantum_switch(target), at, {"F": 1}) - abs(np.vdot(found, by_hand)) ** 2) < 1e-9


def test_the_switch_refuses_what_is_no_ket_of_a_qubit() -> None:
    for target in ([1, 1], [1, 0, 0], np.eye(2)):
        with pytest.raises(ValueError, match=r"target|state vector"):
            quantum_switch(target)
