"""Causal graphs: what they refuse, and what the two surgeries do to every graph."""

import pickle
from dataclasses import FrozenInstanceError, replace
from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.graphs.graphs import (
    CausalGraph,
    Edge,
    NodeKind,
    d_separated,
    d_separations,
    disjoint_triples,
    do,
    instrumental_graph,
    intervene_on_edges,
    latent_projection,
    replace_parts,
    subsets,
)

NODES = "ABCDEF"
KINDS = st.sampled_from([NodeKind.OBSERVED, NodeKind.LATENT, NodeKind.QUANTUM])


@st.composite
def graphs(draw: st.DrawFn) -> CausalGraph:
    """A random causal graph: nodes in a random order, arrows forwards, some of them for order only."""
    nodes = draw(st.permutations(NODES[: draw(st.integers(1, len(NODES)))]))
    arrows = [pair for pair in combinations(nodes, 2) if draw(st.booleans())]
    order = [arrow for arrow in arrows if draw(st.integers(0, 3)) == 0]
    return CausalGraph({node: draw(KINDS) for node in nodes}, arrows, order)


@st.composite
def graphs_with_nodes(draw: st.DrawFn) -> tuple[CausalGraph, list[str]]:
    graph = draw(graphs())
    return graph, draw(st.lists(st.sampled_from(sorted(graph.kinds)), unique=True))


@st.composite
def graphs_with_arrows(draw: st.DrawFn) -> tuple[CausalGraph, dict[Edge, str]]:
    """A graph, and a fixed node of its own for some of its arrows."""
    graph = draw(graphs())
    chosen = [edge for edge in sorted(graph.edges) if draw(st.booleans())]
    return graph, {edge: f"{edge[0]}{edge[1]}" for edge in chosen}


def chain() -> CausalGraph:
    return CausalGraph(dict.fromkeys("ABC", NodeKind.OBSERVED), [("A", "B"), ("B", "C")])


# ── the graph ───────────────────────────────────────────────────────────────────────────────────────────────────────


@given(graphs())
def test_the_digraph_has_the_same_nodes_arrows_and_ancestors(graph: CausalGraph) -> None:
    assert list(graph.digraph) == list(graph.kinds)
    assert set(graph.digraph.edges) == graph.edges
    for node in graph.kinds:
        assert graph.parents(node) == set(graph.digraph.predecessors(node)) <= graph.ancestors(node)
        assert graph.ancestors(node) == nx.ancestors(graph.digraph, node)
        assert node not in graph.ancestors(node)


@given(graphs())
def test_order_only_arrows_are_arrows(graph: CausalGraph) -> None:
    assert graph.order_only <= graph.edges


@given(graphs())
def test_every_node_is_of_exactly_one_kind(graph: CausalGraph) -> None:
    assert sorted(node for kind in NodeKind for node in graph.of_kind(kind)) == sorted(graph.kinds)
    assert graph.of_kind(*NodeKind) == tuple(graph.kinds)


@given(graphs())
def test_identity_is_in_kinds_and_arrows_not_in_order_or_drawing(graph: CausalGraph) -> None:
    kinds = dict(reversed(graph.kinds.items()))
    edges = sorted(graph.edges, reverse=True)
    same = CausalGraph(kinds, edges, graph.order_only, positions={next(iter(kinds)): (1, 2)})
    assert same == graph
    assert len({same, graph}) == 1


def test_an_order_only_arrow_differs_from_one_that_carries_a_value() -> None:
    assert instrumental_graph(order_only=[("Z", "Y")]) != replace_parts(
        instrumental_graph(), kinds=instrumental_graph().kinds, added=[("Z", "Y")]
    )


@given(graphs())
def test_graphs_survive_pickling(graph: CausalGraph) -> None:
    assert pickle.loads(pickle.dumps(graph)) == graph


def test_a_graph_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        chain().edges = frozenset()  # type: ignore[misc]
    kinds = {"A": NodeKind.OBSERVED}
    graph = CausalGraph(kinds, [])
    kinds["B"] = NodeKind.LATENT
    assert "B" not in graph.kinds


