"""Classical causal models: what happens, what would happen if, what would have happened, and what data can say of it.

A `StructuralModel` gives every variable a function of its causes; a `ProbabilisticModel` adds a law of the exogenous
variables, and answers on all three rungs of the ladder: ``distribution`` and ``probability``, ``do``, and
``counterfactual`` (abduction, action, prediction). `with_independent_noise` makes one from a Bayesian network,
`parallel_worlds` puts several worlds side by side. Probabilities are found by elimination, exactly for exact numbers.

Your own trial comes in as a table of named values, `instrumental_table`: counts, probabilities, or a data frame of
individuals. `effect_bounds` then answers what is asked of it, with exact proofs; `effect_interval` allows for chance,
at every sample size, and `instrumental_test` says whether the counts refute what is assumed. Where treatments and
outcomes were seen in different samples, `two_sample_table` takes them. `effect_expressions` gives the bounds in
symbols; for other graphs than the instrument's there is `linear_problem`.

>>> trial = {"offered": [0, 0, 1, 1, 1, 1], "taken": [0, 0, 0, 0, 1, 1], "survived": [0, 1, 0, 1, 0, 1],
...          "children": [74, 11514, 34, 2385, 12, 9663]}
>>> table = instrumental_table(trial, instrument="offered", treatment="taken", outcome="survived", count="children")
>>> print(effect_bounds(table, "ACE"))
the average effect of taken=1 against 0 on survived: −0.1946 to 0.0054
  under joint exogeneity, individual exclusion; 23,682 individuals

In the instrumental scenario Z → X → Y a behaviour is an array p[x, y, z] = P(X=x, Y=y | Z=z); axes before these three
are a batch. `ace_bounds` bounds the average causal effect of X on Y, `bound_certificate` proves a bound,
`instrumental_inequality` tests whether a table fits the scenario at all, and `assumption_table` shows what each
assumption about the potential outcomes contributes.

>>> import numpy as np
>>> p = np.array([[[0.0064, 0.0028], [0.9936, 0.1972]], [[0.0, 0.001], [0.0, 0.799]]])  # a trial of vitamin A
>>> bounds = ace_bounds(p)
>>> round(float(bounds.lower), 4), round(float(bounds.upper), 4)
(-0.1946, 0.0054)
"""

from qlib.models.balke_pearl import AffineFunction, Derivation, DerivedFunction, bound_expressions, derive_bounds
from qlib.models.bounds import (
    AceBounds,
    AssumptionRow,
    InstrumentalInequality,
    ace_bounds,
    assumption_table,
    bound_certificate,
    instrumental_inequality,
)
from qlib.models.effect_intervals import (
    EffectInterval,
    InstrumentalTest,
    effect_interval,
    exact_region,
    instrumental_test,
    large_sample_intervals,
    linear_bounds,
    region_events,
)
from qlib.models.effects import (
    Contradiction,
    EffectBounds,
    OutcomeTerm,
    Query,
    causal_query,
    effect_bounds,
    effect_expressions,
    effect_program,
    nearest_admissible,
)
from qlib.models.graph_effects import LinearProblem, linear_problem
from qlib.models.instrument_tables import InstrumentalTable, TwoSampleTable, instrumental_table, two_sample_table
from qlib.models.potential_outcomes import (
    Assumption,
    Point,
    ReducedPoint,
    Reduction,
    SingleWorldPoint,
    average_causal_effect,
    balke_pearl_program,
    behaviour_symbols,
    couple,
    hypothetical_constraints,
    instrumental_behaviour,
    is_jointly_exogenous,
    is_marginally_exogenous,
    law_from_solution,
    law_of_response_types,
    law_with_marginal_exogeneity_only,
    law_with_stratified_exclusion_only,
    observed_behaviour,
    potential_outcome_program,
    reduction,
    response_type_program,
    satisfies_individual_exclusion,
    satisfies_stratified_exclusion,
    single_world_program,
)
from qlib.models.structural_models import (
    Mechanism,
    ProbabilisticModel,
    Response,
    StructuralModel,
    firing_squad,
    independent,
    parallel_worlds,
    six_node_model,
    vaccination,
    with_independent_noise,
)
from qlib.models.unsignalled_bounds import (
    behaviour_without_signalling,
    classical_gain,
    model_with_monotone_treatment,
    natural_bounds,
)

__all__ = [
    "AceBounds",
    "AffineFunction",
    "Assumption",
    "AssumptionRow",
    "Contradiction",
    "Derivation",
    "DerivedFunction",
    "EffectBounds",
    "EffectInterval",
    "InstrumentalInequality",
    "InstrumentalTable",
    "InstrumentalTest",
    "LinearProblem",
    "Mechanism",
    "OutcomeTerm",
    "Point",
    "ProbabilisticModel",
    "Query",
    "ReducedPoint",
    "Reduction",
    "Response",
    "SingleWorldPoint",
    "StructuralModel",
    "TwoSampleTable",
    "ace_bounds",
    "assumption_table",
    "average_causal_effect",
    "balke_pearl_program",
    "behaviour_symbols",
    "behaviour_without_signalling",
    "bound_certificate",
    "bound_expressions",
    "causal_query",
    "classical_gain",
    "couple",
    "derive_bounds",
    "effect_bounds",
    "effect_expressions",
    "effect_interval",
    "effect_program",
    "exact_region",
    "firing_squad",
    "hypothetical_constraints",
    "independent",
    "instrumental_behaviour",
    "instrumental_inequality",
    "instrumental_table",
    "instrumental_test",
    "is_jointly_exogenous",
    "is_marginally_exogenous",
    "large_sample_intervals",
    "law_from_solution",
    "law_of_response_types",
    "law_with_marginal_exogeneity_only",
    "law_with_stratified_exclusion_only",
    "linear_bounds",
    "linear_problem",
    "model_with_monotone_treatment",
    "natural_bounds",
    "nearest_admissible",
    "observed_behaviour",
    "parallel_worlds",
    "potential_outcome_program",
    "reduction",
    "region_events",
    "response_type_program",
    "satisfies_individual_exclusion",
    "satisfies_stratified_exclusion",
    "single_world_program",
    "six_node_model",
    "two_sample_table",
    "vaccination",
    "with_independent_noise",
]
