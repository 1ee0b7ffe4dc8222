"""Process operators: what is normalised for all channels at the nodes, and what only meets the trace condition."""

from itertools import product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from qlib.graphs.graphs import CausalGraph
from qlib.numbers.exact_arrays import Array, exact
from qlib.quantum.channels import PAULI_X, PAULI_Z, instrument_cj, kron, process_cj
from qlib.quantum.instruments import Instrument
from qlib.quantum.process_operators import (
    ProcessOperator,
    QuantumNode,
    closed_loops,
    satisfies_trace_condition,
    trace_and_replace,
)
from qlib.quantum.processes import probability
from qlib.quantum.random_processes import (
    random_channel,
    random_instrument,
    random_markov_process,
    random_state,
    random_unitary,
)

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
A, B = QuantumNode("A"), QuantumNode("B")
IDENTITY = process_cj([np.eye(2, dtype=int)])  # A_out returns to A_in


def swapped_wires() -> Array:
    """A_out → B_in and B_out → A_in, both as they are: on A_in ⊗ A_out ⊗ B_in ⊗ B_out."""
    wires = IDENTITY.reshape(2, 2, 2, 2)
    return np.einsum("adxw,cbzy->abcdxyzw", wires, wires).reshape(16, 16)


def normalisation(array: Array, nodes: list[QuantumNode], rng: np.random.Generator) -> float:
    """Tr[σ ⊗ τ] for random channels at the nodes."""
    taus = []
    for node in nodes:
        tau = instrument_cj(random_channel(node.d_in, node.d_out, rng))
        swap = tau.reshape(node.d_out, node.d_in, node.d_out, node.d_in).transpose(1, 0, 3, 2)
        taus.append(swap.reshape(tau.shape))
    return float(np.trace(array @ kron(*taus)).real)


def random_positive(size: int, rng: np.random.Generator) -> Array:
    G = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return G @ G.conj().T


# ── validity ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_identity_from_a_nodes_output_to_its_input_meets_the_trace_condition_and_is_no_process() -> None:
    assert satisfies_trace_condition(IDENTITY, [A])
    assert list(closed_loops(IDENTITY, [A])) == [("A",)]
    with pytest.raises(ValueError, match="a signal runs from A_out back to A_in"):
        ProcessOperator([A], IDENTITY)
    identity_channel = instrument_cj([np.eye(2, dtype=int)])
    assert np.trace(IDENTITY @ identity_channel) == 4  # a "probability" of 4


def test_two_wires_that_close_a_loop_meet_the_trace_condition_and_are_no_process() -> None:
    assert satisfies_trace_condition(swapped_wires(), [A, B])
    assert list(closed_loops(swapped_wires(), [A, B])) == [("A", "B")]
    with pytest.raises(ValueError, match="a signal runs round the nodes A, B"):
        ProcessOperator([A, B], swapped_wires())


@given(SEEDS, st.sampled_from([(2, 2, 2, 2), (2, 1, 1, 2), (1, 3, 2, 2), (2, 2, 3, 1)]))
def test_an_operator_is_normalised_for_all_channels_exactly_when_it_closes_no_loop(
    rng: np.random.Generator, dims: tuple[int, ...]
) -> None:
    nodes = [QuantumNode("A", *dims[:2]), QuantumNode("B", *dims[2:])]
    # A random operator of the right trace, and its projection: what the loops carry is subtracted.
    size = int(np.prod(dims))
    sigma = random_positive(size, rng)
    sigma *= dims[1] * dims[3] / np.trace(sigma).real
    noise = np.eye(size) / (dims[0] * dims[2])
    projected = noise + 0.0 * sigma
    one_sided = [trace_and_replace(sigma, dims, 1), trace_and_replace(sigma, dims, 3)]
    both = trace_and_replace(one_sided[0], dims, 3)
    valid = one_sided[1] + one_sided[0] - both  # A's output ignored or B's
    for k in (0, 1):  # … and no signal from a node to itself
        other = 1 - k
        reduced = trace_and_replace(trace_and_replace(valid, dims, 2 * other), dims, 2 * other + 1)
        valid = valid - (reduced - trace_and_replace(reduced, dims, 2 * k + 1))
    assert not closed_loops(valid, nodes)
    assert abs(normalisation(valid, nodes, rng) - 1) < 1e-9
    mixed = 0.9 * projected + 0.1 * sigma
    if closed_loops(mixed, nodes):
        values = [normalisation(mixed, nodes, rng) for _ in range(3)]
        assert max(abs(value - 1) for value in values) > 1e-9


