r"""Kochen–Specker sets and other sets of exclusive events, by the graph of what excludes what.

Events are the nodes of a graph, whose edges join those that exclude each other; in a set of vectors these are the
orthogonal ones. A *value assignment* makes events true or false, of exclusive ones at most one true, and exactly one of
every complete basis: a set of vectors without any is a Kochen–Specker set. Of weighted sums Σ w_i P(i) of
probabilities,

* classical theories reach the independence number α of the graph: assignments of true and false, by exhaustion;
* quantum theory the Lovász number ϑ: projectors that are orthogonal where events exclude each other;
* any theory in which exclusive events have probabilities that sum to one at most, the fractional packing number α*.

Cabello, Severini & Winter, Phys. Rev. Lett. 112, 040401 (2014). That ϑ is not exceeded is proved by a sum of squares in
whole numbers, as for games. It stands beside :class:`qlib.correlations.SumOfSquares`, as which events exclude each
other is here any graph, and there the outcomes of settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import ceil, lcm
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlib.numbers.arguments import Array, numbers, one_of, require, several, whole, wholes
from qlib.numbers.exact_arrays import conjugate, fractions, rational, vanishes
from qlib.numbers.linear_programs import Certificate, CertificateError, Constraint, LinearProgram, certificate
from qlib.numbers.semidefinite_programs import is_positive_by, repaired, solve_semidefinite, triangle

MOST_EVENTS = 120  # of a graph
BASES_OF_18 = (
    "0001 0010 1100 1-00, 0001 0100 1010 10-0, 1-1- 1--1 1100 0011, 1-1- 1111 10-0 010-, 0010 0100 1001 100-, "
    "1--1 1111 100- 01-0, 11-1 111- 1-00 0011, 11-1 -111 1010 010-, 111- -111 1001 01-0"
)


def cabello_vectors() -> NDArray[np.int64]:
    """The 18 vectors in four dimensions of Cabello, Estebaranz & García-Alcaine, shape (18, 4); not normalised.

    They form nine bases, and each belongs to two of them: no value assignment can exist, as nine is odd. Phys. Lett. A
    212, 183 (1996).

    >>> value_assignment(cabello_vectors()) is None, parity_proof(complete_bases(cabello_vectors()))
    (True, (0, 1, 2, 3, 4, 5, 6, 7, 8))
    """
    names = dict.fromkeys(BASES_OF_18.replace(",", "").split())
    return np.array([[{"0": 0, "1": 1, "-": -1}[sign] for sign in name] for name in names])


def yu_oh_vectors() -> NDArray[np.int64]:
    """The 13 vectors in three dimensions of Yu & Oh: the axes, six diagonals of faces, four of the cube.

    They have a value assignment, and yet no classical model. Phys. Rev. Lett. 108, 030402 (2012).

    >>> value_assignment(yu_oh_vectors()) is None, len(complete_bases(yu_oh_vectors()))
    (False, 4)
    """
    faces = [[0, 1, -1], [1, 0, -1], [1, -1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    return np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], *faces, [1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]])


def orthogonality_graph(vectors: ArrayLike) -> nx.Graph:
    """The graph whose nodes 0, 1, … are the vectors, and whose edges join orthogonal ones.

    vectors : shape (vectors, dimension), exact or in floating point, real or complex, of any norm but zero.

    >>> orthogonality_graph([[1, 0], [0, 1], [1, 1]]).edges
    EdgeView([(0, 1)])
    """
    V = numbers(vectors, "vectors", ("vectors", "dimension"))
    if len(V) > MOST_EVENTS:
        raise ValueError(f"vectors: {len(V)} of them are too many; {MOST_EVENTS} are the most")
    for k, v in enumerate(V):
        if vanishes(v):
            raise ValueError(f"vectors: number {k} is zero")
    graph = nx.empty_graph(len(V))
    graph.add_edges_from((i, j) for i, j in combinations(range(len(V)), 2) if vanishes(conjugate(V[i]) @ V[j]))
    return graph


def complete_bases(vectors: ArrayLike) -> tuple[tuple[int, ...], ...]:
    """All sets of as many pairwise orthogonal vectors as there are dimensions, by their numbers.

    >>> complete_bases([[1, 0], [0, 1], [1, 1], [1, -1]])
    ((0, 1), (2, 3))
    """
    cliques = nx.find_cliques(orthogonality_graph(vectors))
    dimension = numbers(vectors, "vectors").shape[1]
    return tuple(sorted(tuple(sorted(clique)) for clique in cliques if len(clique) == dimension))


def value_assignment(vectors: ArrayLike) -> frozenset[int] | None:
    """The true vectors of a value assignment, or None if the exhaustive search finds that there is none.

    Of every complete basis exactly one vector is true, of orthogonal ones at most one. The search goes on with the
    basis that has fewest vectors left.

    >>> sorted(value_assignment([[1, 0], [0, 1], [1, 1], [1, -1]]))
    [0, 2]
    """
    graph, bases = orthogonality_graph(vectors), complete_bases(vectors)
    true, _ = next(_assignments(graph, bases, frozenset(), frozenset()), (None, None))
    return true


def _assignments(
    graph: nx.Graph, bases: Sequence[tuple[int, ...]], true: frozenset[int], false: frozenset[int]
) -> Iterator[tuple[frozenset[int], frozenset[int]]]:
    """All value assignments, the true vectors and the false ones; vectors in neither may be false, too."""
    rest = [[v for v in basis if v not in false] for basis in bases if not true & set(basis)]
    if not rest:
        yield true, false
        return
    for v in min(rest, key=len):
        yield from _assignments(graph, bases, true | {v}, false | set(graph[v]))
        false = false | {v}


def assigned_value(vectors: ArrayLike, weights: Mapping[int, Any] | None = None) -> Fraction | None:
    """The largest Σ w_i over the true vectors i of a value assignment, by exhaustion; None if there is none.

    weights : rational and positive, by a vector's number; those left out count nothing, by default all count one. What
    quantum theory gives in every state is between the extreme eigenvalues of Σ w_i |v_i⟩⟨v_i|/⟨v_i|v_i⟩: where the
    least is larger, no noncontextual theory agrees with it in any state.

    >>> assigned_value(yu_oh_vectors(), {9: 1, 10: 1, 11: 1, 12: 1})     # quantum theory gives 4/3 in every state
    Fraction(1, 1)
    """
    graph, bases = orthogonality_graph(vectors), complete_bases(vectors)
    require(Mapping, weights={} if weights is None else weights)
    for k in () if weights is None else weights:
        one_of(k, "weights", graph)
    counted = graph if weights is None else graph.subgraph(weights)
    w = _weights(counted, weights)
    unit = lcm(1, *[value.denominator for value in w.values()])
    best = None
    for true, false in _assignments(graph, bases, frozenset(), frozenset()):
        free = nx.complement(graph.subgraph(set(counted) - true - false))
        nx.set_node_attributes(free, {k: int(w[k] * unit) for k in free}, "weight")
        total = sum((w[k] for k in true & set(counted)), Fraction(nx.max_weight_clique(free)[1], unit))
        best = total if best is None else max(best, total)
    return best


def parity_proof(bases: Iterable[Iterable[int]]) -> tuple[int, ...] | None:
    """An odd number of bases in which every vector stands an even number of times, by their places; None if none is.

    It proves at a glance that there is no value assignment: the number of true vectors, counted basis by basis, would
    be odd, and counted vector by vector even.

    >>> parity_proof([(0, 1), (1, 2), (2, 0)]), parity_proof([(0, 1), (2, 3)])
    ((0, 1, 2), None)
    """
    sets = [wholes(basis, "bases", 0) for basis in several(bases, "bases")]
    pivots: dict[int, tuple[int, int]] = {}  # leading vector → (its row, the bases that it is the sum of), as bits
    for k, basis in enumerate(sets):
        row, members = 1 << 0, 1 << k  # bit 0: the parity of the number of bases
        for v in basis:
            row ^= 1 << (v + 1)
        while row > 1 and (lead := row.bit_length()) in pivots:
            row, members = row ^ pivots[lead][0], members ^ pivots[lead][1]
        if row == 1:
            return tuple(j for j in range(len(sets)) if members >> j & 1)
        if row:
            pivots[row.bit_length()] = (row, members)
    return None


# --- three values of a graph -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LovaszBound:
    """The identity bound − Σ w_i P_i = Σ Q[i, j] P_i P_j with Q ≥ 0 and P_0 = 1, in whole numbers: ϑ ≤ bound.

    All that is used is P_i² = P_i, and P_i P_j = 0 where events exclude each other. gram : Q times `denominator`, the
    identity before the events in the order of the graph's nodes. factor : as in
    :class:`qlib.correlations.sums_of_squares.SumOfSquares`. Verified when made; CertificateError says what fails.
    """

    graph: nx.Graph
    weights: tuple[Fraction, ...]
    gram: Array
    factor: Array
    denominator: int

    def __post_init__(self) -> None:
        require(nx.Graph, graph=self.graph)
        nodes, whole_one = list(self.graph), whole(self.denominator, "denominator", 1)
        Q = numbers(self.gram, "gram", (len(nodes) + 1,) * 2)
        weights = fractions(numbers(several(self.weights, "weights"), "weights", (len(nodes),)), "weights")
        for i, w in enumerate(weights, 1):
            if Fraction(int(Q[i, i] + 2 * Q[0, i]), whole_one) != -w:
                raise CertificateError(f"the coefficients of the event {nodes[i - 1]!r} differ")
        for i, j in combinations(range(len(nodes)), 2):
            if Q[1 + i, 1 + j] and not self.graph.has_edge(nodes[i], nodes[j]):
                raise CertificateError(f"{nodes[i]!r} and {nodes[j]!r} do not exclude each other")
        if not is_positive_by(Q, self.factor):
            raise CertificateError("the factor does not prove the Gram matrix positive")

    @property
    def bound(self) -> Fraction:
        """The number that is proved not to be exceeded."""
        return Fraction(int(self.gram[0, 0]), self.denominator)


@dataclass(frozen=True, eq=False)
class ExclusivityValues:
    """The classical, quantum and general values of a weighted sum of exclusive events; it prints as a table.

    independent : a largest set of events none of which exclude each other. packing : the linear program's certificate.
    """

    classical: Fraction
    independent: tuple[Any, ...]
    quantum: LovaszBound
    general: Fraction
    packing: Certificate

    def __str__(self) -> str:
        bound = ceil(self.quantum.bound * 10**9) / 10**9
        true = ", ".join(map(str, self.independent))
        return (
            f"classical   {self.classical!s:<11}  events {true}; no others give more\n"
            f"quantum ≤   {bound:<11.9f}  sum of squares, exact\n"
            f"general     {self.general!s:<11}  linear program and its dual, exact"
        )


def exclusivity_values(graph: nx.Graph, weights: Mapping[Any, Any] | None = None) -> ExclusivityValues:
    """The independence, Lovász and fractional packing numbers of a graph with weights, each with its proof.

    weights : rational and positive, by node; by default one. The quantum bound is within 1e-6 of ϑ.

    >>> print(exclusivity_values(nx.cycle_graph(5)))
    classical   2            events 2, 4; no others give more
    quantum ≤   2.236067978  sum of squares, exact
    general     5/2          linear program and its dual, exact
    """
    require(nx.Graph, graph=graph)
    if graph.is_directed() or nx.number_of_selfloops(graph) or not 0 < len(graph) <= MOST_EVENTS:
        raise ValueError(f"graph: it should be undirected, without loops, with 1 to {MOST_EVENTS} nodes")
    nodes, w = list(graph), _weights(graph, weights)
    numbered = nx.relabel_nodes(graph, {node: k for k, node in enumerate(nodes)})
    unit = lcm(*[value.denominator for value in w.values()])
    other = nx.complement(numbered)
    nx.set_node_attributes(other, {k: int(w[node] * unit) for k, node in enumerate(nodes)}, "weight")
    chosen, most = nx.max_weight_clique(other, weight="weight")
    packing = certificate(_packing_program(numbered, list(w.values())), "max")
    independent = tuple(nodes[k] for k in sorted(chosen))
    general = rational(packing.value) or Fraction(0)
    return ExclusivityValues(Fraction(int(most), unit), independent, _lovasz(graph, w), general, packing)


def _packing_program(graph: nx.Graph, weights: list[Fraction]) -> LinearProgram:
    """The largest weighted sum of probabilities of which those of exclusive events sum to one at most."""
    cliques = sorted(map(sorted, nx.find_cliques(graph)))
    rows = [
        Constraint(f"clique {k}", {**{f"event {v}": 1 for v in clique}, f"rest {k}": 1}, 1)
        for k, clique in enumerate(cliques)
    ]
    objective = {f"event {v}": w for v, w in enumerate(weights)}
    return LinearProgram((*objective, *(f"rest {k}" for k in range(len(cliques)))), objective, tuple(rows))


def _weights(graph: nx.Graph, weights: Mapping[Any, Any] | None) -> dict[Any, Fraction]:
    if weights is None:
        return dict.fromkeys(graph, Fraction(1))
    require(Mapping, weights=weights)
    found = {}
    for node in graph:
        if node not in weights:
            raise ValueError(f"weights: that of {node!r} is missing")
        weight: Any = fractions(numbers(weights[node], f"weights of {node!r}", ()), f"weights of {node!r}")[()]
        if weight <= 0:
            raise ValueError(f"weights: that of {node!r} is {weight}; it should be positive")
        found[node] = weight
    return found


def _lovasz(graph: nx.Graph, weights: dict[Any, Fraction]) -> LovaszBound:
    """The dual of the program max Σ w_i X[0, i], X[0, 0] = 1, X[i, i] = X[0, i], X[i, j] = 0 on edges, X ≥ 0."""
    nodes, w = list(graph), list(weights.values())
    size = len(nodes) + 1
    patterns = [([(i, i), (0, i)], w[i - 1]) for i in range(1, size)]
    patterns += [
        ([(1 + i, 1 + j)], Fraction(0))
        for i, j in combinations(range(len(nodes)), 2)
        if not graph.has_edge(nodes[i], nodes[j])
    ]
    columns = [triangle(_symmetric(pairs, size)) for pairs, _ in patterns]
    found = solve_semidefinite(
        [-float(cost) for _, cost in patterns],
        [(np.stack(columns, axis=1), triangle(_symmetric([(0, 0)], size)))],
        accuracy=1e-10,
        almost=True,
    ).duals[0]
    denominator = lcm(*[value.denominator for value in w]) << 101
    Q = np.frompyfunc(lambda x: round(x * 2.0**60) * (denominator >> 60), 1, 1)(found)
    for pairs, cost in patterns:
        i, j = pairs[0]
        Q[i, j] = Q[j, i] = -int(cost * denominator) - 2 * Q[0, i] if i == j else 0
    events = np.arange(1, size)
    reserve = np.diag([size, *[2] * len(nodes)]).astype(object)
    reserve[0, events] = reserve[events, 0] = -1
    return LovaszBound(graph, tuple(w), *repaired(Q, reserve, denominator), denominator)


def _symmetric(pairs: Iterable[tuple[int, int]], size: int) -> NDArray[np.float64]:
    pattern = np.zeros((size, size))
    for i, j in pairs:
        pattern[i, j] = pattern[j, i] = 1
    return pattern
