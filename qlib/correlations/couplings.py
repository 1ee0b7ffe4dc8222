r"""Contextuality in phenomena with disturbance: the measure of Contextuality-by-Default.

Where the law of a measurement depends on its context, no joint law of the measurements can exist, and there is nothing
to ask. Dzhafarov & Kujala (2017) count a measurement in two contexts as two random variables, which never occur
together, and ask how equal they can be made: a *coupling* is a joint law of all of them that has the phenomenon's law
in every context. Were a measurement by itself, the two could differ with probability |p - p'|, the distance of its two
laws, and no less. If one coupling attains that for all measurements at once, the phenomenon is noncontextual; if not,
the measure is by how much the sum of the probabilities exceeds the sum of the distances. Without disturbance all
distances are zero, and this is noncontextuality as ever.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product
from math import prod
from typing import Any

import networkx as nx
import numpy as np

from qlib.correlations.behaviours import MOST_ASSIGNMENTS
from qlib.correlations.scenarios import Phenomenon, Scenario
from qlib.numbers.arguments import require
from qlib.numbers.exact_arrays import absolute, exact_sign, minimum, simplified
from qlib.numbers.linear_programs import Certificate, Constraint, LinearProgram, certificate


@dataclass(frozen=True, eq=False)
class ContextualityByDefault:
    """The measure `value` = `mismatch` - `distance`; zero exactly for noncontextual phenomena.

    mismatch : the least sum of the probabilities that a measurement's outcomes in two contexts differ. distance : the
    sum of what is least for each by itself. certificate : the linear program's proof of `mismatch`.
    """

    mismatch: Any
    distance: Any
    certificate: Certificate

    @property
    def value(self) -> Any:
        """By how much the mismatch exceeds what disturbance makes unavoidable."""
        return simplified(np.array([self.mismatch - self.distance]))[0]


def _pairs(scenario: Scenario) -> list[tuple[str, int, int]]:
    """Every measurement in every two contexts that it belongs to."""
    where = {m: [c for c, context in enumerate(scenario.contexts) if m in context] for m in scenario.measurements}
    return [(m, c, d) for m, contexts in where.items() for c, d in combinations(contexts, 2)]


def _require_two_outcomes(scenario: Scenario) -> None:
    for m, number in scenario.outcomes.items():
        if number != 2:
            raise ValueError(f"measurement {m!r} has {number} outcomes; the measure is defined here for two")


def coupling_program(phenomenon: Phenomenon) -> LinearProgram:
    """Minimise the sum of the probabilities of a mismatch over all couplings.

    A variable is one outcome for every context, a constraint an entry of the phenomenon's table.
    Raises ``ValueError`` for other than two outcomes, or more than 65,536 variables.
    """
    require(Phenomenon, phenomenon=phenomenon)
    scenario = phenomenon.scenario
    _require_two_outcomes(scenario)
    entries = [[i for i in scenario.entries if i[0] == c] for c in range(len(scenario.contexts))]
    if (count := prod(map(len, entries))) > MOST_ASSIGNMENTS:
        raise ValueError(f"a coupling of all contexts has {count} values, which are too many")
    names = {i: f"{scenario.label(i[0])}: {' '.join(map(str, i[1:]))}" for i in scenario.entries}
    members: dict[tuple[int, ...], dict[str, int]] = {i: {} for i in scenario.entries}
    costs = {}
    places = [
        (c, 1 + scenario.contexts[c].index(m), d, 1 + scenario.contexts[d].index(m)) for m, c, d in _pairs(scenario)
    ]
    for chosen in product(*entries):
        variable = " | ".join(names[i] for i in chosen)
        costs[variable] = sum(chosen[c][k] != chosen[d][j] for c, k, d, j in places)
        for i in chosen:
            members[i][variable] = 1
    values = phenomenon.table if phenomenon.is_exact else phenomenon.table.astype(object)
    rows = tuple(Constraint(names[i], members[i], values[i]) for i in scenario.entries)
    return LinearProgram(tuple(costs), costs, rows)


def contextuality_by_default(phenomenon: Phenomenon) -> ContextualityByDefault:
    """The measure of contextuality by default, for two-outcome measurements, with the proof that it is optimal.

    For a measurement in more than two contexts each two of them count (multimaximal couplings). Dzhafarov & Kujala,
    Fortschr. Phys. 65, 1600040 (2017). Exact for an exact phenomenon; see :func:`cyclic_measure` for a formula.
    Raises what :func:`coupling_program` raises.

    >>> from qlib.correlations.scenarios import pr_box, tsirelson
    >>> contextuality_by_default(pr_box()).value, contextuality_by_default(tsirelson()).value
    (1, -1 + sqrt(2))
    """
    require(Phenomenon, phenomenon=phenomenon)
    proof = certificate(coupling_program(phenomenon))
    distances = [
        absolute(phenomenon.marginal(c, [m])[1] - phenomenon.marginal(d, [m])[1])
        for m, c, d in _pairs(phenomenon.scenario)
    ]
    number = proof.value if phenomenon.is_exact else float(proof.value)
    return ContextualityByDefault(number, simplified(np.array([sum(distances)]))[0], proof)


def is_cyclic(scenario: Scenario) -> bool:
    """Whether the contexts are the edges of one cycle of measurements with two outcomes each, such as CHSH's.

    The shortest cycle is one pair of measurements in two contexts, such as two questions asked in both orders.

    >>> from qlib.correlations.scenarios import bell_scenario
    >>> is_cyclic(bell_scenario(2, 2)), is_cyclic(bell_scenario(2, 3)), is_cyclic(Scenario([("a", "b"), ("b", "a")]))
    (True, False, True)
    """
    require(Scenario, scenario=scenario)
    graph = nx.MultiGraph(context for context in scenario.contexts if len(context) == 2)
    uses = Counter(m for context in scenario.contexts for m in context)
    pairs = graph.number_of_edges() == len(scenario.contexts) == len(scenario.measurements)
    return bool(
        pairs and set(scenario.outcomes.values()) == {2} and set(uses.values()) == {2} and nx.is_connected(graph)
    )


def cyclic_measure(phenomenon: Phenomenon) -> Any:
    """The same measure for a cyclic scenario of n contexts, by formula: ½ max(0, s - (n - 2) - Σ |Δ|).

    s : the largest sum of the correlators with an odd number of signs turned. Δ : the difference of a measurement's two
    means. Kujala, Dzhafarov & Larsson, Phys. Rev. Lett. 115, 150401 (2015); Kujala & Dzhafarov, Found. Phys. 46, 282
    (2016). Raises ``ValueError`` if the scenario is not cyclic.

    >>> from qlib.correlations.scenarios import quantum_cycle
    >>> cyclic_measure(quantum_cycle(5))
    -4 + 2*sqrt(5)
    """
    require(Phenomenon, phenomenon=phenomenon)
    scenario = phenomenon.scenario
    if not is_cyclic(scenario):
        raise ValueError("the formula holds for cyclic scenarios: each measurement in two contexts of two, in a cycle")
    correlators = [phenomenon.correlator(c) for c in range(len(scenario.contexts))]
    sizes = [absolute(e) for e in correlators]
    total = sum(sizes)
    if sum(exact_sign(e) < 0 for e in correlators) % 2 == 0:
        total -= 2 * minimum(sizes)
    shifts = [absolute(phenomenon.correlator(c, [m]) - phenomenon.correlator(d, [m])) for m, c, d in _pairs(scenario)]
    excess = simplified(np.array([(total - (len(correlators) - 2) - sum(shifts)) / 2]))[0]
    return excess if exact_sign(excess) > 0 else 0 * excess
