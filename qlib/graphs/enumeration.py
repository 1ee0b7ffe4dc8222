"""Many causal structures at a time: bit masks, d-separation of whole batches, enumeration of all graphs.

A batch holds structures on the same few observed nodes, numbered from 0. A set of nodes is a word whose bit v says
whether node v is in it. A structure is, for each node, the word of its parents and the word of the nodes that it
shares a latent common cause with (↔): the latent projection of a causal graph (`qlib.graphs.graphs.latent_projection`).
Nothing is lost for d-separation. A path through a latent, a ← L → b, has arrowheads at both ends as a ↔ b has, and L
itself, which is not conditioned on, blocks nothing; so a latent with many children gives the d-separations of the
clique of pairs ↔. To condition on latents, make them nodes (`explicit_latents`).

`reachable` is the Bayes ball (Shachter 1998) for all structures of a batch at once: `&`, `|` and shifts of arrays of
words, nothing else. `qlib.graphs.graphs.d_separated` answers the same question of one graph, by networkx.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qlib.graphs.graphs import CausalGraph, Projection
from qlib.numbers.arguments import Shape, all_of, distinct, numbers, require, several, show, whole, wholes

Words = NDArray[Any]  # of an unsigned type
Truths = NDArray[np.bool_]
Pairs = Sequence[tuple[int, int]]
MOST_NODES = 64  # a bit each


@dataclass(frozen=True, eq=False)
class Structures:
    """A batch of causal structures on the same nodes.

    parents, confounded : shape (nodes, structures), of one unsigned type with at least as many bits as nodes. Bit u of
        parents[v, k] says whether u → v in structure k, bit u of confounded[v, k] whether u ↔ v.

    Raises ``ValueError`` for arrays of other shapes or types, or nodes beyond the last.

    >>> chain = Structures(np.array([[0], [1], [2]], np.uint8), np.zeros((3, 1), np.uint8))
    >>> separated(chain, {0}, {2}, {1})
    array([ True])
    """

    parents: Words
    confounded: Words

    def __post_init__(self) -> None:
        for name, words in {"parents": self.parents, "confounded": self.confounded}.items():
            numbers(words, name)
            require(np.ndarray, **{name: words})
        shapes = {self.parents.shape, self.confounded.shape}
        types = {self.parents.dtype, self.confounded.dtype}
        if len(shapes) > 1 or self.parents.ndim != 2 or len(types) > 1 or self.parents.dtype.kind != "u":
            raise ValueError(
                f"parents {self.parents.dtype}{self.parents.shape} and confounded {self.confounded.dtype}"
                f"{self.confounded.shape} should be of one unsigned type and one shape (nodes, structures)"
            )
        everything = np.bitwise_or.reduce(self.parents | self.confounded, axis=None, initial=0)
        if int(everything) >> self.nodes:
            raise ValueError(f"a word holds a node beyond the last of the {self.nodes} nodes: {int(everything):#b}")

    def __len__(self) -> int:
        return int(self.parents.shape[1])

    @property
    def nodes(self) -> int:
        """How many nodes each structure has."""
        return int(self.parents.shape[0])

    @cached_property
    def children(self) -> Words:
        """As `parents`, the arrows followed the other way."""
        return np.stack([_gather(self.parents, v) for v in range(self.nodes)])

    def __getitem__(self, which: Any) -> Structures:
        """The structures that a slice, a mask or an array of indices selects."""
        if not isinstance(which, slice):
            which = numbers(which, "which", (None,))
            if which.dtype.kind not in "bui":
                raise TypeError(f"which: {show(which)} should be a slice, a mask, or whole numbers")
            if which.dtype.kind != "b" and ((which >= len(self)) | (which < -len(self))).any():
                raise ValueError(f"which: there are {len(self)} structures, none numbered {which.max()}")
        return Structures(self.parents[:, which], self.confounded[:, which])


def _words(words: Words, name: str, shape: Shape) -> Words:
    found = numbers(words, name, shape)
    if found.dtype.kind != "u":
        raise TypeError(f"{name}: its type {found.dtype} should be an unsigned one")
    return found


def word(nodes: int) -> np.dtype[Any]:
    """The smallest unsigned type with a bit for each node.

    >>> word(8), word(9)
    (dtype('uint8'), dtype('uint16'))
    """
    whole(nodes, "nodes", 0)
    for bits in (8, 16, 32, 64):
        if nodes <= bits:
            return np.dtype(f"uint{bits}")
    raise ValueError(f"{nodes} nodes: a batch holds structures of at most 64")


def mask(nodes: Iterable[int]) -> int:
    """A set of nodes as a word.

    >>> mask([0, 2])
    5
    """
    return sum(1 << node for node in set(wholes(nodes, "nodes", 0)))


def _gather(words: Words, bit: int) -> Words:
    """The word whose bit u is the given bit of words[u]."""
    gathered: Words = np.zeros_like(words[0])
    for u, row in enumerate(words):
        gathered |= ((row >> bit) & row.dtype.type(1)) << u
    return gathered


def _spread(words: Words, bit: int) -> Words:
    """All ones where the bit is set, else zero."""
    spread: Words = -((words >> bit) & words.dtype.type(1))
    return spread


def concatenate(batches: Sequence[Structures]) -> Structures:
    """The structures of several batches on the same nodes, in one."""
    if not (batches := all_of(Structures, batches, "batches")):
        raise ValueError("batches: there should be at least one")
    return Structures(
        np.concatenate([batch.parents for batch in batches], axis=1),
        np.concatenate([batch.confounded for batch in batches], axis=1),
    )


# ── d-separation ────────────────────────────────────────────────────────────────────────────────────────────────────


def ancestors(structures: Structures, nodes: Iterable[int]) -> Words:
    """The given nodes and all their ancestors, one word for each structure."""
    require(Structures, structures=structures)
    nodes = wholes(nodes, "nodes", 0, structures.nodes - 1)
    found = np.full(len(structures), mask(nodes), structures.parents.dtype)
    while True:
        before = found.copy()
        for v, parents in enumerate(structures.parents):
            found |= parents & _spread(found, v)
        if np.array_equal(found, before):
            return found


def reachable(structures: Structures, source: int, given: Iterable[int] = ()) -> Words:
    """The nodes that are d-connected to `source` given some nodes, one word for each structure.

    A ball rolls from the source over the arrows. It passes a node that is not given unless it came in and would leave
    by arrowheads (a collider); a collider it passes if the node is given or has a given descendant.
    Raises ``ValueError`` if the source is given, or a node is none of the structures'.
    """
    require(Structures, structures=structures)
    source, given = whole(source, "source"), set(wholes(given, "given"))
    _require(structures, source={source}, given=given)
    opened = ancestors(structures, given)
    children = structures.children
    start = structures.parents.dtype.type(1 << source)
    by_tail = np.full(len(structures), start)  # nodes that the ball came to against an arrow, or started from
    by_head = np.zeros_like(by_tail)  # nodes that it came to at an arrowhead
    pointed_at = [
        parents.any() or confounded.any()
        for parents, confounded in zip(structures.parents, structures.confounded, strict=True)
    ]
    while True:
        before = (by_tail.copy(), by_head.copy())
        for v in range(structures.nodes):
            tail, head = _spread(by_tail, v), _spread(by_head, v)
            if pointed_at[v]:
                to_heads = head if v in given else tail | (head & _spread(opened, v))
                by_tail |= structures.parents[v] & to_heads
                by_head |= structures.confounded[v] & to_heads
            if v not in given:
                by_head |= children[v] & (tail | head)
        if np.array_equal(before[0], by_tail) and np.array_equal(before[1], by_head):
            found: Words = (by_tail | by_head) & structures.parents.dtype.type(
                _complement(structures, given | {source})
            )
            return found


def _complement(structures: Structures, nodes: Iterable[int]) -> int:
    return (1 << structures.nodes) - 1 & ~mask(nodes)


def _require(structures: Structures, **sets: set[int]) -> None:
    for (one, first), (other, second) in combinations(sets.items(), 2):
        if twice := first & second:
            raise ValueError(f"{one} and {other}: node {min(twice)} is in two sets, which should be disjoint")
    for name, nodes in sets.items():
        for node in nodes:
            if not 0 <= node < structures.nodes:
                raise ValueError(f"{name}: node {node}: the nodes are 0 to {structures.nodes - 1}")


def separated(structures: Structures, xs: Iterable[int], ys: Iterable[int], given: Iterable[int] = ()) -> Truths:
    """Whether `given` d-separates `xs` from `ys`, for each structure.

    Raises ``ValueError`` if the sets are not disjoint, or a node is none of the structures'.
    """
    require(Structures, structures=structures)
    xs, ys, given = (set(wholes(part, name)) for name, part in {"xs": xs, "ys": ys, "given": given}.items())
    _require(structures, xs=xs, ys=ys, given=given)
    target = structures.parents.dtype.type(mask(ys))
    apart = np.ones(len(structures), dtype=bool)
    for x in xs:
        apart &= (reachable(structures, x, given) & target) == 0
    return apart


# ── enumeration ─────────────────────────────────────────────────────────────────────────────────────────────────────


def acyclic(parents: Words) -> Truths:
    """Whether the arrows form no directed cycle: nodes without parents are taken away until none is left.

    parents : shape (nodes, structures), as in `Structures`.
    """
    parents = _words(parents, "parents", (None, None))
    left = np.full(parents.shape[1], (1 << len(parents)) - 1, parents.dtype)
    for _ in range(len(parents)):
        for v, above in enumerate(parents):
            left &= ~(((above & left) == 0).astype(parents.dtype) << v)
    return np.asarray(left == 0)


def orientations(nodes: int, start: int = 0, stop: int | None = None, pairs: Pairs | None = None) -> Words:
    """The parents of nodes when each pair is joined by no arrow or one, for the codes from start to stop.

    pairs : those that may be joined, (0, 1), (0, 2), …, (1, 2), … (all) by default.
    The code's digits to base three, least first, belong to the pairs: 0 no arrow, 1 from the first node to the second,
    2 from the second to the first. There are 3^(number of pairs) codes.
    """
    whole(nodes, "nodes", 0)
    whole(start, "start", 0)
    stop = None if stop is None else whole(stop, "stop", 0)
    pairs = _pairs(nodes, pairs)
    stop = 3 ** len(pairs) if stop is None else stop
    code = np.arange(start, stop, dtype=np.uint64 if stop >= 2**32 else np.uint32)
    parents = np.zeros((nodes, len(code)), word(nodes))
    for u, v in pairs:
        code, digit = np.divmod(code, 3)
        parents[v] |= (digit == 1).astype(parents.dtype) << u
        parents[u] |= (digit == 2).astype(parents.dtype) << v
    return parents


def _pairs(nodes: int, pairs: Pairs | None) -> Pairs:
    """The pairs that are meant: by default all."""
    if pairs is None:
        return all_pairs(nodes)
    found = [wholes(pair, "pairs", 0, nodes - 1) for pair in several(pairs, "pairs")]
    for pair in found:
        if len(pair) != 2 or pair[0] == pair[1]:
            raise ValueError(f"pairs: {pair} should be a pair of different nodes")
    return [(u, v) for u, v in found]


def all_pairs(nodes: int) -> Pairs:
    """The pairs of nodes in the order in which codes speak of them.

    >>> all_pairs(3)
    [(0, 1), (0, 2), (1, 2)]
    """
    whole(nodes, "nodes", 0, MOST_NODES)
    return list(combinations(range(nodes), 2))


def dags(nodes: int, start: int = 0, stop: int | None = None, pairs: Pairs | None = None) -> Structures:
    """All directed acyclic graphs on labelled nodes, without latents; the arguments are those of `orientations`.

    >>> [len(dags(n)) for n in range(1, 6)] == [dag_count(n) for n in range(1, 6)]
    True
    """
    whole(nodes, "nodes", 0)
    parents = orientations(nodes, start, stop, pairs)
    parents = parents[:, acyclic(parents)]
    return Structures(parents, np.zeros_like(parents))


def confoundings(nodes: int, codes: Words, pairs: Pairs | None = None) -> Words:
    """The words ↔ for sets of confounded pairs: bit k of a code belongs to the k-th of `pairs` (by default all)."""
    whole(nodes, "nodes", 0)
    codes, pairs = _words(codes, "codes", (None,)), _pairs(nodes, pairs)
    confounded = np.zeros((nodes, len(codes)), word(nodes))
    for k, (u, v) in enumerate(pairs):
        bit = ((codes >> codes.dtype.type(k)) & codes.dtype.type(1)).astype(confounded.dtype)
        confounded[u] |= bit << v
        confounded[v] |= bit << u
    return confounded


def with_all_confoundings(structures: Structures, pairs: Pairs | None = None) -> Structures:
    """Each structure with each set of confounded `pairs` (by default all) in the place of its own."""
    require(Structures, structures=structures)
    count = len(_pairs(structures.nodes, pairs))
    sets = confoundings(structures.nodes, np.arange(2**count, dtype=np.uint64), pairs)
    return Structures(
        np.repeat(structures.parents, sets.shape[1], axis=1).astype(sets.dtype), np.tile(sets, (1, len(structures)))
    )


def mixed_graphs(nodes: int) -> Structures:
    """All acyclic directed mixed graphs on labelled nodes: every DAG with every set of confounded pairs.

    >>> len(mixed_graphs(3)) == dag_count(3) * 2**3
    True
    """
    whole(nodes, "nodes", 0)
    return with_all_confoundings(dags(nodes))


def explicit_latents(structures: Structures, pairs: Pairs | None = None) -> Structures:
    """The same structures with a node for the latent of each of `pairs` (by default all), after the others, and no ↔.

    The latent of a pair that is not confounded is there as well, without children. Raises ``ValueError`` if a pair that
    is not among `pairs` is confounded.
    """
    require(Structures, structures=structures)
    pairs = _pairs(structures.nodes, pairs)
    if int(np.bitwise_count(structures.confounded).sum()) != 2 * sum(
        int(((structures.confounded[u] >> v) & 1).sum()) for u, v in pairs
    ):
        raise ValueError(f"a pair that is not among {pairs} is confounded and would lose its latent")
    total = structures.nodes + len(pairs)
    parents = np.zeros((total, len(structures)), word(total))
    parents[: structures.nodes] = structures.parents
    for latent, (u, v) in enumerate(pairs, structures.nodes):
        shared = ((structures.confounded[u] >> v) & 1).astype(parents.dtype) << latent
        parents[u] |= shared
        parents[v] |= shared
    return Structures(parents, np.zeros_like(parents))


def with_latent_nodes(structures: Structures, families: Sequence[Sequence[Iterable[int]]]) -> Structures:
    """Each structure with each family of latents, every latent a node, after the others; the families run fastest.

    families : each a list of latents, a latent being the set of its children, of any size. There are as many latent
        nodes as in the longest family; of a shorter one the last have no children. The structures' own ↔ are dropped.
    """
    require(Structures, structures=structures)
    families = [
        [wholes(latent, "families", 0, structures.nodes - 1) for latent in several(family, "families")]
        for family in several(families, "families")
    ]
    if not families:
        raise ValueError("families: there should be at least one")
    total = structures.nodes + max(map(len, families))
    hidden = np.zeros((structures.nodes, len(families)), word(total))
    for k, family in enumerate(families):
        for latent, children in enumerate(family, structures.nodes):
            for child in children:
                hidden[child, k] |= hidden.dtype.type(1 << latent)
    parents = np.zeros((total, len(structures) * len(families)), word(total))
    parents[: structures.nodes] = np.repeat(structures.parents.astype(parents.dtype), len(families), axis=1)
    parents[: structures.nodes] |= np.tile(hidden, (1, len(structures)))
    return Structures(parents, np.zeros_like(parents))


def projected(structures: Structures, nodes: int) -> Structures:
    """The structures without their nodes from `nodes` on: two children of such a node are joined by ↔.

    Raises ``ValueError`` if one of these nodes has parents.
    """
    whole(nodes, "nodes", 0)
    require(Structures, structures=structures)
    if np.any(structures.parents[nodes:]):
        raise ValueError(f"a node from {nodes} on has parents; only parentless latents are projected out")
    observed = word(nodes)
    parents = structures.parents[:nodes] & structures.parents.dtype.type((1 << nodes) - 1)
    confounded = structures.confounded[:nodes].astype(observed)
    for u, v in all_pairs(nodes):
        common = (structures.parents[u] & structures.parents[v]) >> nodes != 0
        confounded[u] |= common.astype(observed) << v
        confounded[v] |= common.astype(observed) << u
    return Structures(parents.astype(observed), confounded)


def dag_count(nodes: int) -> int:
    """How many directed acyclic graphs there are on labelled nodes (Robinson 1973, by inclusion and exclusion).

    >>> [dag_count(n) for n in range(7)]
    [1, 1, 3, 25, 543, 29281, 3781503]
    """
    whole(nodes, "nodes", 0, 200)
    counts = [1]
    for n in range(1, nodes + 1):
        counts.append(sum((-1) ** (k + 1) * comb(n, k) * 2 ** (k * (n - k)) * counts[n - k] for k in range(1, n + 1)))
    return counts[nodes]


# ── to and from single graphs ───────────────────────────────────────────────────────────────────────────────────────


def from_projections(projections: Sequence[Projection]) -> Structures:
    """A batch from projections of causal graphs with the same nodes, which are numbered in their order."""
    if not (projections := all_of(Projection, projections, "projections")):
        raise ValueError("projections: there should be at least one")
    names = projections[0].nodes
    if odd := [projection.nodes for projection in projections if projection.nodes != names]:
        raise ValueError(f"the nodes {odd[0]} differ from those of the first, {names}")
    number = {name: k for k, name in enumerate(names)}
    parents = np.zeros((len(names), len(projections)), word(len(names)))
    confounded = np.zeros_like(parents)
    for k, projection in enumerate(projections):
        for cause, effect in projection.arrows:
            parents[number[effect], k] |= parents.dtype.type(1 << number[cause])
        for u, v in map(sorted, ({number[name] for name in pair} for pair in projection.confounded)):
            confounded[u, k] |= parents.dtype.type(1 << v)
            confounded[v, k] |= parents.dtype.type(1 << u)
    return Structures(parents, confounded)


def to_projection(structures: Structures, k: int, names: Sequence[str]) -> Projection:
    """Structure k of a batch, its nodes named.

    >>> to_projection(dags(2)[1:2], 0, "AB").arrows
    frozenset({('A', 'B')})
    """
    require(Structures, structures=structures)
    whole(k, "k", 0, len(structures) - 1)
    names = distinct(names, "names")
    if len(names) != structures.nodes:
        raise ValueError(f"{len(names)} names for {structures.nodes} nodes")
    parents, confounded = ([int(w) for w in words[:, k]] for words in (structures.parents, structures.confounded))
    pairs = [(u, v) for u in range(len(names)) for v in range(len(names))]
    return Projection(
        tuple(names),
        frozenset((names[u], names[v]) for u, v in pairs if parents[v] >> u & 1),
        frozenset(frozenset((names[u], names[v])) for u, v in pairs if confounded[v] >> u & 1),
    )


def to_causal_graph(structures: Structures, k: int, names: Sequence[str]) -> CausalGraph:
    """Structure k of a batch with a latent common cause for every confounded pair."""
    return to_projection(structures, k, names).with_latents()