def test_a_kind_may_be_given_by_its_text() -> None:
    assert CausalGraph({"A": "observed"}, []).of_kind(NodeKind.OBSERVED) == ("A",)  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="node 'A': its kind 'seen' should be one of 'observed', "):
        CausalGraph({"A": "seen"}, [])  # type: ignore[dict-item]


@given(graphs())
def test_a_cycle_is_refused_and_named(graph: CausalGraph) -> None:
    for cause, effect in graph.edges:
        with pytest.raises(ValueError, match=r"the arrows form a cycle: .* → "):
            CausalGraph(graph.kinds, [*graph.edges, (effect, cause)])


def test_malformed_graphs_are_refused() -> None:
    with pytest.raises(ValueError, match="cycle: A → A"):
        CausalGraph({"A": NodeKind.OBSERVED}, [("A", "A")])
    with pytest.raises(ValueError, match="arrow B → A: 'B' is not a node; the nodes are A"):
        CausalGraph({"A": NodeKind.OBSERVED}, [("B", "A")])
    with pytest.raises(ValueError, match="arrow A → B: 'B' is fixed by surgery and has no causes"):
        CausalGraph({"A": NodeKind.OBSERVED, "B": NodeKind.FIXED}, [("A", "B")])
    with pytest.raises(ValueError, match="position of 'B'"):
        CausalGraph({"A": NodeKind.OBSERVED}, [], positions={"B": (0, 0)})
    for ask in (chain().parents, chain().ancestors, chain().require):
        with pytest.raises(ValueError, match="'D' is not a node; the nodes are A, B, C"):
            ask("D")


# ── do ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(graphs_with_nodes())
def test_do_removes_exactly_the_incoming_arrows(case: tuple[CausalGraph, list[str]]) -> None:
    graph, nodes = case
    after = do(graph, *nodes)
    assert graph.edges - after.edges == {edge for edge in graph.edges if edge[1] in nodes}
    assert after.edges <= graph.edges
    assert after.order_only == graph.order_only & after.edges


@given(graphs_with_nodes())
def test_do_fixes_exactly_its_nodes(case: tuple[CausalGraph, list[str]]) -> None:
    graph, nodes = case
    after = do(graph, *nodes)
    assert set(after.of_kind(NodeKind.FIXED)) == set(nodes)
    assert all(after.kinds[node] is graph.kinds[node] for node in graph.kinds if node not in nodes)
    assert not any(after.ancestors(node) for node in nodes)


@given(graphs_with_nodes())
def test_do_is_idempotent_and_its_order_is_of_no_account(case: tuple[CausalGraph, list[str]]) -> None:
    graph, nodes = case
    at_once = one_by_one = do(graph, *nodes)
    for node in reversed(nodes):
        one_by_one = do(one_by_one, node)
    assert one_by_one == at_once
    stepwise = graph
    for node in nodes:
        stepwise = do(stepwise, node)
    assert stepwise == at_once


def test_do_on_an_unknown_node_is_refused() -> None:
    with pytest.raises(ValueError, match="'D' is not a node"):
        do(chain(), "A", "D")


# ── edge surgery ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(graphs_with_arrows())
def test_edge_surgery_changes_the_tails_of_its_arrows_and_nothing_else(
    case: tuple[CausalGraph, dict[Edge, str]],
) -> None:
    graph, values = case
    after = intervene_on_edges(graph, values)
    assert graph.edges - after.edges == set(values)
    assert after.edges - graph.edges == {(value, effect) for (_, effect), value in values.items()}
    assert len(after.order_only) == len(graph.order_only)
    assert set(after.of_kind(NodeKind.FIXED)) == set(values.values())
    assert all(after.kinds[node] is graph.kinds[node] for node in graph.kinds)


@given(graphs_with_arrows())
def test_edge_surgeries_commute(case: tuple[CausalGraph, dict[Edge, str]]) -> None:
    graph, values = case
    forwards = backwards = graph
    for edge in values:
        forwards = intervene_on_edges(forwards, {edge: values[edge]})
    for edge in reversed(values):
        backwards = intervene_on_edges(backwards, {edge: values[edge]})
    assert forwards == backwards == intervene_on_edges(graph, values)


