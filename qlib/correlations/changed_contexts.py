"""Results that are kept while what is measured changes: one change after another, and all at once.

Take a phenomenon as the law of one completely known process, and let something have been found in one context. *Had
another context been measured*, the rule that keeps the results of what both contexts measure gives a law for the rest,
`after_change`; it is the law of the phenomenon given what is kept. Done twice it can depend on the order.
`lasting_results` asks for more: one result for every measurement, such that in every context what would have been found
is possible. For Hardy's evidence, and for all evidence of Greenberger, Horne and Zeilinger's state, there is none: the
phenomenon is *logically*, or *strongly*, contextual (Abramsky & Brandenburger, New J. Phys. 13, 113036 (2011)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qlib.correlations.scenarios import Phenomenon, Scenario
from qlib.numbers.arguments import probabilities, require, several, whole
from qlib.numbers.exact_arrays import Array, is_zero, simplified

Results = tuple[int, ...]


def after_change(
    phenomenon: Phenomenon, law: Mapping[Results, Any], before: Sequence[str], after: Sequence[str]
) -> dict[Results, Any]:
    """The law of the results in another context, had it been measured, where the results of shared measurements stay.

    law : results in the context `before` → their probability; those found, with probability 1, to begin with.
    Returns the results in the context `after` that are possible, with their probabilities.
    Raises ``ValueError`` for what is no context, or results that cannot be found there.

    >>> from qlib.correlations.scenarios import tsirelson
    >>> after_change(tsirelson(), {(0, 1): 1}, ("A0", "B0"), ("A1", "B0"))
    {(0, 1): 1/2 - sqrt(2)/4, (1, 1): sqrt(2)/4 + 1/2}
    """
    require(Phenomenon, phenomenon=phenomenon)
    require(Mapping, law=law)
    scenario = phenomenon.scenario
    old, new = _context(scenario, before, "before"), _context(scenario, after, "after")
    shared = [m for m in scenario.contexts[new] if m in scenario.contexts[old]]
    where = [scenario.contexts[new].index(m) for m in shared]
    table = _entries(phenomenon, new)
    total: dict[Results, Any] = {}
    for results, given in law.items():
        weight = probabilities(given, f"law: {results}", ()).item()
        found = _possible(phenomenon, old, results)
        kept = [found[scenario.contexts[old].index(m)] for m in shared]
        fitting = {r: p for r, p in table.items() if [r[k] for k in where] == kept}
        chance = sum(fitting.values())
        for r, p in fitting.items():
            total[r] = total.get(r, 0) + weight * p / chance
    return dict(zip(total, _tidy([*total.values()]), strict=True))


def lasting_results(phenomenon: Phenomenon, context: Sequence[str], results: Sequence[int]) -> Array:
    """All assignments of a result to every measurement that agree with what was found and are possible in each context.

    Shape (assignments, measurements), in the order of the scenario's measurements. None: nothing that could have been
    found elsewhere goes together with what was found here.
    Raises ``ValueError`` for what is no context, or results that cannot be found there.

    >>> from qlib.correlations.scenarios import hardy_paradox
    >>> [len(lasting_results(hardy_paradox(), ("A0", "B0"), found)) for found in ((0, 0), (1, 1))]
    [0, 3]
    """
    require(Phenomenon, phenomenon=phenomenon)
    scenario = phenomenon.scenario
    here = _context(scenario, context, "context")
    found = _possible(phenomenon, here, results)
    place = {m: k for k, m in enumerate(scenario.measurements)}
    chosen = scenario.assignments
    chosen = chosen[(chosen[:, [place[m] for m in scenario.contexts[here]]] == found).all(axis=1)]
    for k, each in enumerate(scenario.contexts):
        allowed = {*_entries(phenomenon, k)}
        columns = [place[m] for m in each]
        chosen = chosen[[tuple(row) in allowed for row in chosen[:, columns].tolist()]]
    return np.asarray(chosen)


def _context(scenario: Scenario, names: Sequence[str], what: str) -> int:
    """The place of a context."""
    wanted = several(names, what)
    if wanted not in scenario.contexts:
        known = "; ".join(scenario.label(k) for k in range(len(scenario.contexts)))
        raise ValueError(f"{what}: {wanted} is no context; these are {known}")
    return scenario.contexts.index(wanted)


def _possible(phenomenon: Phenomenon, context: int, results: Sequence[int]) -> Results:
    """Results that have a positive probability in a context."""
    found = tuple(whole(r, "results", 0) for r in several(results, "results"))
    if found not in _entries(phenomenon, context):
        raise ValueError(f"results: {found} cannot be found in the context {phenomenon.scenario.label(context)}")
    return found


def _entries(phenomenon: Phenomenon, context: int) -> dict[Results, Any]:
    """The possible results in a context, with their probabilities."""
    law = phenomenon.marginal(context, phenomenon.scenario.contexts[context])
    return {index: law[index] for index in np.ndindex(law.shape) if not _vanishes(law[index])}


def _vanishes(p: Any) -> bool:
    return bool(abs(p) <= 1e-12) if isinstance(p, float) else is_zero(p)


def _tidy(values: Sequence[Any]) -> Sequence[Any]:
    return values if any(isinstance(v, float) for v in values) else [*simplified(np.array(values, dtype=object))]
