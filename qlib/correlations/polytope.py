r"""The polytope of noncontextual phenomena and its facets, in exact arithmetic: the Kochen–Specker inequalities.

In a scenario with finitely many assignments of outcomes the noncontextual phenomena are their mixtures, a polytope; its
facets are the tight inequalities, in Bell scenarios the Bell inequalities (Pitowsky 1989).

*Coordinates*: a nondisturbing phenomenon is fixed by the probabilities P(a_S | S) for all sets S of compatible
measurements and outcomes a_S none of which is its measurement's last (Collins & Gisin 2004). In these coordinates the
polytope has full dimension, and a facet is a row (y_0, y) of coprime integers: y_0 + y·x ≥ 0.

Facets are found by the double description method of Motzkin, Raiffa, Thompson & Thrall (1953) on integers: it is
complete by construction. :meth:`Facets.verify` nevertheless takes a list of facets on no authority: each is checked
against all vertices, and the vertices on it have to span it; and as one gets from any facet of a polytope to any other
across ridges, in which two facets meet, a list is complete if it holds the facet beyond every ridge of its facets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from math import prod
from typing import Any

import networkx as nx
import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from qlib.correlations.hidden_variables import Inequality, general_bound
from qlib.correlations.scenarios import Phenomenon, Scenario
from qlib.numbers.arguments import numbers, require, whole
from qlib.numbers.exact_arrays import exact
from qlib.numbers.linear_programs import CertificateError
from qlib.numbers.polyhedra import Integers, extreme_rays, independent_rows

# --- coordinates -----------------------------------------------------------------------------------------------------

Coordinate = tuple[tuple[str, ...], tuple[int, ...]]


@lru_cache(maxsize=32)
def coordinates(scenario: Scenario) -> tuple[Coordinate, ...]:
    """The coordinates of nondisturbing phenomena: sets of compatible measurements with an outcome of each.

    >>> from qlib.correlations.scenarios import bell_scenario, cycle_scenario
    >>> len(coordinates(bell_scenario(2, 2))), len(coordinates(cycle_scenario(5)))
    (8, 10)
    """
    require(Scenario, scenario=scenario)
    order = scenario.measurements.index
    compatible = {
        tuple(sorted(chosen, key=order))
        for context in scenario.contexts
        for size in range(1, len(context) + 1)
        for chosen in combinations(context, size)
    }
    subsets = sorted(compatible, key=lambda names: (len(names), [order(m) for m in names]))
    return tuple((S, a) for S in subsets for a in product(*[range(scenario.outcomes[m] - 1) for m in S]))


def vertices(scenario: Scenario) -> Integers:
    """The coordinates of every assignment of outcomes, zeros and ones, shape (assignments, coordinates)."""
    require(Scenario, scenario=scenario)
    column = {m: scenario.assignments[:, k] for k, m in enumerate(scenario.measurements)}
    columns = [
        np.prod([column[m] == a for m, a in zip(S, outcomes, strict=True)], axis=0, dtype=np.int64)
        for S, outcomes in coordinates(scenario)
    ]
    return np.stack(columns, axis=1)


def entry_rows(scenario: Scenario) -> Integers:
    """Every possible entry of a phenomenon's table as a function y_0 + y·x of the coordinates, as rows of integers.

    A last outcome's probability is what its measurement's other outcomes leave. Their order is that of
    ``scenario.entries``.

    >>> entry_rows(Scenario([("a",)])).tolist()     # P(0) = x, P(1) = 1 - x
    [[0, 1], [1, -1]]
    """
    require(Scenario, scenario=scenario)
    column = {coordinate: 1 + k for k, coordinate in enumerate(coordinates(scenario))} | {((), ()): 0}
    rows = np.zeros((len(scenario.entries), len(column)), dtype=np.int64)
    for row, (c, *outcomes) in zip(rows, scenario.entries, strict=True):
        pairs = sorted(
            zip(scenario.contexts[c], outcomes, strict=False), key=lambda p: scenario.measurements.index(p[0])
        )
        for chosen in product(*[_terms(m, a, scenario.outcomes[m] - 1) for m, a in pairs]):
            kept = [(m, a) for m, a, _ in chosen if a is not None]
            row[column[tuple(m for m, _ in kept), tuple(a for _, a in kept)]] += prod(sign for *_, sign in chosen)
    return rows


def _terms(measurement: str, outcome: int, last: int) -> list[tuple[str, int | None, int]]:
    """An outcome as a sum of outcomes before the last and the certain event (None), with signs."""
    if outcome < last:
        return [(measurement, outcome, 1)]
    return [(measurement, None, 1), *[(measurement, a, -1) for a in range(last)]]


def _inequality(scenario: Scenario, row: Integers) -> Inequality:
    """The row y_0 + y·x ≥ 0 as an inequality in all probabilities; a coordinate is read off the first context."""
    array = exact(np.zeros(scenario.shape, dtype=int))
    for (S, outcomes), y in zip(coordinates(scenario), row[1:].tolist(), strict=True):
        c = next(c for c, context in enumerate(scenario.contexts) if set(S) <= set(context))
        places = [1 + scenario.contexts[c].index(m) for m in S]
        for index in scenario.entries:
            if y and index[0] == c and tuple(index[k] for k in places) == outcomes:
                array[index] -= y
    return Inequality(scenario, array, sp.Integer(int(row[0])))


# --- facets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Facets:
    """The facets of a scenario's noncontextual polytope.

    rows : (facets, 1 + coordinates), y_0 + y·x ≥ 0. incidence : (facets, assignments), which vertex lies on which.
    """

    scenario: Scenario
    rows: Integers
    incidence: NDArray[np.bool_]

    def __post_init__(self) -> None:
        require(Scenario, scenario=self.scenario)
        rows = numbers(self.rows, "rows", ("facets", None))
        numbers(self.incidence, "incidence", (len(rows), None))

    def __len__(self) -> int:
        return len(self.rows)

    def inequality(self, k: int) -> Inequality:
        """The k-th facet as an inequality in the probabilities."""
        whole(k, "k", 0, len(self) - 1)
        return _inequality(self.scenario, self.rows[k])

    def verify(self, by_symmetry: bool = False) -> None:
        """Verify in exact arithmetic that these are facets, and that there are no others.

        Each holds at every vertex, and the vertices on it have its dimension. Every ridge of each (a facet of the
        facet) lies on exactly one other; as the facets of a polytope hang together by their ridges, none is missing.
        by_symmetry : look at the ridges of one facet of each class only, of a list that the scenario's symmetries keep.
        Raises CertificateError.
        """
        V = _homogeneous(self.scenario)
        values = self.rows @ V.T
        if not len(self) or (values < 0).any() or ((values == 0) != self.incidence).any():
            raise CertificateError("a vertex violates a facet, or does not lie where it should")
        spans = [independent_rows(V[on].T) if on.any() else [] for on in self.incidence]
        for k, span in enumerate(spans):
            if len(span) != V.shape[1] - 1:
                raise CertificateError(f"facet {k}: its vertices span {len(span) - 1} dimensions, not {V.shape[1] - 2}")
        for k in [int(c.members[0]) for c in facet_classes(self)] if by_symmetry else range(len(self)):
            self._verify_ridges(k, V[:, spans[k]])

    def _verify_ridges(self, k: int, V: Integers) -> None:
        """Verify that each ridge of the k-th facet lies on two; the columns of V tell the vertices on it apart."""
        on = self.incidence[k]
        ridges = extreme_rays(V[on]) @ V[on].T == 0
        inside = ridges.astype(np.float32) @ self.incidence[:, on].T.astype(np.float32)
        for number in (inside == ridges.sum(axis=1, keepdims=True)).sum(axis=1):
            if number != 2:
                raise CertificateError(f"facet {k} has a ridge that lies on {number} facets of the list, not on two")


def _homogeneous(scenario: Scenario) -> Integers:
    V = vertices(scenario)
    return np.concatenate([np.ones((len(V), 1), dtype=np.int64), V], axis=1)


@lru_cache(maxsize=16)
def facets(scenario: Scenario) -> Facets:
    """All facets of the polytope of noncontextual phenomena.

    >>> from qlib.correlations.scenarios import bell_scenario
    >>> len(facets(bell_scenario(2, 2)))
    24
    """
    require(Scenario, scenario=scenario)
    V = _homogeneous(scenario)
    rows = extreme_rays(V)
    return Facets(scenario, rows, rows @ V.T == 0)


@lru_cache(maxsize=16)
def nondisturbing_vertices(scenario: Scenario) -> tuple[Phenomenon, ...]:
    """The vertices of the polytope of all nondisturbing phenomena, exactly; the others are their mixtures.

    >>> from qlib.correlations.scenarios import bell_scenario
    >>> len(nondisturbing_vertices(bell_scenario(2, 2)))     # 16 assignments, 8 boxes of Popescu and Rohrlich
    24
    """
    require(Scenario, scenario=scenario)
    rows = entry_rows(scenario)
    found = []
    for vertex in extreme_rays(rows):
        table = exact(np.zeros(scenario.shape, dtype=int))
        for index, value in zip(scenario.entries, (rows @ vertex).tolist(), strict=True):
            table[index] = sp.Rational(value, int(vertex[0]))
        found.append(Phenomenon(scenario, table))
    return tuple(found)


# --- symmetry --------------------------------------------------------------------------------------------------------


def relabellings(scenario: Scenario) -> Iterator[Integers]:
    """Permutations of the assignments that generate the scenario's symmetry group.

    They come from exchanging two outcomes of one measurement, and from permuting measurements so that contexts become
    contexts. Each is an array π: assignment k becomes assignment π[k].
    """
    require(Scenario, scenario=scenario)
    sizes = tuple(scenario.outcomes.values())
    A = scenario.assignments
    for k, size in enumerate(sizes):
        for a in range(size - 1):
            exchanged = A.copy()
            exchanged[:, k] = np.select([A[:, k] == a, A[:, k] == a + 1], [a + 1, a], A[:, k])
            yield np.ravel_multi_index(tuple(exchanged.T), sizes)
    for image in automorphisms(scenario):
        moved = np.empty_like(A)
        for k, m in enumerate(scenario.measurements):
            moved[:, scenario.measurements.index(image[m])] = A[:, k]
        yield np.ravel_multi_index(tuple(moved.T), sizes)


def automorphisms(scenario: Scenario) -> Iterator[dict[str, str]]:
    """The permutations of the measurements that keep contexts and numbers of outcomes.

    >>> from qlib.correlations.scenarios import cycle_scenario
    >>> sum(1 for _ in automorphisms(cycle_scenario(5)))
    10
    """
    require(Scenario, scenario=scenario)
    graph = nx.Graph()
    graph.add_nodes_from((m, {"kind": n}) for m, n in scenario.outcomes.items())
    for context in {frozenset(context) for context in scenario.contexts}:
        graph.add_node(context, kind="context")
        graph.add_edges_from((m, context) for m in context)
    matcher = nx.isomorphism.GraphMatcher(graph, graph, node_match=lambda a, b: a["kind"] == b["kind"])
    for mapping in matcher.isomorphisms_iter():
        yield {m: mapping[m] for m in scenario.measurements}


@dataclass(frozen=True, eq=False)
class FacetClass:
    """Facets that are one up to symmetry: how many, the first of them, and all their numbers."""

    size: int
    inequality: Inequality
    members: Integers

    @property
    def is_trivial(self) -> bool:
        """Whether every nondisturbing phenomenon satisfies it, such as that a probability is not negative."""
        return bool(general_bound(self.inequality).value == self.inequality.bound)


def facet_classes(found: Facets) -> tuple[FacetClass, ...]:
    """The facets divided into classes under the scenario's symmetries, the smallest class first.

    Raises CertificateError if a symmetry leads out of the list.

    >>> from qlib.correlations.scenarios import bell_scenario
    >>> [c.size for c in facet_classes(facets(bell_scenario(2, 2)))]
    [8, 16]
    """
    require(Facets, found=found)
    number = {on.tobytes(): k for k, on in enumerate(found.incidence)}
    links: list[Any] = []
    for permutation in relabellings(found.scenario):
        moved = np.empty_like(found.incidence)
        moved[:, permutation] = found.incidence
        images = [number.get(on.tobytes()) for on in moved]
        if None in images:
            raise CertificateError(f"facet {images.index(None)}: a symmetric one is missing")
        links += enumerate(images)
    classes = _linked(links, len(found))
    return tuple(
        FacetClass(len(members), found.inequality(int(members[0])), members)
        for members in sorted(classes, key=lambda members: (len(members), int(members[0])))
    )


def _linked(links: list[Any], size: int) -> list[Integers]:
    """The classes into which links (k, l) join the numbers below a size."""
    first, second = np.array(links).T
    graph = coo_matrix((np.ones(len(links)), (first, second)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    return [np.flatnonzero(label == k) for k in range(label.max() + 1)]


def vertex_classes(scenario: Scenario) -> tuple[tuple[Phenomenon, ...], ...]:
    """`nondisturbing_vertices` divided into classes under the scenario's symmetries, the smallest class first.

    What is asked of all of them and does not depend on names need be asked of one of each class.
    Raises CertificateError if a symmetry leads out of the list.

    >>> from qlib.correlations.scenarios import bell_scenario
    >>> [len(alike) for alike in vertex_classes(bell_scenario(2, 2))]
    [8, 16]
    """
    every = nondisturbing_vertices(scenario)
    tables = [tuple(p.table[index] for index in scenario.entries) for p in every]
    number = {table: k for k, table in enumerate(tables)}
    columns = np.moveaxis(scenario.deterministic, 0, -1)[tuple(zip(*scenario.entries, strict=True))].T
    place = {column.tobytes(): k for k, column in enumerate(columns.T.copy())}
    links: list[Any] = []
    for permutation in relabellings(scenario):
        moved = [place[column.tobytes()] for column in columns[permutation].T.copy()]
        images = [number.get(tuple(table[k] for k in moved)) for table in tables]
        if None in images:
            raise CertificateError(f"vertex {images.index(None)}: a symmetric one is missing")
        links += enumerate(images)
    classes = sorted(_linked(links, len(every)), key=lambda members: (len(members), int(members[0])))
    return tuple(tuple(every[int(k)] for k in members) for members in classes)
