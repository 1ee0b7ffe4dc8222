"""Kochen–Specker sets and graphs of exclusive events."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from itertools import chain, combinations

import networkx as nx
import numpy as np
import pytest
import sympy as sp

from qlib.correlations import (
    assigned_value,
    cabello_vectors,
    complete_bases,
    exclusivity_values,
    orthogonality_graph,
    parity_proof,
    value_assignment,
    yu_oh_vectors,
)
from qlib.numbers import CertificateError, exact


def subsets(items):
    return chain.from_iterable(combinations(items, k) for k in range(len(items) + 1))


def test_eighteen_vectors_form_nine_bases_and_each_belongs_to_two():
    V, bases = cabello_vectors(), complete_bases(cabello_vectors())
    assert V.shape == (18, 4)
    assert len(bases) == 9
    assert [sum(v in basis for basis in bases) for v in range(18)] == [2] * 18
    assert value_assignment(V) is None


def test_without_any_one_vector_the_eighteen_can_be_assigned_values():
    for left_out in range(18):
        assert value_assignment(np.delete(cabello_vectors(), left_out, axis=0)) is not None


def test_yu_ohs_vectors_have_assignments_in_which_one_diagonal_is_true_and_four_thirds_in_quantum_theory():
    V, diagonals = yu_oh_vectors(), dict.fromkeys(range(9, 13), 1)
    assert len(orthogonality_graph(V).edges) == 24
    assert assigned_value(V, diagonals) == 1
    total = sum(np.outer(v, v) * Fraction(1, 3) for v in V[9:])
    assert (total == np.eye(3, dtype=int) * Fraction(4, 3)).all()


def test_the_assigned_value_is_the_largest_over_all_assignments():
    V = yu_oh_vectors()
    graph, bases = orthogonality_graph(V), complete_bases(V)
    weights = {k: 1 + k % 3 for k in range(13)}
    best = max(
        sum(weights[v] for v in true)
        for true in map(set, subsets(range(13)))
        if all(len(true & set(basis)) == 1 for basis in bases) and not graph.subgraph(true).edges
    )
    assert assigned_value(V, weights) == best


def test_an_assignment_makes_one_vector_of_each_basis_true():
    V = yu_oh_vectors()
    true = value_assignment(V)
    assert all(len(true & set(basis)) == 1 for basis in complete_bases(V))
    assert not orthogonality_graph(V).subgraph(true).edges


def test_complex_vectors_are_orthogonal_by_their_conjugates():
    assert list(orthogonality_graph([[1, 1j], [1, -1j], [1, 1]]).edges) == [(0, 1)]
    assert list(orthogonality_graph(exact([[1, sp.I], [1, -sp.I], [sp.I, 1]])).edges) == [(0, 1), (0, 2)]


def test_a_parity_proof_is_an_odd_number_of_bases_with_every_vector_an_even_number_of_times():
    generator = np.random.default_rng(2)
    for _ in range(30):
        bases = [tuple(map(int, generator.choice(8, 3, replace=False))) for _ in range(7)]
        proof = parity_proof(bases)
        odd = [s for s in subsets(range(7)) if len(s) % 2 and not parity(bases, s).any()]
        assert (proof is None) == (not odd)
        assert proof is None or proof in odd


def parity(bases, chosen):
    count = np.zeros(8, dtype=int)
    for k in chosen:
        count[list(bases[k])] += 1
    return count % 2


@pytest.mark.parametrize(
    ("graph", "alpha", "theta", "packing"),
    [
        (nx.cycle_graph(5), 2, 5**0.5, Fraction(5, 2)),
        (nx.cycle_graph(7), 3, 7 * np.cos(np.pi / 7) / (1 + np.cos(np.pi / 7)), Fraction(7, 2)),
        (nx.petersen_graph(), 4, 4, 5),
        (nx.complete_graph(4), 1, 1, 1),
        (nx.empty_graph(3), 3, 3, 3),
        (nx.circular_ladder_graph(5), 4, 4.472135954999579, 5),
        (orthogonality_graph(cabello_vectors()), 4, 4.5, Fraction(9, 2)),
    ],
    ids=["pentagon", "heptagon", "Petersen", "complete", "empty", "prism", "Cabello"],
)
def test_the_three_numbers_of_known_graphs(graph, alpha, theta, packing):
    found = exclusivity_values(graph)
    assert (found.classical, found.general) == (alpha, packing)
    assert -1e-12 <= float(found.quantum.bound) - theta < 1e-6
    assert not graph.subgraph(found.independent).edges
    assert len(found.independent) == alpha


def test_weights_and_names_of_events_are_kept():
    graph = nx.relabel_nodes(nx.path_graph(3), dict(enumerate("abc")))
    found = exclusivity_values(graph, {"a": Fraction(1, 2), "b": 2, "c": Fraction(1, 3)})
    assert (found.classical, found.independent, found.general) == (2, ("b",), 2)
    assert abs(found.quantum.bound - 2) < 1e-6


def test_a_bound_on_theta_whose_numbers_were_changed_is_refused():
    proof = exclusivity_values(nx.cycle_graph(5)).quantum
    for i, j, said in ((1, 1, "coefficients"), (1, 3, "exclude"), (0, 0, "positive")):
        gram = proof.gram.copy()
        gram[i, j] -= proof.denominator // 10**3 if i + j == 0 else 1
        gram[j, i] = gram[i, j]
        with pytest.raises(CertificateError, match=said):
            dataclasses.replace(proof, gram=gram)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: orthogonality_graph([[0, 0], [1, 0]]), "vectors: number 0"),
        (lambda: orthogonality_graph(np.ones((200, 2))), "vectors"),
        (lambda: exclusivity_values(nx.DiGraph([(0, 1)])), "graph"),
        (lambda: exclusivity_values(nx.Graph([(0, 0)])), "graph"),
        (lambda: exclusivity_values(nx.path_graph(2), {0: 1}), "weights"),
        (lambda: exclusivity_values(nx.path_graph(2), {0: 1, 1: -1}), "weights"),
        (lambda: assigned_value(yu_oh_vectors(), {20: 1}), "weights"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(call, said):
    with pytest.raises((ValueError, TypeError), match=said):
        call()
