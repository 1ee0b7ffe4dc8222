"""Causal graphs: directed acyclic graphs whose nodes are observed, latent (classical or quantum), or fixed by surgery.

Two surgeries are provided. `do` is Pearl's: a node loses its causes and takes a fixed value. `intervene_on_edges`
replaces what *one* child receives from a node by a fixed value and leaves the node itself, with its causes and its
other children, as it was: it is what an experimenter does who records a variable and then resends another value.
Fig. 2b of Wang & Zhang (2025) is the second surgery, applied to X → Y and Z → Y.

`d_separated` and `d_separations` say which conditional independences a graph implies, `latent_projection` what is left
of it when its latent nodes are left out. `qlib.graphs.enumeration` asks the same of millions of graphs at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import combinations, product

import networkx as nx

from qlib.numbers.arguments import all_of, distinct, one_of, require, several, show

Edge = tuple[str, str]
Separation = tuple[frozenset[str], frozenset[str], frozenset[str]]


class NodeKind(StrEnum):
    """What a node of a causal graph stands for."""

    OBSERVED = "observed"
    LATENT = "latent classical"
    QUANTUM = "latent quantum"
    FIXED = "fixed by surgery"


@dataclass(frozen=True)
class CausalGraph:
    """A causal graph.

    kinds : node name → `NodeKind`.
    edges : the arrows, as (cause, effect) pairs.
    order_only : the arrows that carry the time order of events and no value: the effect happens after the cause and
        does not depend on it (the red arrow of Wang & Zhang's Fig. 2a).
    positions : node name → (x, y), for drawing only; not part of the graph's identity.

    Raises ``ValueError`` for an unknown kind, an arrow or a position of an unknown node, an arrow into a fixed node, or
    a directed cycle. Graphs are compared and hashed by nodes, kinds and arrows.

    >>> instrumental = CausalGraph(
    ...     {"Z": NodeKind.OBSERVED, "X": NodeKind.OBSERVED, "Y": NodeKind.OBSERVED, "Λ": NodeKind.QUANTUM},
    ...     [("Z", "X"), ("X", "Y"), ("Λ", "X"), ("Λ", "Y")])
    >>> sorted(instrumental.parents("Y"))
    ['X', 'Λ']
    >>> CausalGraph({"A": NodeKind.OBSERVED}, [("A", "B")])
    Traceback (most recent call last):
        ...
    ValueError: arrow A → B: 'B' is not a node; the nodes are A
    """

    kinds: Mapping[str, NodeKind]
    edges: frozenset[Edge]
    order_only: frozenset[Edge] = frozenset()
    positions: Mapping[str, tuple[float, float]] = field(default_factory=dict, compare=False)

    def __init__(
        self,
        kinds: Mapping[str, NodeKind],
        edges: Iterable[Edge],
        order_only: Iterable[Edge] = (),
        positions: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        edges, order_only = _arrows(edges, "edges"), _arrows(order_only, "order_only")
        require(Mapping, kinds=kinds)
        if positions is not None:
            require(Mapping, positions=positions)
        object.__setattr__(self, "kinds", {node: _kind(node, kind) for node, kind in kinds.items()})
        object.__setattr__(self, "order_only", frozenset(order_only))
        object.__setattr__(self, "edges", frozenset(edges) | self.order_only)
        object.__setattr__(self, "positions", dict(positions or {}))
        _validate(self)

    def __hash__(self) -> int:
        return hash((frozenset(self.kinds.items()), self.edges, self.order_only))

    @property
    def digraph(self) -> nx.DiGraph:
        """The same graph as a networkx `DiGraph`, nodes in the order in which they were given."""
        graph = nx.DiGraph()
        graph.add_nodes_from((name, {"kind": kind}) for name, kind in self.kinds.items())
        graph.add_edges_from(sorted(self.edges))
        return graph

    def parents(self, node: str) -> frozenset[str]:
        """The nodes that an arrow leads from to this node, be it one that carries order only."""
        require(str, node=node)
        self.require(node)
        return frozenset(cause for cause, effect in self.edges if effect == node)

    def ancestors(self, node: str) -> frozenset[str]:
        """The nodes that a directed path leads from to this node, over arrows of either sort."""
        require(str, node=node)
        self.require(node)
        return frozenset(nx.ancestors(self.digraph, node))

    def of_kind(self, *kinds: NodeKind) -> tuple[str, ...]:
        """The nodes of the given kinds, in the order in which they were given."""
        for kind in kinds:
            one_of(kind, "kinds", NodeKind)
        return tuple(name for name, kind in self.kinds.items() if kind in kinds)

    def require(self, node: str) -> None:
        """Raise ``ValueError`` if there is no such node."""
        require(str, node=node)
        if node not in self.kinds:
            raise ValueError(f"{node!r} is not a node; the nodes are {', '.join(self.kinds)}")


def _arrows(edges: Iterable[Edge], name: str) -> list[Edge]:
    """The argument as pairs (cause, effect) of names."""
    pairs = [all_of(str, edge, name) for edge in several(edges, name)]
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError(f"{name}: {pair} should be a pair (cause, effect)")
    return [(cause, effect) for cause, effect in pairs]


def _kind(node: str, kind: str) -> NodeKind:
    require(str, node=node)
    if kind not in tuple(NodeKind):
        known = ", ".join(repr(str(each)) for each in NodeKind)
        raise ValueError(f"node {node!r}: its kind {kind!r} should be one of {known}")
    return NodeKind(kind)


def _validate(graph: CausalGraph) -> None:
    for node in graph.positions:
        if node not in graph.kinds:
            raise ValueError(f"position of {node!r}: it is not a node; the nodes are {', '.join(graph.kinds)}")
    for cause, effect in sorted(graph.edges):
        for end in (cause, effect):
            if end not in graph.kinds:
                nodes = ", ".join(graph.kinds)
                raise ValueError(f"arrow {cause} → {effect}: {end!r} is not a node; the nodes are {nodes}")
        if graph.kinds[effect] is NodeKind.FIXED:
            raise ValueError(f"arrow {cause} → {effect}: {effect!r} is fixed by surgery and has no causes")
    if not nx.is_directed_acyclic_graph(graph.digraph):
        cycle = nx.find_cycle(graph.digraph)
        raise ValueError("the arrows form a cycle: " + " → ".join([cycle[0][0], *(b for _, b in cycle)]))


def do(graph: CausalGraph, *nodes: str) -> CausalGraph:
    """Pearl's surgery: each of `nodes` loses its incoming arrows and is fixed.

    >>> chain = CausalGraph({v: NodeKind.OBSERVED for v in "ABC"}, [("A", "B"), ("B", "C")])
    >>> sorted(do(chain, "B").edges)
    [('B', 'C')]
    """
    require(CausalGraph, graph=graph)
    for node in nodes:
        graph.require(node)
    return replace_parts(
        graph,
        kinds={**graph.kinds, **dict.fromkeys(nodes, NodeKind.FIXED)},
        removed=[edge for edge in graph.edges if edge[1] in nodes],
    )


def intervene_on_edges(graph: CausalGraph, values: Mapping[Edge, str]) -> CausalGraph:
    """Edge surgery: each arrow (cause, effect) is replaced by an arrow from a new fixed node to the effect.

    `values` maps an arrow to the name of the fixed node that replaces its tail; the tail keeps its own causes and
    its other effects. Arrows to different effects may share one fixed node. Raises ``ValueError`` for an arrow that is
    not there, a fixed node that is there already, or two arrows to one effect that would become one.

    >>> chain = CausalGraph({v: NodeKind.OBSERVED for v in "ABC"}, [("A", "B"), ("B", "C")])
    >>> sorted(intervene_on_edges(chain, {("B", "C"): "b"}).edges)
    [('A', 'B'), ('b', 'C')]
    """
    require(CausalGraph, graph=graph)
    require(Mapping, values=values)
    for edge, value in values.items():
        require(str, values=value)
        if edge not in graph.edges:
            arrow = f"{edge[0]} → {edge[1]}" if isinstance(edge, tuple) and len(edge) == 2 else show(edge)
            raise ValueError(f"values: {arrow} is not an arrow of the graph")
        if value in graph.kinds:
            raise ValueError(f"{value!r} is already a node; the fixed value needs a name of its own")
    moved = {edge: (value, edge[1]) for edge, value in values.items()}
    for edge, new in moved.items():
        if list(moved.values()).count(new) > 1:
            raise ValueError(
                f"{edge[0]} → {edge[1]} and another arrow into {new[1]!r} cannot share the value {new[0]!r}"
            )
    return replace_parts(
        graph,
        kinds={**graph.kinds, **dict.fromkeys(values.values(), NodeKind.FIXED)},
        removed=moved,
        added=[new for old, new in moved.items() if old not in graph.order_only],
        added_order_only=[new for old, new in moved.items() if old in graph.order_only],
    )


def replace_parts(
    graph: CausalGraph,
    *,
    kinds: Mapping[str, NodeKind],
    removed: Iterable[Edge] = (),
    added: Iterable[Edge] = (),
    added_order_only: Iterable[Edge] = (),
) -> CausalGraph:
    """The graph with other kinds, without the `removed` arrows and with the added ones."""
    require(CausalGraph, graph=graph)
    require(Mapping, kinds=kinds)
    gone = frozenset(_arrows(removed, "removed"))
    return replace(
        graph,
        kinds=kinds,
        edges=(graph.edges - gone) | frozenset(_arrows(added, "added")),
        order_only=(graph.order_only - gone) | frozenset(_arrows(added_order_only, "added_order_only")),
    )


# ── d-separation ────────────────────────────────────────────────────────────────────────────────────────────────────


def d_separated(
    graph: CausalGraph, xs: str | Iterable[str], ys: str | Iterable[str], given: str | Iterable[str] = ()
) -> bool:
    """Whether `given` blocks every path between `xs` and `ys` (Pearl's d-separation, by networkx).

    A single name stands for the set of that one node. Latent nodes are nodes like others, so that a latent may have any
    number of children and may itself be in any of the three sets. Arrows that carry order only carry no influence and
    count for nothing. The empty set is separated from every set. Raises ``ValueError`` for an unknown node, or one that
    is in two of the sets.

    >>> graph = instrumental_graph()
    >>> d_separated(graph, "Z", "Λ"), d_separated(graph, "Z", "Λ", given="Y"), d_separated(graph, "Z", "Y", ["X", "Λ"])
    (True, False, True)
    """
    require(CausalGraph, graph=graph)
    parts = {"xs": xs, "ys": ys, "given": given}
    sets = [{part} if isinstance(part, str) else set(distinct(part, name)) for name, part in parts.items()]
    for node in set().union(*sets):
        graph.require(node)
    for one, other in combinations(sets, 2):
        if twice := one & other:
            raise ValueError(f"{min(twice)!r} is in two of the three sets, which should be disjoint")
    return not sets[0] or not sets[1] or bool(nx.is_d_separator(_influences(graph), *sets))


def _influences(graph: CausalGraph) -> nx.DiGraph:
    """The arrows that carry a value."""
    digraph = graph.digraph
    digraph.remove_edges_from(graph.order_only)
    return digraph


def d_separations(
    graph: CausalGraph, observed: Iterable[str] | None = None, *, sets: bool = True
) -> Iterator[Separation]:
    """Every d-separation (xs, ys, given) that holds among the observed nodes, each once.

    observed : the nodes to speak about; by default those of the kind `Kind.OBSERVED`.
    sets : statements between sets of nodes, or (False) between single nodes only, given any set. As sets are
        d-separated where all pairs of their elements are, the second determine the first.

    Of (xs, ys, given) and (ys, xs, given) the one is listed whose xs holds the node that comes first among `observed`.

    >>> chain = CausalGraph({v: NodeKind.OBSERVED for v in "ABC"}, [("A", "B"), ("B", "C")])
    >>> [tuple("".join(part) for part in separation) for separation in d_separations(chain)]
    [('A', 'C', 'B')]
    """
    if observed is not None:
        observed = distinct(observed, "observed")
    require(CausalGraph, graph=graph)
    nodes = graph.of_kind(NodeKind.OBSERVED) if observed is None else tuple(observed)
    digraph = _influences(graph)
    for node in nodes:
        graph.require(node)
    separated = {
        (x, y, given)
        for x, y in combinations(nodes, 2)
        for given in subsets([node for node in nodes if node not in (x, y)])
        if nx.is_d_separator(digraph, {x}, {y}, set(given))
    }
    for xs, ys, given in disjoint_triples(nodes):
        pairs = (tuple(sorted(pair, key=nodes.index)) for pair in product(xs, ys))
        if (sets or len(xs) == len(ys) == 1) and all((*pair, given) in separated for pair in pairs):
            yield xs, ys, given


def subsets(items: Iterable[str]) -> Iterator[frozenset[str]]:
    """All subsets, the small ones first.

    >>> ["".join(sorted(subset)) for subset in subsets("ab")]
    ['', 'a', 'b', 'ab']
    """
    items = distinct(items, "items")
    pool = tuple(items)
    for size in range(len(pool) + 1):
        yield from map(frozenset, combinations(pool, size))


def disjoint_triples(nodes: Iterable[str]) -> Iterator[Separation]:
    """All (xs, ys, given) of disjoint sets, xs and ys not empty, the first node of both in xs.

    >>> sum(1 for _ in disjoint_triples("ABC"))
    9
    """
    nodes = distinct(nodes, "nodes")
    pool = tuple(nodes)
    for places in product(range(4), repeat=len(pool)):
        xs, ys, given = (
            frozenset(node for node, at in zip(pool, places, strict=True) if at == part) for part in (1, 2, 3)
        )
        if xs and ys and places.index(1) < places.index(2):
            yield xs, ys, given


@dataclass(frozen=True)
class Projection:
    """What is left of a causal graph when its latent nodes are left out: an acyclic directed mixed graph.

    nodes : the nodes that are kept. arrows : the pairs (cause, effect). confounded : the pairs of nodes that a common
    cause outside the graph acts on (↔).
    """

    nodes: tuple[str, ...]
    arrows: frozenset[Edge]
    confounded: frozenset[frozenset[str]]

    def __post_init__(self) -> None:
        nodes = distinct(self.nodes, "nodes")
        for arrow in _arrows(self.arrows, "arrows"):
            distinct(arrow, "arrows", known=nodes)
        for pair in several(self.confounded, "confounded"):
            distinct(pair, "confounded", known=nodes)

    def with_latents(self, kind: NodeKind = NodeKind.LATENT) -> CausalGraph:
        """A causal graph with a latent common cause for every confounded pair; its projection is this one.

        >>> sorted(latent_projection(instrumental_graph()).with_latents().edges)
        [('X', 'Y'), ('X↔Y', 'X'), ('X↔Y', 'Y'), ('Z', 'X')]
        """
        pairs = {"↔".join(sorted(pair, key=self.nodes.index)): pair for pair in self.confounded}
        kinds = {**dict.fromkeys(self.nodes, NodeKind.OBSERVED), **dict.fromkeys(sorted(pairs), kind)}
        return CausalGraph(kinds, self.arrows | {(name, node) for name, pair in pairs.items() for node in pair})


def latent_projection(graph: CausalGraph, observed: Iterable[str] | None = None) -> Projection:
    """Verma and Pearl's projection onto the observed nodes; it has the same d-separations among them.

    There is an arrow where a directed path leads from one kept node to another through left-out nodes only, and ↔ where
    some left-out node reaches both by such paths. A latent with three children thus leaves three pairs.

    >>> latent_projection(instrumental_graph()).confounded == {frozenset("XY")}
    True
    """
    if observed is not None:
        observed = distinct(observed, "observed")
    require(CausalGraph, graph=graph)
    nodes = graph.of_kind(NodeKind.OBSERVED) if observed is None else tuple(observed)
    for node in nodes:
        graph.require(node)
    digraph = _influences(graph)

    def reached(start: str) -> set[str]:
        """The kept nodes that a directed path leads to through left-out nodes only."""
        found: set[str] = set()
        pending, seen = [start], {start}
        while pending:
            for child in digraph.successors(pending.pop()):
                if child in nodes:
                    found.add(child)
                elif child not in seen:
                    seen.add(child)
                    pending.append(child)
        return found

    arrows = frozenset((node, effect) for node in nodes for effect in reached(node))
    hidden = [reached(node) for node in graph.kinds if node not in nodes]
    return Projection(
        nodes, arrows, frozenset(frozenset(pair) for effects in hidden for pair in combinations(sorted(effects), 2))
    )


def instrumental_graph(latent: NodeKind = NodeKind.LATENT, order_only: Iterable[Edge] = ()) -> CausalGraph:
    """The instrumental scenario: Z → X → Y with a latent common cause Λ of X and Y, classical or quantum.

    With a quantum latent and the order-only arrow Z → Y it is Fig. 2a of Wang & Zhang (2025).

    >>> sorted(instrumental_graph(NodeKind.QUANTUM, order_only=[("Z", "Y")]).parents("Y"))
    ['X', 'Z', 'Λ']
    """
    return CausalGraph(
        {"Λ": latent, "Z": NodeKind.OBSERVED, "X": NodeKind.OBSERVED, "Y": NodeKind.OBSERVED},
        [("Z", "X"), ("X", "Y"), ("Λ", "X"), ("Λ", "Y")],
        order_only=order_only,
        positions={"Z": (0, 0), "X": (1.5, 0), "Y": (3, 0), "Λ": (2.25, 1.2)},
    )