@given(graphs_with_arrows())
def test_edge_surgery_leaves_the_causes_of_the_tail(case: tuple[CausalGraph, dict[Edge, str]]) -> None:
    graph, values = case
    after = intervene_on_edges(graph, values)
    untouched = set(graph.kinds) - {effect for _, effect in values}
    assert all(after.parents(node) == graph.parents(node) for node in untouched)


@given(graphs(), st.sampled_from(NODES))
def test_do_and_surgery_on_all_outgoing_arrows_cut_off_the_same_causes(graph: CausalGraph, node: str) -> None:
    """What happens downstream of do(X=x) is what happens downstream of x when every child of X receives x instead."""
    if node not in graph.kinds:
        return
    children = [edge for edge in graph.edges if edge[0] == node]
    resent = intervene_on_edges(graph, dict.fromkeys(children, "value"))
    cut = do(graph, node)
    for other in set(graph.kinds) - {node}:
        renamed = {"value" if name == node else name for name in cut.parents(other)}
        assert resent.parents(other) == renamed


def test_edge_surgery_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="A → C is not an arrow"):
        intervene_on_edges(chain(), {("A", "C"): "a"})
    with pytest.raises(ValueError, match="'C' is already a node"):
        intervene_on_edges(chain(), {("A", "B"): "C"})


def test_edge_surgery_never_merges_two_arrows() -> None:
    graph = instrumental_graph(order_only=[("Z", "Y")])
    with pytest.raises(ValueError, match="cannot share the value 'v'"):
        intervene_on_edges(graph, {("X", "Y"): "v", ("Z", "Y"): "v"})
    shared = intervene_on_edges(graph, {("Λ", "X"): "v", ("Λ", "Y"): "v"})
    assert {("v", "X"), ("v", "Y")} <= shared.edges


# ── d-separation ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(graphs())
def test_every_node_is_separated_from_its_non_descendants_by_its_parents(graph: CausalGraph) -> None:
    graph = replace(graph, order_only=frozenset())
    for node in graph.kinds:
        parents = graph.parents(node)
        others = {other for other in graph.kinds if node not in graph.ancestors(other)} - parents - {node}
        assert d_separated(graph, node, others, parents)


@given(graphs())
def test_what_is_adjacent_is_never_separated_and_what_is_not_can_be(graph: CausalGraph) -> None:
    adjacent = {frozenset(edge) for edge in graph.edges - graph.order_only}
    found = {frozenset(xs | ys) for xs, ys, _ in d_separations(graph, graph.kinds, sets=False)}
    assert found == {frozenset(pair) for pair in combinations(graph.kinds, 2)} - adjacent


@settings(max_examples=25, deadline=None)
@given(graphs())
def test_the_listed_separations_are_those_that_hold(graph: CausalGraph) -> None:
    nodes = list(graph.kinds)[:4]
    listed = list(d_separations(graph, nodes))
    assert len(set(listed)) == len(listed)
    assert set(listed) == {triple for triple in disjoint_triples(nodes) if d_separated(graph, *triple)}
    single = [triple for triple in listed if len(triple[0]) == len(triple[1]) == 1]
    assert set(single) == set(d_separations(graph, nodes, sets=False))


@settings(max_examples=50, deadline=None)
@given(graphs())
def test_the_latent_projection_keeps_the_separations(graph: CausalGraph) -> None:
    nodes = graph.of_kind(NodeKind.OBSERVED)
    projection = latent_projection(graph)
    assert projection.nodes == nodes
    after = projection.with_latents(NodeKind.QUANTUM)
    assert set(d_separations(after, nodes, sets=False)) == set(d_separations(graph, sets=False))
    assert latent_projection(after) == projection


