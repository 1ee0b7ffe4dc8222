"""Which effects the observed distribution determines: a formula for P(outcomes | do(treatments)), by y0."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import networkx as nx

from qlib.graphs.graphs import CausalGraph, NodeKind
from qlib.numbers.arguments import distinct, require


def identified_effect(
    graph: CausalGraph, treatments: Iterable[str], outcomes: Iterable[str], given: Iterable[str] = ()
) -> str | None:
    r"""TeX of P(outcomes | do(treatments), given) in terms of the observed distribution; None if that does not fix it.

    It is the complete algorithm of Shpitser and Pearl (2006), as implemented by the package y0, which is not among the
    requirements of this one. Latent nodes of the graph are what is not observed; several children of one are confounded
    pairwise, as the algorithm has it. None says that two models with this graph and the same observed distribution
    differ in the effect, not that nothing can be said: see `qlib.models.linear_problem` for bounds.
    Raises ``ModuleNotFoundError`` where y0 is not installed, ``ValueError`` for names that are no observed nodes, or
    that are named twice.

    >>> front_door = CausalGraph({"X": NodeKind.OBSERVED, "M": NodeKind.OBSERVED, "Y": NodeKind.OBSERVED,
    ...     "U": NodeKind.LATENT}, [("X", "M"), ("M", "Y"), ("U", "X"), ("U", "Y")])
    >>> identified_effect(front_door, ["X"], ["Y"])  # doctest: +SKIP
    '\\sum\\limits_{M} P(M | X) \\sum\\limits_{X} P(X) P(Y | M, X)'
    """
    require(CausalGraph, graph=graph)
    observed = [node for node in graph.kinds if node not in graph.of_kind(NodeKind.LATENT)]
    roles = {"treatments": treatments, "outcomes": outcomes, "given": given}
    named = {role: distinct(names, role, observed) for role, names in roles.items()}
    if twice := sorted({n for n in observed if sum(n in names for names in named.values()) > 1}):
        raise ValueError(f"given: {', '.join(twice)} should be treatment, outcome or condition, only one of them")
    if not (named["treatments"] and named["outcomes"]):
        raise ValueError("treatments, outcomes: each should name a node")
    dsl, mixed, algorithm = (_y0(part) for part in ("dsl", "graph", "algorithm.identify"))
    variables = {role: {dsl.Variable(name) for name in names} for role, names in named.items()}
    drawn = nx.DiGraph()
    drawn.add_nodes_from((dsl.Variable(node), {"hidden": node not in observed}) for node in graph.kinds)
    drawn.add_edges_from((dsl.Variable(a), dsl.Variable(b)) for a, b in graph.edges)
    projected = mixed.NxMixedGraph.from_latent_variable_dag(drawn)
    found = algorithm.identify_outcomes(
        projected, variables["treatments"], variables["outcomes"], variables["given"] or None
    )
    return None if found is None else str(found.to_latex())


def _y0(part: str) -> Any:
    try:
        return import_module(f"y0.{part}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "identified_effect needs the package y0, which is not installed: pip install y0"
        ) from error
