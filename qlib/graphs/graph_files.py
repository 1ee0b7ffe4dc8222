"""Causal graphs from where others have drawn them: networkx, DAGitty's text, a BIF file."""

from __future__ import annotations

import re
from collections.abc import Iterable

import networkx as nx

from qlib.graphs.graphs import CausalGraph, NodeKind
from qlib.numbers.arguments import distinct, require

NAME = r'(?:"[^"]+"|[\w.]+)'


def graph_of_networkx(graph: nx.DiGraph, latent: Iterable[str] = ()) -> CausalGraph:
    """The causal graph of a directed networkx graph whose nodes are texts; `latent` names those that are not observed.

    ``TypeError`` for a graph of another kind or a node that is no text, ``ValueError`` for a cycle or an unknown name.

    >>> instrument = nx.DiGraph([("Z", "X"), ("X", "Y"), ("U", "X"), ("U", "Y")])
    >>> graph_of_networkx(instrument, latent=["U"]).of_kind(NodeKind.LATENT)
    ('U',)
    """
    require(nx.DiGraph, graph=graph)
    nodes = distinct(graph.nodes, "graph")
    hidden = distinct(latent, "latent", nodes)
    kinds = {node: NodeKind.LATENT if node in hidden else NodeKind.OBSERVED for node in nodes}
    return CausalGraph(kinds, list(graph.edges))


def graph_of_dagitty(text: str) -> CausalGraph:
    """The causal graph of DAGitty's text, ``dag { ... }``: nodes with options, chains of ``->``, ``<-`` and ``<->``.

    A node with the option ``latent`` or ``unobserved`` is latent; a two-headed arrow becomes a latent common cause.
    ``ValueError`` for text that is no such graph, naming what is not understood.

    >>> graph = graph_of_dagitty("dag { Z -> X -> Y ; X <-> Y ; Z [exposure] }")
    >>> sorted(graph.edges)
    [('U_X_Y', 'X'), ('U_X_Y', 'Y'), ('X', 'Y'), ('Z', 'X')]
    """
    require(str, text=text)
    body = re.fullmatch(rf"\s*dag\s*(?:{NAME})?\s*\{{(.*)\}}\s*", text, re.S)
    if not body:
        raise ValueError("text: it should be DAGitty's dag { ... }")
    inside = re.sub(r"\bbb\s*=\s*\"[^\"]*\"", " ", body[1])
    tokens = re.findall(rf"<->|->|<-|\[[^\]]*\]|{NAME}|[^\s;]", inside)
    kinds: dict[str, NodeKind] = {}
    edges: list[tuple[str, str]] = []
    last, arrow = "", ""
    for token in tokens:
        if token in ("->", "<-", "<->"):
            if not last or arrow:
                raise ValueError(f"text: an arrow {token!r} without a node before it")
            arrow = token
        elif token.startswith("["):
            if re.search(r"\b(?:latent|unobserved|u)\b", token) and last:
                kinds[last] = NodeKind.LATENT
        elif re.fullmatch(NAME, token):
            node = token.strip('"')
            kinds.setdefault(node, NodeKind.OBSERVED)
            if arrow == "<->":
                cause = f"U_{last}_{node}"
                kinds[cause] = NodeKind.LATENT
                edges += [(cause, last), (cause, node)]
            elif arrow:
                edges.append((last, node) if arrow == "->" else (node, last))
            last, arrow = node, ""
        else:
            raise ValueError(f"text: {token!r} is not understood")
    if arrow:
        raise ValueError(f"text: it ends with the arrow {arrow!r}")
    return CausalGraph(kinds, edges)


def graph_of_bif(text: str) -> tuple[CausalGraph, dict[str, tuple[str, ...]]]:
    """The graph of a Bayesian network in BIF, and the values of each variable; all variables are observed.

    ``ValueError`` for text without variables, or a probability of one that is not declared.

    >>> rain = "variable rain { type discrete [ 2 ] { yes, no }; } probability ( rain ) { table 0.2, 0.8; }"
    >>> graph_of_bif(rain)[1]
    {'rain': ('yes', 'no')}
    """
    require(str, text=text)
    plain = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    declared = re.findall(rf"variable\s+({NAME})\s*\{{\s*type\s+discrete\s*\[\s*\d+\s*\]\s*\{{([^}}]*)\}}", plain)
    if not declared:
        raise ValueError("text: it declares no discrete variable; it should be a network in BIF")
    values = {name.strip('"'): tuple(v.strip().strip('"') for v in listed.split(",")) for name, listed in declared}
    edges = []
    for child, parents in re.findall(rf"probability\s*\(\s*({NAME})\s*(?:\|([^)]*))?\)", plain):
        for parent in filter(None, (name.strip().strip('"') for name in parents.split(","))):
            edges.append((parent, child.strip('"')))
    return CausalGraph(dict.fromkeys(values, NodeKind.OBSERVED), edges), values


def adjustment_set(graph: CausalGraph, treatment: str, outcome: str) -> frozenset[str] | None:
    """A minimal set of observed nodes that closes all back doors from treatment to outcome; None where there is none.

    It holds no descendant of the treatment, so adjusting for it gives the total effect: Pearl's back-door criterion;
    the separator is found by networkx. ``ValueError`` for nodes that there are not.

    >>> graph = graph_of_dagitty("dag { A -> X -> Y <- B <- A ; X <- C -> Y }")
    >>> sorted(adjustment_set(graph, "X", "Y"))
    ['A', 'C']
    """
    require(CausalGraph, graph=graph)
    graph.require(treatment)
    graph.require(outcome)
    whole = graph.digraph
    without = whole.copy()
    without.remove_edges_from([(treatment, child) for child in whole.successors(treatment)])
    allowed = set(graph.of_kind(NodeKind.OBSERVED)) - nx.descendants(whole, treatment) - {treatment, outcome}
    if outcome == treatment or outcome in whole.predecessors(treatment):
        return None
    found = nx.find_minimal_d_separator(without, {treatment}, {outcome}, restricted=allowed)
    return None if found is None else frozenset(found)
