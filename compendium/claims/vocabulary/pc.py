"""The notation of Pearl and Cavalcanti."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import sympy as sp

from compendium.claims.set_formulas import Law, Reading
from qlib.graphs import CausalGraph, d_separated

SETS = "ABCDEWXYZ"  # sets of variables; with an index, one variable of the set, or those with indices in a set

TEX: dict[str, str] = {
    **{name: rf"\mathbf{{{name}}}" for name in SETS},
    **{f"{name}(_)": rf"\mathbf{{{{{name}}}}}_{{{{{{0}}}}}}" for name in SETS},
    **{f"{name}({index})": f"{name}_{{{{{{0}}}}}}" for name in SETS for index in "ijk"},
    "g": r"\gamma",
    "rest": r"\setminus i",
    "compl(_)": r"\setminus {0}",
    "C_upto(_)": r"\{{C_1, C_2, \dots, C_{{{0}}}\}}",
    "union(_, _)": "{0}{1}",
    "union(_, _, _)": "{0}{1}{2}",
    "setminus(_, _)": r"{0} \setminus {1}",
    "subsets(_)": r"\{{\mathbf{{S}} : \mathbf{{S}} \subseteq {0}\}}",
    "given(_, _)": "{0}{1}",
    "given(_, _, _)": "{0}{1}{2}",
    "Pa(_)": r"\mathrm{{Pa}}({0})",
    "Nd(_)": r"\mathrm{{Nd}}({0})",
    "max_over(c, _)": r"\max_{{c \in \mathcal{{C}}}} {1}",
    "indep(_, _)": r"({0} \indep {1})",
    "indep(_, _, _)": r"({0} \indep {1} \mid {2})",
    "dsep(_, _)": r"({0} \indep {1})_d",
    "dsep(_, _, _)": r"({0} \indep {1} \mid {2})_d",
}

# ── statements about sets of variables: causal models and the proof of Theorem 1 ────────────────────────────────────


def said(*sets: Iterable[object]) -> sp.Symbol:
    """What a statement about sets of variables says: the sets, in their order, as one symbol.

    >>> said({"B", "A"}, {"C"}, {"D"})
    A,B | C | D
    """
    return sp.Symbol(" | ".join(",".join(sorted(map(str, part))) for part in sets))


def stated(read: Reading, count: Callable[..., int]) -> Callable[..., Any]:
    """What a relation in a formula stands for: in how many cases it holds, times what it says.

    So a statement that holds everywhere is not taken for another one that does.

    >>> dsep = stated(Reading({"A": {0: "a"}, "B": {0: "b"}}), lambda xs, ys, given: 7)
    >>> A, B = sp.symbols("A B")
    >>> dsep(A, B) == 7 * said("a", "b", ""), dsep(A, B) == dsep(B, A)
    (True, False)
    """
    return read.meaning(lambda *sets: count(*sets) * said(*sets))


def is_independent(law: Law, xs: Iterable[str], ys: Iterable[str], given: Iterable[str] = ()) -> bool:
    """Whether P(x, y, z) P(z) = P(x, z) P(y, z) for all values: an exact test, also of a law with free symbols."""
    parts = [sorted(part) for part in (xs, ys, given)]
    sizes = [range(law.size(name)) for part in parts for name in part]
    for values in product(*sizes):
        rest = iter(values)
        x, y, z = ({name: next(rest) for name in part} for part in parts)
        joint = law.marginal({**x, **y, **z}) * law.marginal(z)
        if sp.expand(joint - law.marginal({**x, **z}) * law.marginal({**y, **z})) != 0:
            return False
    return True


def statement_names(
    graph: CausalGraph, law: Law, xs: Iterable[str], ys: Iterable[str], given: Iterable[str]
) -> dict[str, Any]:
    """``dsep(X, Y, Z)`` in a graph and ``indep(X, Y, Z)`` in a law, 1 or 0, for three sets X, Y and Z."""
    read = Reading({"X": {0: xs}, "Y": {0: ys}, "Z": {0: given}})
    return {
        **read.names(),
        "dsep": read.relation(partial(d_separated, graph)),
        "indep": read.relation(partial(is_independent, law)),
    }


@dataclass(frozen=True, eq=False)
class GraphAndLaw:
    """A causal graph and a law of its nodes, compatible or not: what Eq. (1) speaks of.

    >>> fair = sp.Rational(1, 2)
    >>> copy = Law([[fair, 0], [0, fair]], ("A", "B"))
    >>> nodes = {"A": "observed", "B": "observed"}
    >>> [GraphAndLaw(CausalGraph(nodes, arrows), copy).is_markov() for arrows in ([("A", "B")], [])]
    [True, False]
    """

    graph: CausalGraph
    law: Law

    def non_descendants(self, node: str) -> frozenset[str]:
        """All nodes but the node itself, its descendants and its parents."""
        below = {v for v in self.graph.kinds if node in self.graph.ancestors(v)}
        return frozenset(self.graph.kinds) - below - {node} - self.graph.parents(node)

    def apart(self, node: str) -> frozenset[str]:
        """All nodes from which its parents d-separate a node, by the graph's own test."""
        parents = self.graph.parents(node)
        others = set(self.graph.kinds) - parents - {node}
        return frozenset(v for v in others if d_separated(self.graph, {node}, {v}, parents))

    def past(self, node: str, values: Mapping[str, int]) -> dict[str, int]:
        """The values of all nodes that are neither the node nor descendants of it."""
        return {v: values[v] for v in self.non_descendants(node) | self.graph.parents(node)}

    def is_markov(self) -> bool:
        """Whether each node is independent of its non-descendants, given its parents."""
        return all(
            is_independent(self.law, {v}, self.non_descendants(v), self.graph.parents(v)) for v in self.graph.kinds
        )

    def factorises(self) -> bool:
        """Whether the law is the product of each node's distribution given its parents."""
        axes = self.law.names
        events = [dict(zip(axes, v, strict=True)) for v in product(*(range(self.law.size(name)) for name in axes))]
        return all(self.law.marginal(event) == self._product(event) for event in events)

    def _product(self, event: Mapping[str, int]) -> Any:
        factors = ({v: event[v]} for v in self.graph.kinds)
        return sp.prod(
            self.law.conditional(own, {p: event[p] for v in own for p in self.graph.parents(v)}) for own in factors
        )

    def names(self, values: Mapping[str, int], node: str | None = None) -> dict[str, Any]:
        """The names of Eq. (1) at values of the variables: X(1), X(2), …, or with a node X for that one alone."""
        family = {0: node} if node else dict(enumerate(self.law.names, 1))
        maps = {"Pa": lambda of: self.graph.parents(*of), "Nd": lambda of: self.non_descendants(*of)}
        read = Reading({"X": family}, maps=maps)
        indep = stated(read, lambda *sets: int(is_independent(self.law, *sets)))
        return {**read.probability(self.law, values, {"j": family}), "indep": indep}


Triple = tuple[Any, Any, Any]
GRAPHOID: Mapping[str, Callable[..., tuple[list[Triple], Triple]]] = {
    "pc:eq2": lambda X, Y, W, Z: ([(X, Y, Z)], (Y, X, Z)),
    "pc:eq3": lambda X, Y, W, Z: ([(X, Y | W, Z)], (X, Y, Z)),
    "pc:eq4": lambda X, Y, W, Z: ([(X, Y | W, Z)], (X, Y, Z | W)),
    "pc:eq5": lambda X, Y, W, Z: ([(X, Y, Z), (X, W, Z | Y)], (X, Y | W, Z)),
    "pc:eq6": lambda X, Y, W, Z: ([(X, W, Z | Y), (X, Y, Z | W)], (X, Y | W, Z)),
}
"""The graphoid axioms (2) to (6): sets X, Y, W, Z → premises and conclusion, each (X, Y, Z) for (X ⊥ Y | Z)."""
