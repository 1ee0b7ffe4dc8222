"""The rival rule: a change leaves alone what it cannot have influenced, results included.

The three steps keep the facts λ and draw all results anew. Stapp's rule (Am. J. Phys. 65, 300 (1997)) keeps results as
well, wherever the change of an instrument has no influence: "had Bob measured something else, Alice would have found
what she found". That is a query like any other: what is kept joins the antecedent, and as its probability is what it
was, there always is an answer. What becomes of it when changes follow each other is shown by
:func:`qlib.correlations.after_change`.
"""

from __future__ import annotations

import networkx as nx

from qlib.numbers.arguments import require
from qlib.quantum.counterfactuals import CounterfactualQuery
from qlib.quantum.processes import QuantumStructuralModel


def with_results_kept(model: QuantumStructuralModel, query: CounterfactualQuery) -> CounterfactualQuery:
    """The query with all results kept that its changes of instruments do not influence, as the rival rule has it.

    Results in the evidence join the antecedent at nodes that no changed node influences, be it through others; nodes of
    the consequent, and of the antecedent, stay as they are.
    Raises ``ValueError`` for instruments at what is no node of the model.

    >>> import numpy as np
    >>> from qlib.quantum.instruments import Instrument
    >>> from qlib.quantum.process_operators import QuantumNode
    >>> from qlib.quantum.process_parts import unitary
    >>> pair = Instrument.do(np.outer([1, 0, 0, 1], [1, 0, 0, 1]) / 2, d_in=1)
    >>> model = QuantumStructuralModel([*map(QuantumNode, "AB")], {"C": pair}, [unitary(np.eye(4), ["C"], ["A", "B"])])
    >>> Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    >>> X = Instrument.projective(np.array([[[1, 1], [1, 1]], [[1, -1], [-1, 1]]]) / 2)
    >>> asked = CounterfactualQuery({"A": 0, "B": 0}, {}, {"A": 0}, {"A": Z, "B": Z}, {"A": X})
    >>> str(with_results_kept(model, asked))
    'Given A = 0, B = 0, what is the probability of A = 0, had it been that B = 0?'
    """
    require(QuantumStructuralModel, model=model)
    require(CounterfactualQuery, query=query)
    for node in query.actual:
        if node not in model.nodes:
            raise ValueError(f"{node!r} is not a node of the model; its nodes are {', '.join(model.nodes)}")
    flow = nx.DiGraph()
    flow.add_nodes_from(model.nodes)
    flow.add_edges_from((cause, node) for node, causes in model.influence.items() for cause in causes)
    future = {*query.changed, *(later for node in query.changed for later in nx.descendants(flow, node))}
    asked = {**query.antecedent, **query.consequent}
    kept = {node: a for node, a in query.evidence.items() if node not in future and node not in asked}
    had = {**kept, **query.antecedent}
    return CounterfactualQuery(query.evidence, had, query.consequent, query.actual, query.counterfactual)
