r"""Which bounds on an effect survive a common cause that is not classical?

In the instrumental experiment Z decides what is done to one half of a common cause, with the result X, and X what is
done to the other half, with the result Y. If the common cause is a pair of quantum systems, what is observed is
p(x, y | z) = P(x, y | z, t=x) for a quantum behaviour P(x, y | z, t), and P(Y=y | do X=t) = Σ_x P(x, y | z, t). So a
bound on an effect is a bound on a functional of P over all quantum behaviours with the observed p:

* from outside, by moment matrices of a stated level (Navascués, Pironio & Acín 2008): G ≤ Σ λ p + b, where b bounds
  G − Σ λ P(x, y | z, x) over all strategies by a sum of squares in rational numbers (:class:`QuantumBound`);
* from inside, by strategies: mixtures of explicit ones that have the observed p. They are found by column generation:
  the multipliers of the best mixture of those at hand say which further strategy, found by see-saw, would improve it.

How far the two are apart is how much is left open. Classical and no-signalling bounds enclose them, by linear programs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from qlib.correlations.behaviours import deterministic_correlators, functional, functional_value
from qlib.correlations.quantum_strategies import see_saw
from qlib.correlations.sums_of_squares import SumOfSquares, constraint_multipliers, rational_certificate
from qlib.correlations.word_algebra import polynomial
from qlib.models.effects import ASSUMED, EffectBounds, Query, causal_query, effect_bounds
from qlib.models.instrument_tables import InstrumentalTable, instrumental_table
from qlib.numbers import linear_programs as lp
from qlib.numbers.arguments import Floats, require
from qlib.numbers.exact_arrays import Array, as_float, exact

MOST_COLUMNS = 30  # strategies that are added to the deterministic ones
GAIN = 1e-7  # of the inner bound, below which a further strategy is not worth its time
LAMBDA_BITS = 24  # to which multipliers are rounded: any are valid


@dataclass(frozen=True, eq=False)
class QuantumBound:
    """The proof of G ≤ `value` for every quantum strategy that gives p: multipliers of p, and a sum of squares.

    functional : G, exact. observed : the functionals of the cells, exact, [cell, i, j]. p : their values, exact.
    multipliers : λ, exact. squares : the proof that G − Σ λ observed ≤ squares.bound.
    """

    functional: Array
    observed: Array
    p: Array
    multipliers: Array
    squares: SumOfSquares

    @property
    def value(self) -> sp.Expr:
        """What is proved: Σ λ p + squares.bound."""
        return sp.expand(self.multipliers @ self.p + self.squares.bound)

    def verify(self) -> None:
        """Verify that the sum of squares is about G − Σ λ observed; it verified itself when it was made."""
        wanted = self.functional - np.tensordot(self.multipliers, self.observed, 1)
        if self.squares.expression != polynomial(wanted):
            raise ArithmeticError("the sum of squares is about another functional")


@dataclass(frozen=True, eq=False)
class LatentBounds:
    """Bounds on one query for a classical, a quantum and a no-signalling common cause.

    outer : proved for every quantum common cause, from `proofs`. inner : attained by quantum strategies, to 1e-9 in
    floating point. level : of the moment matrices.
    """

    query: str
    classical: EffectBounds
    inner: tuple[float, float]
    outer: tuple[Any, Any]
    no_signalling: EffectBounds
    proofs: tuple[QuantumBound, QuantumBound]
    level: str

    def __str__(self) -> str:
        rows = {
            "classical": (self.classical.lower, self.classical.upper),
            "quantum, attained": self.inner,
            f"quantum, proved (level {self.level})": self.outer,
            "no-signalling": (self.no_signalling.lower, self.no_signalling.upper),
        }
        width = max(map(len, rows))
        lines = [f"{self.query}, by the kind of common cause:"]
        for name, ends in rows.items():
            lines.append(f"  {name:{width}}  " + " to ".join(f"{float(end):7.4f}".replace("-", "−") for end in ends))
        return "\n".join(lines)


def latent_bounds(
    data: Any,
    query: str | Query = "ACE",
    *,
    level: str = "2",
    treatment: Any = None,
    baseline: Any = None,
    outcome: Any = None,
    rng: np.random.Generator | None = None,
    strategies: bool = True,
) -> LatentBounds:
    """The bounds on an effect for each kind of common cause of treatment and outcome, with proofs.

    data, query, treatment, baseline, outcome : as :func:`qlib.models.effect_bounds`; treatment and outcome have two
    values each. Counts that no classical model fits are answered for the nearest table. level : of the moment matrices,
    see :func:`qlib.correlations.words`. rng : for the starts of the search for strategies, by default seeded with 0;
    with an instrument of more than two values, or without `strategies`, which take longest, the inner bounds are the
    classical ones.
    Raises ``ValueError`` for other tables, for quotients, and for queries that only a classical common cause gives a
    meaning; :class:`qlib.models.Contradiction` for probabilities that no model fits.

    >>> trial = [[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]]
    >>> print(latent_bounds(trial))
    the average effect of X=1 against 0 on Y, by the kind of common cause:
      classical                  −0.1946 to  0.0054
      quantum, attained          −0.1946 to  0.0054
      quantum, proved (level 2)  −0.1946 to  0.0054
      no-signalling              −0.1946 to  0.0054
    """
    table = instrumental_table(data)
    generator = np.random.default_rng(0) if rng is None else rng
    require(np.random.Generator, rng=generator)
    require(bool, strategies=strategies)
    if table.p.shape[:2] != (2, 2):
        raise ValueError(f"data: {table.p.shape[:2]} treatments and outcomes should be two each for a quantum latent")
    if not isinstance(query, Query):
        query = causal_query(table, query, treatment=treatment, baseline=baseline, outcome=outcome)
    if query.denominator:
        raise ValueError(f"query: {query.name} is a quotient; it should be a sum of probabilities")
    classical = effect_bounds(table, query, ASSUMED)
    fitted = instrumental_table(classical.admissible or table)
    law = table.instrument_law
    anything = effect_bounds(fitted, query, latent="no-signalling", instrument_law=law)
    G, observed = _objective(query, fitted, law), _observed(fitted.p.shape[2])
    p = np.array([sp.Rational(f.numerator, f.denominator) for f in _cells(fitted)], dtype=object)
    upper = _proved(G, observed, p, level)
    lower = _proved(-G, observed, p, level)
    inner = float(classical.lower), float(classical.upper)
    if strategies and fitted.p.shape[2] == 2:
        inner = -_attained(-G, observed, p, generator), _attained(G, observed, p, generator)
    return LatentBounds(query.name, classical, inner, (-lower.value, upper.value), anything, (lower, upper), level)


def _cells(table: InstrumentalTable) -> list[Fraction]:
    """p of the cells that determine it: all but X=1, Y=1 for each z."""
    return [table.fractions[x, y, z] for z in range(table.p.shape[2]) for x, y in ((0, 0), (0, 1), (1, 0))]


def _observed(instruments: int) -> Array:
    """The functionals P(x, y | z, t=x) of these cells."""
    found = []
    for z in range(instruments):
        for x, y in ((0, 0), (0, 1), (1, 0)):
            c = exact(np.zeros((instruments, 2, 2, 2), dtype=int))
            c[z, x, x, y] = sp.Integer(1)
            found.append(functional(c))
    return np.array(found, dtype=object)


def _objective(query: Query, table: InstrumentalTable, law: Iterable[Fraction] | None) -> Array:
    """The functional of a query, with P(x, y | z, t) for X=x where z was drawn and t is sent to Y."""
    Z = table.p.shape[2]
    weights = [sp.Rational(w.numerator, w.denominator) for w in law or (Fraction(1), *[Fraction(0)] * (Z - 1))]
    c = exact(np.zeros((Z, 2, 2, 2), dtype=int))
    for term in query.numerator:
        ((t, y),) = term.outcomes
        for z in range(Z):
            for x in (0, 1) if term.treatment is None else (term.treatment,):
                c[z, t, x, y] += sp.Rational(term.weight.numerator, term.weight.denominator) * weights[z]
    return functional(c)


def _proved(G: Array, observed: Array, p: Array, level: str) -> QuantumBound:
    """An upper bound on G, proved."""
    numeric = constraint_multipliers(as_float(G), as_float(observed), as_float(p), level)
    scale = 2**LAMBDA_BITS
    multipliers = np.array([sp.Rational(round(float(x) * scale), scale) for x in numeric], dtype=object)
    squares = rational_certificate(G - np.tensordot(multipliers, observed, 1), level)
    proof = QuantumBound(G, observed, p, multipliers, squares)
    proof.verify()
    return proof


def _attained(G: Array, observed: Array, p: Array, rng: np.random.Generator) -> float:
    """The greatest G of a mixture of strategies with the observed p, by column generation."""
    g, C, seen = as_float(G), as_float(observed), as_float(p)
    E: Floats = deterministic_correlators(2, 2).astype(np.float64)
    best = -np.inf
    for _ in range(MOST_COLUMNS):
        solution = _best_mixture(functional_value(g, E), [functional_value(c, E) for c in C], seen)
        multipliers = [solution.dual[f"cell {k}"] for k in range(len(C))]
        best = max(best, solution.value)
        reduced = g - np.tensordot(multipliers, C, 1)
        value, correlators = see_saw(reduced, rng, starts=6)
        if value - solution.dual["total"] < GAIN:
            break
        E = np.concatenate([E, correlators[None]])
    return float(best)


def _best_mixture(values: Floats, cells: list[Floats], p: Floats) -> lp.Solution:
    names = tuple(f"w{k}" for k in range(len(values)))
    rows = [lp.Constraint("total", dict.fromkeys(names, 1), 1.0)]
    rows += [
        lp.Constraint(f"cell {k}", dict(zip(names, map(float, cell), strict=True)), float(value))
        for k, (cell, value) in enumerate(zip(cells, p, strict=True))
    ]
    return lp.solve(lp.LinearProgram(names, dict(zip(names, map(float, values), strict=True)), tuple(rows)), "max")
