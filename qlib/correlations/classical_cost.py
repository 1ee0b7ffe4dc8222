r"""What a classical model of a violation of Bell's inequality costs: communication, or dependence on the settings.

Two parties have settings x, y and outcomes a, b, all of two values; a behaviour is P[x, y, a, b] = P(a, b | x, y), as
in :mod:`qlib.correlations.behaviours`. A
classical model of a behaviour that violates Bell's inequality lets a message pass between the parties, or lets the
hidden variable λ depend on the settings. How much of either is needed is a linear program, since a model is a mixture
of deterministic strategies:

* `communication_program`: the least fraction of rounds in which a message is sent;
* `dependence_program`: the least M with Σ_λ |P(λ | s) − P(λ | s′)| ≤ M for all settings s, s′, the measure of Hall,
  Phys. Rev. Lett. 105, 250404 (2010). The deterministic strategies suffice as values of λ: to merge all λ with the
  same strategy never makes M larger.

`optimal_line` proves what such an optimum is for all values of a parameter at once, where it is linear in it. How many
bits λ must know about the settings is not a linear program but a rate–distortion problem: `rate_distortion`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from qlib.correlations.behaviours import behaviour, deterministic_outcomes
from qlib.numbers.arguments import numbers, real_number, reals, require, whole
from qlib.numbers.exact_arrays import Array, is_zero, number
from qlib.numbers.linear_programs import Certificate, Constraint, LinearProgram, certificate, combine
from qlib.quantum.two_qubits import CHSH

Message = Literal["setting", "outcome", "setting of either"]
Dependence = Literal["both settings", "Alice's setting"]
BITS = (0, 1)
SETTINGS = tuple(product(BITS, repeat=2))
MOST_CHANNEL_STEPS = 100_000  # of Blahut's and Arimoto's algorithm, at most


def isotropic(chsh: Any) -> Array:
    """The behaviour with E(x, y) = (−1)^xy S/4 and unbiased outcomes, so that its CHSH value is S: P[x, y, a, b].

    Exact if S is exact (a number or a symbol). Every behaviour can be brought to this form without changing S, by
    flips of settings and outcomes that the parties agree on at random.
    Raises ``ValueError`` for a number S outside [−4, 4].

    >>> isotropic(4)[1, 1]
    array([[0, 1/2],
           [1/2, 0]], dtype=object)
    """
    real_number(chsh, "chsh", -4, 4)
    value = chsh if isinstance(chsh, float) else number(chsh)
    E = CHSH * (value / 4)
    E[0, 0] = 1
    return behaviour(E)


# --- communication ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeterministicStrategy:
    """A deterministic strategy: outcomes a[x][y] and b[x][y]. It is local if a does not depend on y, nor b on x."""

    a: tuple[tuple[int, ...], ...]
    b: tuple[tuple[int, ...], ...]

    @property
    def is_local(self) -> bool:
        """Whether no message is needed."""
        return all(row[0] == row[1] for row in self.a) and self.b[0] == self.b[1]

    def __str__(self) -> str:
        a, b = ("".join(str(value) for row in table for value in row) for table in (self.a, self.b))
        return f"a={a} b={b}"


def local_strategies() -> list[DeterministicStrategy]:
    """The sixteen local ones.

    >>> print(local_strategies()[1])
    a=0000 b=0101
    """
    tables = deterministic_outcomes([2] * 4).tolist()
    return [DeterministicStrategy(((a0, a0), (a1, a1)), ((b0, b1), (b0, b1))) for a0, a1, b0, b1 in tables]


def strategies(message: Message) -> list[DeterministicStrategy]:
    """The strategies in which at most this message is sent: Alice's setting to Bob, her outcome, or either's setting.

    Bob knows λ: Alice's outcome tells him her setting wherever it depends on it. Raises ``ValueError`` for another
    message.

    >>> [len(strategies(message)) for message in ("setting", "outcome", "setting of either")]
    [64, 40, 112]
    """
    if message not in ("setting", "outcome", "setting of either"):
        raise ValueError(f"message={message!r}: should be 'setting', 'outcome' or 'setting of either'")
    alice_sends = [
        DeterministicStrategy(((a0, a0), (a1, a1)), ((b00, b01), (b10, b11)))
        for a0, a1, b00, b01, b10, b11 in deterministic_outcomes([2] * 6).tolist()
    ]
    if message == "setting":
        return alice_sends
    if message == "outcome":
        return [s for s in alice_sends if s.a[0] != s.a[1] or s.b[0] == s.b[1]]
    bob_sends = [DeterministicStrategy(_transposed(s.b), _transposed(s.a)) for s in alice_sends]
    return list(dict.fromkeys(alice_sends + bob_sends))


def _transposed(table: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(zip(*table, strict=True))


def communication_program(behaviour: ArrayLike, message: Message = "setting") -> LinearProgram:
    """The least fraction of rounds in which a message is sent, over mixtures that give a behaviour P[x, y, a, b].

    Variables: the weight of every strategy; constraints ``law: P(ab|xy)``. Raises ``ValueError`` for another shape.
    """
    P = _behaviour(behaviour)
    pool = strategies(message)
    rows = (
        Constraint(
            f"law: P({a}{b}|{x}{y})",
            {str(s): 1 for s in pool if (s.a[x][y], s.b[x][y]) == (a, b)},
            P[x, y, a, b],
        )
        for x, y, a, b in product(BITS, repeat=4)
    )
    return LinearProgram(tuple(map(str, pool)), {str(s): 1 for s in pool if not s.is_local}, tuple(rows))


def _behaviour(behaviour: ArrayLike) -> Array:
    """P[x, y, a, b], which may hold symbols."""
    return numbers(behaviour, "behaviour", (2, 2, 2, 2))


# --- dependence on the settings --------------------------------------------------------------------------------------


def dependence_program(behaviour: ArrayLike, on: Dependence = "both settings") -> LinearProgram:
    """The least M with Σ_λ |P(λ | s) − P(λ | s′)| ≤ M for all s, s′, over the local models of P[x, y, a, b].

    on : whether λ may depend on both settings, or on Alice's only. Variables: ``λ | xy`` for every local strategy
    λ, how much more and less likely it is with one setting than with the other, and ``M``; constraints in the groups
    ``law``, ``difference`` and ``bound``. Raises ``ValueError`` for another shape or word.
    """
    P = _behaviour(behaviour)
    if on not in ("both settings", "Alice's setting"):
        raise ValueError(f"on={on!r}: should be 'both settings' or \"Alice's setting\"")
    pool = local_strategies()
    seen = {(x, y): f"{x}{y}" if on == "both settings" else f"{x}" for x, y in SETTINGS}
    rows = [
        Constraint(
            f"law: P({a}{b}|{x}{y})",
            {f"{s} | {seen[x, y]}": 1 for s in pool if (s.a[x][y], s.b[x][y]) == (a, b)},
            P[x, y, a, b],
        )
        for x, y, a, b in product(BITS, repeat=4)
    ]
    conditions = sorted(set(seen.values()))
    for s, t in combinations(conditions, 2):
        rows += _distance_rows([str(strategy) for strategy in pool], s, t)
    variables = dict.fromkeys(f"{strategy} | {condition}" for condition in conditions for strategy in pool)
    variables |= dict.fromkeys(v for row in rows for v in row.coefficients)
    return LinearProgram(tuple(variables), {"M": 1}, tuple(rows))


def _distance_rows(values: list[str], s: str, t: str) -> Iterator[Constraint]:
    """Σ_λ |P(λ|s) − P(λ|t)| ≤ M, the difference being `more` minus `less`."""
    for value in values:
        more, less = (f"{value} {word} likely with {s} than with {t}" for word in ("more", "less"))
        yield Constraint(
            f"difference: {value} | {s} − {t}", {f"{value} | {s}": 1, f"{value} | {t}": -1, more: -1, less: 1}
        )
    parts = {f"{value} {word} likely with {s} than with {t}": 1 for value in values for word in ("more", "less")}
    yield Constraint(f"bound: {s}, {t}", {**parts, f"slack of {s}, {t}": 1, "M": -1})


# --- optima as functions of a parameter ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A proof that the optimum of a minimisation is a linear function of a parameter, over an interval of it.

    formula : the function. symbol, low, high : the parameter and the ends of the interval. below : multipliers that
    are dual feasible whatever the right-hand sides are, and combine them to the formula: no optimum is smaller. ends :
    exact optimal points at both ends; their mixtures are feasible in between, and no optimum is larger.
    """

    formula: Any
    symbol: sp.Symbol
    low: Any
    high: Any
    below: Certificate
    ends: tuple[Certificate, Certificate]

    def verify(self, program: Callable[[Any], LinearProgram]) -> None:
        """Verify everything in exact arithmetic; ``CertificateError``, or ``ValueError`` if it proves nothing."""
        require(Callable, program=program)
        for row in program(self.symbol).constraints:
            if not is_zero(sp.diff(number(row.rhs), self.symbol, 2)):
                raise ValueError(f"{row.name}: its right-hand side {row.rhs} is not linear in {self.symbol}")
        self.below.verify(program(self.symbol))
        if not is_zero(self.below.value - self.formula):
            raise ValueError(f"the multipliers prove {self.below.value}, not {self.formula}")
        for end, proof in zip((self.low, self.high), self.ends, strict=True):
            proof.verify(program(end))
            if not proof.is_optimal or not is_zero(proof.value - self.formula.subs(self.symbol, end)):
                raise ValueError(
                    f"low, high: at {self.symbol} = {end} the optimum is {proof.value}, which is not on {self.formula}"
                )


