"""Bounds on effects in any causal graph for which the problem is linear, in numbers and in symbols.

The observed nodes fall into two sets, L and R, with arrows from L to R but none back, and with no common cause of one
node of each. If one latent variable acts on all nodes of R, the law of their response functions is arbitrary, and what
is observed, P(R | L), and what an intervention would show are linear in it: bounds are the optima of a linear program,
and in symbols the vertices of its dual (Balke & Pearl 1994; Sachs, Jonzon, Gabriel & Sjölander, arXiv:2003.10702). The
instrument is one case: L = {Z}, R = {X, Y}.

An intervention may be *nested*: a node is set to the value that it would have under another intervention. Natural
direct and indirect effects are of this kind: P(Y = 1) if X were 1, and M what it would be if X were 0.

Where R splits into parts with latent variables of their own the law is a product, the problem polynomial, and it is
refused here, naming the parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.graphs.graphs import CausalGraph, NodeKind
from qlib.numbers import linear_programs as lp
from qlib.numbers.arguments import numbers, one_of, require, table, whole
from qlib.numbers.exact_arrays import number

MOST_FUNCTIONS = 20_000  # joint response functions
NodeValues = dict[str, int]
Setting: TypeAlias = Mapping[str, "int | Setting"]


@dataclass(frozen=True)
class LinearProblem:
    """A graph's linear problem: its sets L and R, and the program, whose right-hand sides are symbols P(R | L).

    given, responding : the nodes of L and of R, in causal order. program : minimise or maximise it; what is observed
    stands in the group "observation". symbols : by (values of L, values of R).
    """

    given: tuple[str, ...]
    responding: tuple[str, ...]
    program: lp.LinearProgram
    symbols: Mapping[tuple[tuple[int, ...], tuple[int, ...]], sp.Symbol]

    def expressions(self, bound: str = "lower") -> tuple[sp.Expr, ...]:
        """The affine functions of the symbols whose greatest value is the lower bound, or least the upper.

        All vertices of the dual polyhedron, so some may never be the greatest. ``ValueError`` for another bound.
        """
        one_of(bound, "bound", ("lower", "upper"))
        found = lp.dual_vertices(self.program, "min" if bound == "lower" else "max").vertices
        return tuple(dict.fromkeys(lp.combine(self.program, y) for y in found))

    def bounds(self, law: ArrayLike) -> tuple[lp.Certificate, lp.Certificate]:
        """The proofs of both bounds for a law P(R | L), an array with an axis for each node of `given`, `responding`.

        ``ValueError`` for another shape; :class:`qlib.numbers.Infeasible`, with a proof, where no model has this law.
        """
        array = numbers(law, "law")
        sizes = tuple(1 + max(key[0][k] for key in self.symbols) for k in range(len(self.given)))
        sizes += tuple(1 + max(key[1][k] for key in self.symbols) for k in range(len(self.responding)))
        if array.shape != sizes:
            raise ValueError(
                f"law: shape {array.shape} should be {sizes}, the values of {self.given + self.responding}"
            )
        exact = np.frompyfunc(_rational, 1, 1)(array)
        exact = exact / exact.sum(axis=tuple(range(len(self.given), array.ndim)), keepdims=True)
        rhs = {_observation(l, r): number(exact[(*l, *r)]) for l, r in self.symbols}
        program = self.program.with_rhs(rhs)
        return lp.certificate(program, "min"), lp.certificate(program, "max")


def _rational(value: Any) -> Any:
    return number(Fraction(float(value)) if isinstance(value, float | np.floating) else value)


def _observation(given: tuple[int, ...], found: tuple[int, ...]) -> str:
    return f"observation: {','.join(map(str, found))} | {','.join(map(str, given))}"


def linear_problem(
    graph: CausalGraph,
    outcome: Mapping[str, int],
    do: Setting,
    against: Setting | None = None,
    values: Mapping[str, int] | None = None,
) -> LinearProblem:
    """The linear problem of P(outcome | do), less P(outcome | do `against`) if that is given.

    graph : with observed and latent nodes. outcome, do, against : node → value, from 0; in an intervention also node →
    another intervention, for the value that the node would have under that. values : how many values a node has, by
    default two. The nodes of R are those that share the outcome's latent variable.
    Raises ``ValueError`` where the problem is not linear, naming the latent structure that makes it polynomial; for a
    node that there is not or a value that it does not have; and where the effect is identified by adjustment alone
    because no latent variable acts on the outcome.

    >>> instrument = CausalGraph({"Z": "observed", "X": "observed", "Y": "observed", "U": "latent classical"},
    ...                          [("Z", "X"), ("X", "Y"), ("U", "X"), ("U", "Y")])
    >>> problem = linear_problem(instrument, {"Y": 1}, {"X": 1}, {"X": 0})
    >>> problem.given, problem.responding, len(problem.expressions("lower"))
    (('Z',), ('X', 'Y'), 8)

    The natural direct effect of X, with M as it would be for X=0:

    >>> mediation = CausalGraph({"X": "observed", "M": "observed", "Y": "observed", "U": "latent classical"},
    ...                         [("X", "M"), ("X", "Y"), ("M", "Y"), ("U", "M"), ("U", "Y")])
    >>> natural = linear_problem(mediation, {"Y": 1}, {"X": 1, "M": {"X": 0}}, {"X": 0})
    >>> [float(proof.value) for proof in natural.bounds([[[0.8, 0], [0.2, 0]], [[0.1, 0.7], [0.1, 0.1]]])]
    [0.5, 1.0]
    """
    require(CausalGraph, graph=graph)
    observed = graph.of_kind(NodeKind.OBSERVED)
    sizes = dict.fromkeys(observed, 2) | {
        node: whole(count, f"values: {node}", 2) for node, count in table(values or {}, "values", observed).items()
    }
    for node, value in table(outcome, "outcome", observed).items():
        whole(value, f"outcome: {node}", 0, sizes[node] - 1)
    if not outcome:
        raise ValueError("outcome: there should be at least one node")
    sides = [("do", do), *([("against", against)] if against else [])]
    worlds = [world for name, side in sides for world in _worlds(set(outcome), side, name, sizes)]
    given, responding = _split(graph, set(outcome), set().union(*(setting for _, _, setting in worlds)))
    functions = _functions(graph, responding, sizes)
    for name, asked, setting in worlds:
        if free := (_ancestral(graph, asked, set(setting)) & set(given)) - set(setting):
            raise ValueError(
                f"{name}: the effect depends on the law of {sorted(free)}, given which all else is; set them"
            )
    signed = list(zip((1, -1), (side for _, side in sides), strict=False))
    return _program(graph, given, responding, functions, sizes, outcome, signed)


def _worlds(asked: set[str], setting: Setting, name: str, sizes: NodeValues) -> Iterator[tuple[str, set[str], Setting]]:
    """Of an intervention and of those nested in it: its name, what is asked in that world, and what is set."""
    yield name, asked, table(setting, name, sizes)
    for node, value in setting.items():
        if isinstance(value, Mapping):
            yield from _worlds({node}, value, f"{name}: {node}", sizes)
        else:
            whole(value, f"{name}: {node}", 0, sizes[node] - 1)


def _split(graph: CausalGraph, outcome: set[str], do: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """L and R in causal order; refused where R is not of one latent variable, or has an arrow back."""
    whole_graph, observed = graph.digraph, set(graph.of_kind(NodeKind.OBSERVED))
    if graph.of_kind(NodeKind.QUANTUM):
        raise ValueError(f"graph: {graph.of_kind(NodeKind.QUANTUM)} are quantum; response functions are classical")
    latents = {u: set(whole_graph.successors(u)) & observed for u in graph.of_kind(NodeKind.LATENT)}
    for u in latents:
        if any(whole_graph.predecessors(u)) or set(whole_graph.successors(u)) - observed:
            raise ValueError(f"graph: the latent {u!r} should have no causes, and observed effects only")
    acting = {u for u, children in latents.items() if children & outcome and len(children) > 1}
    if len(acting) != 1:
        named = f"several latent variables, {sorted(acting)}, act" if acting else "no shared latent variable acts"
        raise ValueError(f"graph: {named} on {sorted(outcome)}; the problem is linear for one that acts on all of R")
    (one,) = acting
    R = latents[one]
    crossing = sorted(u for u, children in latents.items() if u != one and children & R)
    if crossing:
        raise ValueError(
            f"graph: the latent variables {sorted({one, *crossing})} overlap in R = {sorted(R)}, so that their laws "
            "multiply and the problem is polynomial; joined into one it is linear, and its bounds are valid, if wider"
        )
    needed = set().union(*(nx.ancestors(whole_graph, node) | {node} for node in R | outcome | do)) & observed
    back = sorted((a, b) for a, b in graph.edges if a in R and b in needed - R)
    if back:
        raise ValueError(
            f"graph: the arrows {back} lead from R = {sorted(R)} to nodes with noise of their own, whose law "
            "multiplies and makes the problem polynomial"
        )
    order = [node for node in nx.topological_sort(whole_graph) if node in needed]
    if not outcome <= R:
        raise ValueError(f"outcome: {sorted(outcome - R)} should be in R = {sorted(R)}")
    return tuple(n for n in order if n not in R), tuple(n for n in order if n in R)


def _ancestral(graph: CausalGraph, outcome: set[str], do: set[str]) -> set[str]:
    """The outcome and what acts on it along paths that the intervention leaves."""
    cut = graph.digraph
    cut.remove_edges_from([edge for edge in graph.edges if edge[1] in do])
    return set().union(outcome, *(nx.ancestors(cut, node) for node in outcome))


def _causes(graph: CausalGraph, node: str) -> list[str]:
    return [n for n in graph.of_kind(NodeKind.OBSERVED) if n in graph.parents(node)]


def _functions(graph: CausalGraph, responding: tuple[str, ...], sizes: NodeValues) -> dict[str, list[dict[Any, int]]]:
    """For each node of R all functions from the values of its observed causes to its own."""
    found, count = {}, 1
    for node in responding:
        inputs = list(product(*(range(sizes[c]) for c in _causes(graph, node))))
        count *= sizes[node] ** len(inputs)
        if count > MOST_FUNCTIONS:
            raise ValueError(f"graph: R = {list(responding)} has more than {MOST_FUNCTIONS} joint response functions")
        outputs = product(range(sizes[node]), repeat=len(inputs))
        found[node] = [dict(zip(inputs, output, strict=True)) for output in outputs]
    return found


def _run(
    graph: CausalGraph,
    responding: tuple[str, ...],
    functions: Mapping[str, dict[Any, int]],
    given: NodeValues,
    setting: Setting | None = None,
) -> NodeValues:
    """The values of all nodes, from those that are given, and those that are set, before."""
    values = dict(given)
    for node, value in (setting or {}).items():
        world = _run(graph, responding, functions, given, value) if isinstance(value, Mapping) else {node: value}
        values[node] = world[node]
    for node in responding:
        if node not in values:
            values[node] = functions[node][tuple(values[c] for c in _causes(graph, node))]
    return values


def _program(
    graph: CausalGraph,
    given: tuple[str, ...],
    responding: tuple[str, ...],
    functions: Mapping[str, list[dict[Any, int]]],
    sizes: NodeValues,
    outcome: Mapping[str, int],
    sides: list[tuple[int, Setting]],
) -> LinearProblem:
    contexts = list(product(*(range(sizes[node]) for node in given)))
    rows: dict[str, dict[str, int]] = {}
    symbols = {}
    for l, r in product(contexts, product(*(range(sizes[node]) for node in responding))):
        rows[_observation(l, r)] = {}
        symbols[l, r] = sp.Symbol(
            f"p({''.join(map(str, r))}|{''.join(map(str, l))})" if l else f"p({''.join(map(str, r))})"
        )
    objective: dict[str, int] = {}
    names = []
    for k, chosen in enumerate(_joint(functions, responding)):
        names.append(f"r{k}")
        for l in contexts:
            seen = _run(graph, responding, chosen, dict(zip(given, l, strict=True)))
            rows[_observation(l, tuple(seen[node] for node in responding))][f"r{k}"] = 1
        weight = sum(
            sign * _meets(_run(graph, responding, chosen, dict.fromkeys(given, 0), setting), outcome)
            for sign, setting in sides
        )
        if weight:
            objective[f"r{k}"] = weight
    constraints = [lp.Constraint(_observation(l, r), rows[_observation(l, r)], symbols[l, r]) for l, r in symbols]
    return LinearProblem(given, responding, lp.LinearProgram(tuple(names), objective, tuple(constraints)), symbols)


def _joint(
    functions: Mapping[str, list[dict[Any, int]]], responding: tuple[str, ...]
) -> Iterator[dict[str, dict[Any, int]]]:
    for chosen in product(*(functions[node] for node in responding)):
        yield dict(zip(responding, chosen, strict=True))


def _meets(values: NodeValues, outcome: Mapping[str, int]) -> int:
    return int(all(values[node] == value for node, value in outcome.items()))