def test_a_latent_with_three_children_projects_to_three_confounded_pairs() -> None:
    kinds = {"L": NodeKind.LATENT, **dict.fromkeys("ABC", NodeKind.OBSERVED)}
    projection = latent_projection(CausalGraph(kinds, [("L", node) for node in "ABC"]))
    assert projection.confounded == {frozenset(pair) for pair in combinations("ABC", 2)}
    assert not projection.arrows


def test_a_latent_between_two_observed_nodes_projects_to_an_arrow() -> None:
    kinds = {"A": NodeKind.OBSERVED, "L": NodeKind.LATENT, "B": NodeKind.OBSERVED}
    projection = latent_projection(CausalGraph(kinds, [("A", "L"), ("L", "B")]))
    assert projection.arrows == {("A", "B")}
    assert not projection.confounded


def test_arrows_that_carry_order_only_separate_nothing_and_join_nothing() -> None:
    graph = instrumental_graph(order_only=[("Z", "Y")])
    plain = instrumental_graph()
    assert set(d_separations(graph, "ZXYΛ")) == set(d_separations(plain, "ZXYΛ"))
    assert latent_projection(graph) == latent_projection(plain)


def test_a_name_stands_for_its_set_and_the_empty_set_is_separated_from_all() -> None:
    assert d_separated(chain(), "A", "C", "B") is d_separated(chain(), {"A"}, {"C"}, {"B"}) is True
    assert d_separated(chain(), "A", ["B", "C"]) is False
    assert d_separated(chain(), (), "A")
    assert d_separated(chain(), "A", (), "B")


def test_separation_of_unknown_or_repeated_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="'D' is not a node"):
        d_separated(chain(), "A", "D")
    with pytest.raises(ValueError, match="'B' is in two of the three sets"):
        d_separated(chain(), ["A", "B"], "C", "B")
    for ask in (d_separations, latent_projection):
        with pytest.raises(ValueError, match="'D' is not a node"):
            list(ask(chain(), "ABD"))  # type: ignore[operator]


def test_the_number_of_disjoint_triples_is_half_of_what_two_ordered_sets_would_give() -> None:
    for n in range(6):
        assert sum(1 for _ in subsets("ABCDE"[:n])) == 2**n
        assert sum(1 for _ in disjoint_triples("ABCDE"[:n])) == (4**n - 2 * 3**n + 2**n) // 2


# ── the instrumental scenario ───────────────────────────────────────────────────────────────────────────────────────


def test_the_instrumental_graph_is_that_of_pearl() -> None:
    graph = instrumental_graph()
    assert graph.edges == {("Z", "X"), ("X", "Y"), ("Λ", "X"), ("Λ", "Y")}
    assert nx.is_d_separator(graph.digraph, {"Z"}, {"Λ"}, set())
    assert nx.is_d_separator(graph.digraph, {"Z"}, {"Y"}, {"X", "Λ"})
    assert not nx.is_d_separator(
        graph.digraph, {"Z"}, {"Y"}, {"X"}
    )  # X is a collider: conditioning opens Z → X ← Λ → Y


def test_fig_2b_of_wang_and_zhang_follows_from_fig_2a_by_surgery_on_two_arrows() -> None:
    network = instrumental_graph(NodeKind.QUANTUM, order_only=[("Z", "Y")])
    hypothetical = intervene_on_edges(network, {("X", "Y"): "x", ("Z", "Y"): "z"})
    assert hypothetical.parents("Y") == {"x", "z", "Λ"}
    assert hypothetical.parents("X") == network.parents("X") == {"Z", "Λ"}
    assert hypothetical.order_only == {("z", "Y")}
    assert hypothetical.of_kind(NodeKind.QUANTUM) == ("Λ",)
    assert hypothetical.of_kind(NodeKind.FIXED) == ("x", "z")


def test_parts_are_replaced_without_touching_the_rest() -> None:
    graph = replace_parts(chain(), kinds=chain().kinds, removed=[("A", "B")], added_order_only=[("A", "C")])
    assert graph.edges == {("B", "C"), ("A", "C")}
    assert graph.order_only == {("A", "C")}
    assert replace(graph, positions={"A": (0, 0)}) == graph