def optimal_line(program: Callable[[Any], LinearProgram], symbol: sp.Symbol, low: Any, high: Any) -> Line:
    """Prove that the minimum of program(t) is linear in t between two values, and what it is.

    program : a function of the parameter, a number or the symbol, that changes right-hand sides only.
    Raises ``ValueError`` if the minimum is not linear there; ``Infeasible``, ``Unbounded`` and ``CertificateError``
    where the program has no optimum that could be proved, as `certificate` does.

    >>> S = sp.Symbol("S")
    >>> optimal_line(lambda S: communication_program(isotropic(S)), S, 2, 4).formula
    S/2 - 1
    """
    require(Callable, program=program)
    require(sp.Symbol, symbol=symbol)
    low, high = number(real_number(low, "low")), number(real_number(high, "high"))
    inside = certificate(program((low + high) / 2))
    formula = combine(program(symbol), inside.multipliers)
    below = Certificate("min", inside.multipliers, formula)
    line = Line(formula, symbol, low, high, below, (certificate(program(low)), certificate(program(high))))
    line.verify(program)
    return line


# --- information -----------------------------------------------------------------------------------------------------


def failures(x: int, y: int) -> NDArray[np.int_]:
    """For each local strategy, whether it misses the aim a ⊕ b = xy of the CHSH game at these settings."""
    x, y = whole(x, "x", 0, 1), whole(y, "y", 0, 1)
    return np.array([s.a[x][y] ^ s.b[x][y] ^ x & y for s in local_strategies()])


