"""Dilations: every Markov process is the marginal of a structural model, whose unitaries keep to the graph."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.graphs.graphs import CausalGraph
from qlib.numbers.exact_arrays import exact, is_exact, vanishes
from qlib.quantum.channels import PAULI_X, PAULI_Z, kron
from qlib.quantum.dilations import dilated, dilation, square_root
from qlib.quantum.processes import Part, QuantumCausalModel, QuantumNode, channel
from qlib.quantum.random_processes import random_channel, random_markov_process, random_state

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
ARROWS = [["AB", "BC"], ["AB", "AC"], ["AC", "BC"], ["AB", "AC", "BC"], []]
GRAPHS = st.sampled_from([CausalGraph(dict.fromkeys("ABC", "observed"), map(tuple, arrows)) for arrows in ARROWS])


@given(GRAPHS, SEEDS)
@settings(max_examples=8)
def test_every_markov_process_is_the_marginal_of_its_dilation(graph: CausalGraph, rng: np.random.Generator) -> None:
    """Theorem 2, (2) → (1); that (20) and (22) hold is checked as the structural model is built."""
    process = random_markov_process(graph, rng)
    model = dilated(process)
    assert model.graph == graph
    assert model.owner == {f"Λ_{v}": v for v in graph.kinds}
    again = {part.writes[0]: part for part in model.causal_model().parts}
    for part in process.parts:
        np.testing.assert_allclose(again[part.writes[0]].operator, part.operator, atol=1e-9)


def test_the_dense_marginal_of_a_dilation_is_the_process_operator() -> None:
    graph = CausalGraph(dict.fromkeys("ABC", "observed"), [("A", "B"), ("A", "C")])
    process = random_markov_process(graph, np.random.default_rng(5))
    np.testing.assert_allclose(dilated(process).process_operator().array, process.process_operator().array, atol=1e-9)


def test_factors_that_commute_only_jointly_are_dilated_exactly() -> None:
    """B finds X ⊗ X and C finds Z ⊗ Z of two outputs: neither has a system of its own in either output."""
    one, P = exact(np.eye(4, dtype=int)), exact([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    parts = [
        Part(sum(kron(P[k], (one + (-1) ** k * np.kron(O, O)) / 2) for k in (0, 1)), ("A", "D"), (name,))
        for name, O in (("B", PAULI_X), ("C", PAULI_Z))
    ]
    nodes = [QuantumNode("A", 1), QuantumNode("D", 1), QuantumNode("B", 2, 1), QuantumNode("C", 2, 1)]
    process = QuantumCausalModel(nodes, parts)
    model = dilated(process)
    assert all(is_exact(part.array) for part in model.parts)
    assert vanishes(model.process_operator().array - process.process_operator().array)
    assert model.influence["B"] == {"A", "D", "Λ_B"}


@given(SEEDS, st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=10)
def test_the_dilation_is_unitary_and_gives_the_channel(rng: np.random.Generator, d_in: int, d_out: int) -> None:
    K = random_channel(d_in, d_out, rng)
    U = dilation(channel(K, ["P"], ["A"]), d_out)
    np.testing.assert_allclose(U.conj().T @ U, np.eye(len(U)), atol=1e-9)
    rho = random_state(d_in, rng)
    blank = np.zeros((2 * d_out**2,) * 2)
    blank[0, 0] = 1
    after = (U @ np.kron(blank, rho) @ U.conj().T).reshape((2, d_out, d_out, d_in) * 2)  # qubit, E, A, P
    np.testing.assert_allclose(
        np.einsum("qeapqebp->ab", after), np.einsum("kij,jl,kml->im", K, rho, K.conj()), atol=1e-9
    )


def test_square_roots_are_exact_where_the_operator_is() -> None:
    half = sp.Rational(1, 2)
    mixed = exact([[half, sp.Rational(1, 4)], [sp.Rational(1, 4), half]])
    root = square_root(mixed)
    assert is_exact(root)
    assert vanishes(root @ root - mixed)
    np.testing.assert_allclose(square_root(mixed.astype(float)), root.astype(float), atol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_environment_has_a_qubit_and_two_copies_of_each_input(d: int) -> None:
    process = QuantumCausalModel([QuantumNode("A", d, 1)], [Part(np.eye(d) / d, (), ("A",))])
    assert 2 * d * d == dilated(process).preparations["Λ_A"].d_out