@given(SEEDS)
def test_every_process_operator_meets_the_trace_condition(rng: np.random.Generator) -> None:
    graph = CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")])
    operator = random_markov_process(graph, rng).process_operator()
    assert operator.is_normalised_channel
    assert abs(normalisation(operator.array, list(operator.endogenous), rng) - 1) < 1e-9


def test_exact_operators_with_free_symbols_are_judged_identically_in_them() -> None:
    p, one = sp.Symbol("p", positive=True), exact(np.eye(2, dtype=int))
    state = exact([[p, 0], [0, 1 - p]])
    assert ProcessOperator([A], np.kron(state, one)).is_normalised_channel
    loop = np.kron(state, one) + p * np.kron(PAULI_Z, PAULI_Z)
    with pytest.raises(ValueError, match="from A_out back to A_in"):
        ProcessOperator([A], loop)


def test_a_mixture_of_both_orders_is_a_process_though_in_no_definite_order() -> None:
    one = exact(np.eye(2, dtype=int))
    first = (kron(one, one, one, one) + kron(one, PAULI_Z, PAULI_Z, one)) / 4
    second = (kron(one, one, one, one) + kron(PAULI_X, one, one, PAULI_X)) / 4
    assert ProcessOperator([A, B], (first + second) / 2).is_normalised_channel


# ── probabilities ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(SEEDS)
def test_probabilities_lie_between_zero_and_one_and_sum_to_one(rng: np.random.Generator) -> None:
    graph = CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")])
    operator = random_markov_process(graph, rng).process_operator()
    instruments = {node.name: random_instrument(node, rng, outcomes=3) for node in operator.endogenous}
    law = [probability(operator, instruments, {"A": a, "B": b}) for a, b in product(range(3), repeat=2)]
    assert min(law) > -1e-12
    assert max(law) < 1 + 1e-12
    assert abs(sum(law) - 1) < 1e-12


def test_a_batch_of_process_operators_gives_a_batch_of_probabilities() -> None:
    weights = np.array([0.0, 0.25, 1.0])
    states = np.zeros((3, 2, 2))
    states[:, 0, 0], states[:, 1, 1] = weights, 1 - weights
    sink = [QuantumNode("A", 2, 1)]
    Z = Instrument.measure_and_prepare([[[1, 0], [0, 0]], [[0, 0], [0, 1]]], np.ones((2, 1, 1)))
    assert probability(ProcessOperator(sink, states), {"A": Z}, {"A": 0}).tolist() == weights.tolist()


@given(SEEDS)
def test_the_reduced_channel_of_a_node_is_its_factor(rng: np.random.Generator) -> None:
    graph = CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")])
    model = random_markov_process(graph, rng)
    operator = model.process_operator()
    for part in model.parts:
        reduced = operator.reduced(part.writes[0], part.reads)
        np.testing.assert_allclose(reduced, part.operator, atol=1e-12)


def test_trace_and_replace_is_a_projection_and_keeps_the_trace() -> None:
    sigma = random_positive(12, np.random.default_rng(0))
    for factor in range(3):
        once = trace_and_replace(sigma, (2, 3, 2), factor)
        np.testing.assert_allclose(trace_and_replace(once, (2, 3, 2), factor), once, atol=1e-12)
        assert np.isclose(np.trace(once), np.trace(sigma))


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("nodes", "array", "message"),
    [
        ([A], np.eye(2), r"over A: shape \(2, 2\) should be \(..., 4, 4\)"),
        ([A], np.diag([1.5, 1.5, -0.5, -0.5]), "positive semidefinite .least eigenvalue -0.5"),
        ([A], np.diag([1, 1, 0, 0]) + np.eye(4, k=1), "should be Hermitian"),
        ([A], np.eye(4), "its trace is 4.0, and should be the product 2 of all d_out"),
        ([A, A], np.eye(16) / 4, "nodes: two have the name 'A'"),
    ],
)
def test_what_is_no_process_operator_is_refused(nodes: list[QuantumNode], array: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProcessOperator(nodes, array)


def test_an_unknown_node_of_a_reduced_channel_is_named() -> None:
    operator = ProcessOperator([A], np.kron(random_state(2, np.random.default_rng(0)), np.eye(2)))
    with pytest.raises(ValueError, match="'C' should be one of 'A'"):
        operator.reduced("A", ["C"])


def test_a_node_has_dimensions_of_at_least_one() -> None:
    with pytest.raises(ValueError, match="node A: d_in: 0 should be at least 1"):
        QuantumNode("A", 0)


def test_unitaries_are_seen_the_same_whichever_basis_a_loop_is_written_in() -> None:
    U = random_unitary(2, np.random.default_rng(5))
    assert list(closed_loops(process_cj([U]), [A])) == [("A",)]
