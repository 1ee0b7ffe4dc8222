"""Batches of causal structures: d-separation as networkx has it, all graphs, monotonicity, latents of any size."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.graphs.enumeration import (
    Structures,
    acyclic,
    all_pairs,
    ancestors,
    concatenate,
    confoundings,
    dag_count,
    dags,
    explicit_latents,
    from_projections,
    mask,
    mixed_graphs,
    orientations,
    projected,
    reachable,
    separated,
    to_causal_graph,
    to_projection,
    with_all_confoundings,
    with_latent_nodes,
    word,
)
from qlib.graphs.graphs import d_separated, latent_projection, subsets


def queries(nodes: int) -> list[tuple[int, int, frozenset[int]]]:
    """All (x, y, given) of single nodes x < y."""
    return [
        (x, y, frozenset(int(v) for v in given))
        for x, y in combinations(range(nodes), 2)
        for given in subsets(str(v) for v in range(nodes) if v not in (x, y))
    ]


@st.composite
def structures(draw: st.DrawFn, most: int = 9) -> Structures:
    """One random structure, its arrows upwards in a random order of the nodes."""
    nodes = draw(st.integers(2, most))
    order = draw(st.permutations(range(nodes)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    parents = np.zeros((nodes, 1), word(nodes))
    confounded = np.zeros_like(parents)
    for u, v in combinations(order, 2):
        if rng.random() < 0.35:
            parents[v] |= parents.dtype.type(1 << u)
        if rng.random() < 0.2:
            confounded[u] |= parents.dtype.type(1 << v)
            confounded[v] |= parents.dtype.type(1 << u)
    return Structures(parents, confounded)


# ── d-separation ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_separation_agrees_with_networkx_on_all_dags_of_up_to_four_nodes() -> None:
    for nodes in (2, 3, 4):
        batch = dags(nodes)
        found = {query: separated(batch, {query[0]}, {query[1]}, query[2]) for query in queries(nodes)}
        for k in range(len(batch)):
            digraph = nx.DiGraph()
            digraph.add_nodes_from(range(nodes))
            digraph.add_edges_from((u, v) for v in range(nodes) for u in range(nodes) if batch.parents[v, k] >> u & 1)
            for (x, y, known), truth in found.items():
                assert nx.is_d_separator(digraph, {x}, {y}, set(known)) == truth[k]


@settings(max_examples=60, deadline=None)
@given(structures(), st.data())
def test_separation_agrees_with_that_of_the_causal_graph_with_its_latents(one: Structures, data: st.DataObject) -> None:
    names = [f"V{k}" for k in range(one.nodes)]
    places = data.draw(st.lists(st.integers(0, 3), min_size=one.nodes, max_size=one.nodes))
    xs, ys, known = ([v for v in range(one.nodes) if places[v] == part] for part in (1, 2, 3))
    graph = to_causal_graph(one, 0, names)
    (truth,) = separated(one, xs, ys, known)
    assert truth == d_separated(graph, *([names[v] for v in part] for part in (xs, ys, known)))
    if one.nodes <= 7:
        assert truth == separated(explicit_latents(one), xs, ys, known)[0]


def test_to_remove_a_part_never_destroys_a_separation() -> None:
    """All mixed graphs on three nodes, each arrow and each ↔ taken away, all sources, all sets given."""
    every = mixed_graphs(3)
    for u, v in all_pairs(3):
        off = every.parents.dtype.type(255) ^ np.array([[1 << v], [1 << u]], np.uint8)
        for name in ("parents", "confounded"):
            parts = {"parents": every.parents.copy(), "confounded": every.confounded.copy()}
            parts[name][[u, v]] &= off
            less = Structures(**parts)
            for x in range(3):
                for known in subsets(str(node) for node in range(3) if node != x):
                    nodes = {int(node) for node in known}
                    assert not (reachable(less, x, nodes) & ~reachable(every, x, nodes)).any()


def test_a_latent_of_any_size_separates_as_its_clique_of_pairs_does() -> None:
    """All DAGs on three nodes with all sixteen families of latents, as nodes and as pairs."""
    hidden = [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
    families = [family for size in range(5) for family in combinations(hidden, size)]
    explicit = with_latent_nodes(dags(3), families)
    assert len(explicit) == 25 * 16
    pairs = projected(explicit, 3)
    for x, y, known in queries(3):
        np.testing.assert_array_equal(separated(explicit, {x}, {y}, known), separated(pairs, {x}, {y}, known))


def test_ancestors_are_those_of_networkx() -> None:
    batch = dags(4)
    names = "ABCD"
    for k in range(0, len(batch), 7):
        graph = to_causal_graph(batch, k, names)
        for v in range(4):
            found = ancestors(batch[k : k + 1], {v})[0]
            assert {names[u] for u in range(4) if found >> u & 1} == graph.ancestors(names[v]) | {names[v]}


def test_sources_and_sets_are_checked() -> None:
    batch = dags(3)
    with pytest.raises(ValueError, match="node 1 is in two sets"):
        separated(batch, {0}, {1}, {1})
    with pytest.raises(ValueError, match="node 0 is in two sets"):
        reachable(batch, 0, {0})
    with pytest.raises(ValueError, match="node 3: the nodes are 0 to 2"):
        separated(batch, {0}, {3})
    assert separated(batch, {0}, (), {1}).all()


# ── enumeration ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_number_of_dags_is_robinsons() -> None:
    assert [dag_count(n) for n in range(8)] == [1, 1, 3, 25, 543, 29281, 3781503, 1138779265]  # OEIS A003024
    for n in range(1, 6):
        batch = dags(n)
        assert len(batch) == dag_count(n)
        assert len({tuple(column) for column in batch.parents.T.tolist()}) == len(batch)


def test_chunks_of_codes_are_all_of_them() -> None:
    whole = dags(4)
    parts = concatenate([dags(4, start, min(start + 100, 729)) for start in range(0, 729, 100)])
    np.testing.assert_array_equal(whole.parents, parts.parents)


def test_orientations_over_some_pairs_join_no_others() -> None:
    parents = orientations(3, pairs=[(0, 2)])
    assert parents.shape == (3, 3)
    assert not parents[1].any()
    assert set(map(tuple, parents.T.tolist())) == {(0, 0, 0), (0, 0, 1), (4, 0, 0)}


def test_acyclic_is_what_networkx_calls_so() -> None:
    parents = orientations(4)
    for k in range(0, parents.shape[1], 11):
        digraph = nx.DiGraph([(u, v) for v in range(4) for u in range(4) if parents[v, k] >> u & 1])
        assert nx.is_directed_acyclic_graph(digraph) == acyclic(parents)[k]


def test_every_set_of_confounded_pairs_occurs_once_with_every_dag() -> None:
    batch = mixed_graphs(3)
    assert len({(*a, *b) for a, b in zip(batch.parents.T.tolist(), batch.confounded.T.tolist(), strict=True)}) == 200
    some = with_all_confoundings(dags(3), [(0, 1)])
    assert len(some) == 50
    np.testing.assert_array_equal(confoundings(3, np.arange(2, dtype=np.uint8), [(0, 1)]), [[0, 2], [0, 1], [0, 0]])


@given(structures())
def test_structures_survive_the_way_to_a_causal_graph_and_back(one: Structures) -> None:
    names = [f"V{k}" for k in range(one.nodes)]
    back = from_projections([latent_projection(to_causal_graph(one, 0, names), names)])
    np.testing.assert_array_equal(back.parents, one.parents)
    np.testing.assert_array_equal(back.confounded, one.confounded)


def test_malformed_batches_are_refused() -> None:
    words = np.zeros((3, 1), np.uint8)
    for parents, confounded in ((words, words[:2]), (words, words.astype(np.uint16)), (words.astype(int),) * 2):
        with pytest.raises(ValueError, match="of one unsigned type and one shape"):
            Structures(parents, confounded)
    with pytest.raises(ValueError, match="beyond the last of the 3 nodes: 0b1000"):
        Structures(words + np.uint8(8), words)
    with pytest.raises(ValueError, match="65 nodes"):
        word(65)
    with pytest.raises(ValueError, match="differ from those of the first"):
        from_projections([to_projection(dags(2), 0, "AB"), to_projection(dags(2), 0, "AC")])
    with pytest.raises(ValueError, match="3 names for 2 nodes"):
        to_projection(dags(2), 0, "ABC")
    with pytest.raises(ValueError, match="a node from 1 on has parents"):
        projected(dags(2), 1)
    with pytest.raises(ValueError, match="would lose its latent"):
        explicit_latents(mixed_graphs(3), [(0, 1)])
    assert mask([0, 2, 2]) == 5


def test_latents_of_some_pairs_only_are_the_same_latents() -> None:
    batch = with_all_confoundings(dags(3), [(0, 2)])
    np.testing.assert_array_equal(
        separated(explicit_latents(batch, [(0, 2)]), {3}, {1}, {0}), separated(explicit_latents(batch), {4}, {1}, {0})
    )
