"""Parts and their networks: light cones, influences, and the two conventions of parts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.graphs.graphs import CausalGraph
from qlib.quantum.channels import process_cj
from qlib.quantum.process_operators import QuantumNode
from qlib.quantum.process_parts import (
    Part,
    _light_cone,
    _process_matrix,
    _reduced_channel,
    _require_commuting,
    _require_unitary,
    channel,
    influences,
    unitary,
)
from qlib.quantum.random_processes import random_channel, random_structural_model, random_unitary

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
QUBIT = (2, 2)


@given(SEEDS)
@settings(max_examples=10)
def test_a_unitary_part_and_its_operator_are_the_same_channel(rng: np.random.Generator) -> None:
    U = random_unitary(4, rng)
    part = unitary(U, ["A"], ["B"])
    np.testing.assert_allclose(part.operator, process_cj([U]), atol=1e-12)
    dims = {"A": (1, 4), "B": (4, 1)}
    nodes = [QuantumNode("A", 1, 4), QuantumNode("B", 4, 1)]
    same = Part(part.operator, ("A",), ("B",))
    np.testing.assert_allclose(_process_matrix([part], {}, nodes, dims), _process_matrix([same], {}, nodes, dims))


def test_the_light_cone_of_a_node_holds_the_parts_that_lead_to_it_over_wires() -> None:
    one = np.eye(2)
    parts = [
        unitary(one, ["Λ"], ["v"]),
        unitary(one, ["v"], ["w"]),
        unitary(one, ["w"], ["A"]),
        unitary(one, ["A"], ["B"]),
    ]
    assert _light_cone(parts, "A", {"v", "w"}) == [0, 1, 2]
    assert _light_cone(parts, "B", {"v", "w"}) == [3]
    assert _light_cone(parts, "Λ", {"v", "w"}) == []


@given(SEEDS, st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=15)
def test_influence_is_what_definition_9_says(rng: np.random.Generator, a: int, b: int) -> None:
    """Tr_C[ρ] is a product with the identity on A exactly when A is not found to influence D."""
    signals = bool(rng.integers(2))
    local = np.kron(random_unitary(a, rng), random_unitary(b, rng))  # C from A, D from B
    U = random_unitary(a * b, rng) if signals else local
    part = unitary(U, ["A", "B"], ["C", "D"])
    dims = {"A": (1, a), "B": (1, b), "C": (a, 1), "D": (b, 1)}
    found = influences([part], "D", (), dims)
    rho = part.operator.reshape((a, b, a, b) * 2)  # C, D, A, B
    reduced = np.einsum("cdabcefg->dabefg", rho)
    without = np.einsum("dabeag->dbeg", reduced) / a
    product = np.einsum("dbeg,af->dabefg", without, np.eye(a))
    assert ("A" in found) == (not np.allclose(reduced, product))
    assert ("A" in found) == (signals and a > 1 and b > 1)


def test_the_influence_graph_of_a_random_structural_model_is_its_graph() -> None:
    graph = CausalGraph(dict.fromkeys("ABCD", "observed"), [("A", "B"), ("A", "C"), ("B", "D"), ("C", "D")])
    model = random_structural_model(graph, np.random.default_rng(0))
    assert model.influence == {v: graph.parents(v) | {f"Λ_{v}"} for v in graph.kinds}


def test_light_cones_keep_a_wide_model_cheap() -> None:
    """Twenty nodes in a row, each of which only the one before it influences: no operator on more than a few spaces."""
    names = [f"N{k}" for k in range(20)]
    chain = CausalGraph(dict.fromkeys(names, "observed"), list(pairwise(names)))
    model = random_structural_model(chain, np.random.default_rng(2))
    assert all(model.influence[v] == chain.parents(v) | {f"Λ_{v}"} for v in names)
    assert max(part.operator.shape[0] for part in model.causal_model().parts) == 4


@given(SEEDS)
@settings(max_examples=10)
def test_a_reduced_channel_ignores_what_it_is_not_asked_for(rng: np.random.Generator) -> None:
    K = random_channel(4, 2, rng)
    part = channel(K, ["A", "B"], ["C"])
    dims = {"A": (1, 2), "B": (1, 2), "C": (2, 1), "E": (1, 3)}
    rho = part.operator.reshape((2,) * 6)
    np.testing.assert_allclose(
        _reduced_channel([part], {}, "C", ["A"], (), dims), np.einsum("cabdeb->cade", rho).reshape(4, 4) / 2, atol=1e-12
    )
    whole = _reduced_channel([part], {}, "C", ["B", "A"], (), dims)
    np.testing.assert_allclose(whole, rho.transpose(0, 2, 1, 3, 5, 4).reshape(8, 8), atol=1e-12)
    wider = _reduced_channel([part], {}, "C", ["A", "B", "E"], (), dims)
    np.testing.assert_allclose(wider, np.kron(part.operator, np.eye(3)), atol=1e-12)


def test_parts_that_share_nothing_commute() -> None:
    one, other = channel([np.eye(2)], ["A"], ["B"]), channel([np.eye(2)], ["C"], ["D"])
    _require_commuting(one, other, dict.fromkeys("ABCD", QUBIT))


def test_a_part_is_described_by_what_it_reads_and_writes() -> None:
    assert str(unitary(np.eye(2), ["A"], ["B"])) == "the part A → B"
    with pytest.raises(ValueError, match="the part A → B: its matrix U is not unitary"):
        _require_unitary(unitary(2 * np.eye(2), ["A"], ["B"]))
