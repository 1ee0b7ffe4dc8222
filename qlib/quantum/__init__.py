"""Quantum causal models: instruments at nodes, the process between them, and counterfactuals.

At a node somebody may do anything quantum theory allows: an `Instrument` is a set of operations, one for each outcome
(``Instrument.projective``, ``.do``, ``.idle``, ``.unitary``). What leads from what leaves the nodes to what enters them
is the process: a `QuantumCausalModel` is made of channels, a `QuantumStructuralModel` of unitary parts and of
exogenous preparations λ. ``probability`` is the generalised Born rule. A `CounterfactualQuery` asks what would have
been found, had other instruments been used or other outcomes obtained, given what was found; `evaluate` answers,
`disambiguate` says which instruments a question leaves open. `causal_separability` tells whether a process has a causal
order.
What all answers have in common that differ by facts λ that a process does not tell: `answer_bounds`.

Operators are matrices in the order of the spaces named; at a node the incoming space comes before the outgoing one;
the conventions of Choi operators are those of `process_cj` and `instrument_cj`. States of two qubits have their
`concurrence` and, by `chsh_maximum`, their largest CHSH value.

>>> import numpy as np
>>> phi = np.array([1, 0, 0, 1]) / np.sqrt(2)
>>> parts = (unitary(np.eye(4), ["C"], ["A", "B"]),)
>>> source = {"C": Instrument.do(np.outer(phi, phi), d_in=1)}
>>> pair = QuantumStructuralModel((QuantumNode("A"), QuantumNode("B")), source, parts)
>>> z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]], name="z")
>>> had = CounterfactualQuery({"A": 0, "B": 0}, {"A": 1}, {"B": 1}, {"A": z, "B": z}, {})
>>> round(float(evaluate(pair, had).probability), 9)  # had Alice found 1, Bob would have found 1 as well
1.0
"""

from qlib.quantum.causal_order import (
    CausalSeparability,
    causal_separability,
    is_witness,
    order_component,
    oreshkov_costa_brukner,
    quantum_switch,
)
from qlib.quantum.channels import (
    IDENTITY,
    PAULI_X,
    PAULI_Y,
    PAULI_Z,
    born_rule,
    choi,
    density_operator,
    deviation_note,
    effects,
    instrument_cj,
    kraus_operators,
    kron,
    largest,
    partial_trace,
    process_cj,
    pure_state,
    require_positive,
    swap_factors,
    validate_measurement,
    validate_state,
)
from qlib.quantum.classical_to_quantum import (
    Added,
    Bijection,
    JointPreparation,
    binary_extension,
    bits,
    blank_preparation,
    cnot_gates,
    copy_unitary,
    intervention,
    observation,
    quantum_extension,
    quantum_query,
    reversible,
    reversible_extension,
)
from qlib.quantum.completions import answer_bounds, extreme_completion, query_operators
from qlib.quantum.counterfactuals import (
    COUNTERPOSSIBLE,
    Answer,
    CounterfactualQuery,
    Disambiguation,
    Impossible,
    QueryKind,
    Term,
    disambiguate,
    evaluate,
    posterior,
)
from qlib.quantum.derivation_steps import Explanation, Step, rounded_text
from qlib.quantum.dilations import completed, dilated, dilation, square_root
from qlib.quantum.instruments import Instrument, measure, product_factors, remaining_effect
from qlib.quantum.kept_results import with_results_kept
from qlib.quantum.process_operators import (
    ProcessOperator,
    QuantumNode,
    closed_loops,
    is_extremal,
    satisfies_trace_condition,
    trace_and_replace,
)
from qlib.quantum.process_parts import Part, channel, influences, unitary
from qlib.quantum.processes import (
    Process,
    ProcessMixture,
    QuantumCausalModel,
    QuantumStructuralModel,
    node_operators,
    outcome_tensor,
    probability,
    unmeasured,
)
from qlib.quantum.random_processes import (
    random_channel,
    random_instrument,
    random_markov_process,
    random_state,
    random_structural_model,
    random_unitary,
)
from qlib.quantum.retrodiction import petz_posterior, record_posterior
from qlib.quantum.two_qubits import (
    chsh_maximum,
    chsh_value,
    concurrence,
    correlation_matrix,
    ghz_state,
    optimal_settings,
    spin_correlators,
    spin_observable,
    werner_state,
)

__all__ = [
    "COUNTERPOSSIBLE",
    "IDENTITY",
    "PAULI_X",
    "PAULI_Y",
    "PAULI_Z",
    "Added",
    "Answer",
    "Bijection",
    "CausalSeparability",
    "CounterfactualQuery",
    "Disambiguation",
    "Explanation",
    "Impossible",
    "Instrument",
    "JointPreparation",
    "Part",
    "Process",
    "ProcessMixture",
    "ProcessOperator",
    "QuantumCausalModel",
    "QuantumNode",
    "QuantumStructuralModel",
    "QueryKind",
    "Step",
    "Term",
    "answer_bounds",
    "binary_extension",
    "bits",
    "blank_preparation",
    "born_rule",
    "causal_separability",
    "channel",
    "choi",
    "chsh_maximum",
    "chsh_value",
    "closed_loops",
    "cnot_gates",
    "completed",
    "concurrence",
    "copy_unitary",
    "correlation_matrix",
    "density_operator",
    "deviation_note",
    "dilated",
    "dilation",
    "disambiguate",
    "effects",
    "evaluate",
    "extreme_completion",
    "ghz_state",
    "influences",
    "instrument_cj",
    "intervention",
    "is_extremal",
    "is_witness",
    "kraus_operators",
    "kron",
    "largest",
    "measure",
    "node_operators",
    "observation",
    "optimal_settings",
    "order_component",
    "oreshkov_costa_brukner",
    "outcome_tensor",
    "partial_trace",
    "petz_posterior",
    "posterior",
    "probability",
    "process_cj",
    "product_factors",
    "pure_state",
    "quantum_extension",
    "quantum_query",
    "quantum_switch",
    "query_operators",
    "random_channel",
    "random_instrument",
    "random_markov_process",
    "random_state",
    "random_structural_model",
    "random_unitary",
    "record_posterior",
    "remaining_effect",
    "require_positive",
    "reversible",
    "reversible_extension",
    "rounded_text",
    "satisfies_trace_condition",
    "spin_correlators",
    "spin_observable",
    "square_root",
    "swap_factors",
    "trace_and_replace",
    "unitary",
    "unmeasured",
    "validate_measurement",
    "validate_state",
    "werner_state",
    "with_results_kept",
]
