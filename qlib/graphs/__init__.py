"""Causal graphs: which arrows there are, what intervening does to them, and which independences they imply.

A `CausalGraph` is a directed acyclic graph whose nodes are observed, latent, quantum latent, or fixed by surgery. Nodes
are named by texts, and an arrow is a pair (cause, effect). Two sets of nodes are *d-separated* by a third if it blocks
every path between them: a chain or a fork is blocked by conditioning on its middle node, a collider by leaving it and
all its descendants alone. `d_separated` asks it of one graph, `d_separations` lists all that a graph implies.

`do` is Pearl's surgery: a node loses its causes. `intervene_on_edges` replaces what one child receives and leaves the
node as it was. `latent_projection` removes latent nodes and keeps what they make of the others. `Structures` holds
millions of small graphs in machine words and asks the same of all at once. `independences` finds the conditional
independences of a probability law, and `faithfulness` compares them with those of a graph.

>>> bell = CausalGraph({"X": "observed", "A": "observed", "B": "observed", "Λ": "latent classical"},
...                    [("X", "A"), ("Λ", "A"), ("Λ", "B")])
>>> d_separated(bell, {"X"}, {"B"}, set()), d_separated(bell, {"X"}, {"B"}, {"A"})
(True, False)
"""

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
from qlib.graphs.graph_files import adjustment_set, graph_of_bif, graph_of_dagitty, graph_of_networkx
from qlib.graphs.graphs import (
    CausalGraph,
    NodeKind,
    Projection,
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
from qlib.graphs.identification import identified_effect
from qlib.graphs.independence import (
    Faithfulness,
    Independence,
    SemiGraphoid,
    faithfulness,
    independences,
    markov_law,
    separations,
)

__all__ = [
    "CausalGraph",
    "Faithfulness",
    "Independence",
    "NodeKind",
    "Projection",
    "SemiGraphoid",
    "Structures",
    "acyclic",
    "adjustment_set",
    "all_pairs",
    "ancestors",
    "concatenate",
    "confoundings",
    "d_separated",
    "d_separations",
    "dag_count",
    "dags",
    "disjoint_triples",
    "do",
    "explicit_latents",
    "faithfulness",
    "from_projections",
    "graph_of_bif",
    "graph_of_dagitty",
    "graph_of_networkx",
    "identified_effect",
    "independences",
    "instrumental_graph",
    "intervene_on_edges",
    "latent_projection",
    "markov_law",
    "mask",
    "mixed_graphs",
    "orientations",
    "projected",
    "reachable",
    "replace_parts",
    "separated",
    "separations",
    "subsets",
    "to_causal_graph",
    "to_projection",
    "with_all_confoundings",
    "with_latent_nodes",
    "word",
]