def rate_distortion(
    source: ArrayLike, distortion: ArrayLike, slope: float, tolerance: float = 1e-12
) -> tuple[float, float]:
    """A point (distortion, rate in bits) of a rate–distortion curve, by the algorithm of Blahut and Arimoto.

    source : probabilities of the source letters s. distortion : d[s, λ], what it costs to reproduce s as λ. slope :
    minus the derivative of the rate, in nats, at the point that is sought; positive. The rate is the least mutual
    information I(s : λ) at that mean distortion. Stops when the rate is known up to `tolerance` nats.
    Raises ``ValueError`` for shapes that do not match, what is no distribution, or a slope that is not positive, and
    ``ArithmeticError`` if the tolerance is not reached.

    >>> rate_distortion([0.5, 0.5], [[0, 1], [1, 0]], slope=np.log(3))  # a fair coin: 1 − h(D)
    (0.25, 0.18872187554086717)
    """
    real_number(slope, "slope")
    real_number(tolerance, "tolerance")
    p, d = reals(source, "source"), reals(distortion, "distortion")
    if d.ndim != 2 or p.shape != d.shape[:1] or d.size == 0:
        raise ValueError(f"source {p.shape} and distortion {d.shape} should be (letters,) and (letters, reproductions)")
    if not (p.min() >= 0 and abs(p.sum() - 1) <= 1e-9):
        raise ValueError(f"source: {p.tolist()} should be probabilities that sum to one")
    if not slope > 0:
        raise ValueError(f"slope={slope}: should be positive")
    weight = np.exp(-slope * (d - d.min(axis=1, keepdims=True)))  # what a letter costs in any case changes no ratio
    marginal = np.full(d.shape[1], 1 / d.shape[1])
    for _ in range(MOST_CHANNEL_STEPS):
        total = weight @ marginal
        growth = (p / total) @ weight
        if np.log(growth.max()) < tolerance:
            channel = weight * marginal / total[:, None]
            ratio = np.divide(weight, total[:, None])
            bits = np.log2(ratio, out=np.zeros_like(ratio), where=ratio > 0)
            rate = float(np.sum(p[:, None] * channel * bits))
            return float(np.sum(p[:, None] * channel * d)), rate
        marginal = marginal * growth
    raise ArithmeticError(f"the rate is known up to {np.log(growth.max()):.2g} nats only, tolerance {tolerance:.2g}")
