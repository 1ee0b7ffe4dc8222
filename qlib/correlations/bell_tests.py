r"""Bell tests as objects: classical bound, quantum maximum, confounding strength.

Each of n parties measures one of two observables with outcomes ±1; functionals and correlators, of shape (3,)·n, have
the layout of :mod:`qlib.correlations.behaviours`.

A `BellTest` carries a functional, a strategy, and a proof that no quantum strategy does better. Its classical bound is
found by exhaustion of the deterministic strategies, of which all others are mixtures. There are four kinds of proof:

- :class:`qlib.correlations.sums_of_squares.SumOfSquares`: bound − F is a sum of squares (CHSH, Clauser–Horne);
- `TermwiseBound`: no product of observables exceeds one (Mermin);
- `SquareIdentity`: F² is a sum of products of commutators (CHSH, Mermin–Klyshko for any number of parties);
- `HardyBound`: two qubits are enough by Jordan's lemma, and for them the optimum is that of a polynomial (Hardy).

All of them are exact and hold in every dimension. Confounding strength is the measure of Kang (2025), eqs. (2)–(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, reduce
from itertools import combinations, product
from typing import Any, Protocol

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.correlations.behaviours import correlators, deterministic_values, functional, functional_value
from qlib.correlations.sums_of_squares import SumOfSquares
from qlib.correlations.word_algebra import Polynomial, Word, polynomial, times
from qlib.numbers.arguments import numbers, require, require_shape, whole
from qlib.numbers.exact_arrays import (
    Array,
    exact,
    is_exact,
    is_zero,
    maximum,
    simplified,
    zeros,
)
from qlib.quantum.channels import IDENTITY, PAULI_X, PAULI_Y, PAULI_Z
from qlib.quantum.two_qubits import CHSH, MOST_PARTIES, ghz_state

# --- proofs of quantum bounds ----------------------------------------------------------------------------------------


class Proof(Protocol):
    """A verified upper bound on a functional for all quantum strategies: it was checked when the object was made."""

    @property
    def bound(self) -> sp.Expr:
        """The number that is proved not to be exceeded."""


@dataclass(frozen=True, eq=False)
class TermwiseBound:
    """F ≤ Σ |F[i, j, …]|: observables with outcomes ±1 have norm one, and so have their products.

    >>> TermwiseBound(exact([[0, 0, 0], [0, 1, 1], [0, 1, -1]])).bound
    4
    """

    functional: Array

    def __post_init__(self) -> None:
        numbers(self.functional, "functional")

    @property
    def bound(self) -> sp.Expr:
        """The sum of the moduli of all coefficients but the constant's, plus the constant."""
        constant = self.functional[(0,) * self.functional.ndim]
        return sp.expand(np.abs(self.functional).sum() - abs(constant) + constant)


@dataclass(frozen=True, eq=False)
class SquareIdentity:
    """F² = Σ Π (i/2)[A_0, A_1] over the even sets of parties, each factor of norm one at most: so F² ≤ 2ⁿ⁻¹.

    The identity is verified in the algebra of n parties whose observables square to one and commute between parties,
    and nothing else is assumed. ``ArithmeticError`` says which word's coefficient differs. For two parties F = S/2 and
    this is S² = 4 − [A_0, A_1][B_0, B_1], by which Tsirelson's bound is proved since Landau, Phys. Lett. A 120, 54
    (1987); for more see Werner & Wolf, Phys. Rev. A 64, 032112 (2001).

    >>> SquareIdentity(mermin_klyshko(3).functional).bound
    2
    """

    functional: Array

    def __post_init__(self) -> None:
        require(np.ndarray, functional=self.functional)
        n = numbers(self.functional, "functional").ndim
        require_shape(self.functional, "functional", (3,) * n)
        F = polynomial(self.functional)
        commutators = [_commutator(k, n) for k in range(n)]
        one: Polynomial = {((),) * n: sp.Integer(1)}
        wanted: Polynomial = {}
        for size in range(0, n + 1, 2):
            for chosen in combinations(commutators, size):
                wanted = _plus(wanted, reduce(times, chosen, one))
        for word, excess in _plus(times(F, F), wanted, sign=-1).items():
            if not is_zero(excess):
                raise ArithmeticError(f"the square of the functional has the wrong coefficient at {word}, by {excess}")

    @property
    def bound(self) -> sp.Expr:
        """The square root of the number of even sets of parties."""
        return sp.sqrt(2) ** (self.functional.ndim - 1)


def _commutator(party: int, parties: int) -> Polynomial:
    """(i/2)[A_0, A_1] of one party."""
    words = [tuple(letters if k == party else () for k in range(parties)) for letters in ((0, 1), (1, 0))]
    return {words[0]: sp.I / 2, words[1]: -sp.I / 2}


def _plus(p: Polynomial, q: Polynomial, sign: int = 1) -> Polynomial:
    return {word: sp.expand(p.get(word, 0) + sign * q.get(word, 0)) for word in p | q}


def _amplitude(state: list[Any], left: tuple[Any, Any], right: tuple[Any, Any]) -> Any:
    """⟨left, right|state⟩ for real vectors."""
    return sum(l * r * c for (l, r), c in zip(product(left, right), state, strict=True))


@dataclass(frozen=True)
class HardyBound:
    """The largest probability of Hardy's impossible event, (5√5 − 11)/2, over all quantum strategies.

    By Jordan's lemma two observables with outcomes ±1 are a direct sum of blocks of dimension one and two, in which the
    conditions hold separately; where a block has dimension one the event is impossible. For two qubits let setting 1 be
    the computational basis and X, Y the weights of |1⟩ in the vectors of setting 0 and outcome 0. The conditions leave
    one state, for which P = XY(1−X)(1−Y)/(1−XY). With s² = XY, (1−X)(1−Y) ≤ (1−s)², so that P ≤ s²(1−s)/(1+s), and what
    is left is a cubic with a double root. Both formulas are verified when the object is made. Hardy, Phys. Rev. Lett.
    71, 1665 (1993); Rabelo, Zhi & Scarani, Phys. Rev. Lett. 109, 180401 (2012).

    >>> HardyBound().bound
    -11/2 + 5*sqrt(5)/2
    """

    def __post_init__(self) -> None:
        X, Y, s = sp.symbols("X Y s", positive=True)
        if sp.cancel(self.probability(X, Y) - X * Y * (1 - X) * (1 - Y) / (1 - X * Y)) != 0:
            raise ArithmeticError("the event's probability in the state that the conditions leave is another")
        best = (sp.sqrt(5) - 1) / 2
        if sp.expand(self.bound * (1 + s) - s**2 * (1 - s) - (s - best) ** 2 * (s + sp.sqrt(5) - 2)) != 0:
            raise ArithmeticError("the cubic has no double root")

    @staticmethod
    def probability(X: Any, Y: Any) -> Any:
        """P(00|00) in the state that the three conditions leave to two qubits with these settings."""
        u, w = ((sp.sqrt(1 - t), sp.sqrt(t)) for t in (X, Y))
        state = [0, -u[1] / u[0], -w[1] / w[0], 1]  # up to normalisation
        conditions = [(u, (0, 1)), ((0, 1), w), ((1, 0), (1, 0))]
        if not all(is_zero(_amplitude(state, *vectors)) for vectors in conditions):
            raise ArithmeticError("this is not the state that the conditions leave")
        return sp.cancel(sp.expand(_amplitude(state, u, w)) ** 2 / sum(c**2 for c in state))

    @property
    def bound(self) -> sp.Expr:
        """(5√5 − 11)/2 ≈ 0.0902."""
        return (5 * sp.sqrt(5) - 11) / 2


# --- Bell tests ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class QubitStrategy:
    """A strategy of qubits in exact numbers: a density operator of n qubits, and two observables for each.

    rho : shape (2ⁿ, 2ⁿ). observables : shape (n, 2, 2, 2).
    """

    rho: Array
    observables: Array

    def __post_init__(self) -> None:
        O = numbers(self.observables, "observables", ("n", 2, 2, 2))
        numbers(self.rho, "rho", (2 ** len(O),) * 2)

    @cached_property
    def correlators(self) -> Array:
        """Its correlators, see `correlators`."""
        return correlators(self.rho, self.observables)


@dataclass(frozen=True, eq=False)
class BellTest:
    """A Bell test: what is measured, what classical and what quantum common causes can reach.

    functional : F, exact, shape (3,)·n. proof : a verified upper bound for quantum strategies. strategy : one that
    attains it. forbidden : functionals, such as probabilities, that have to vanish for the test to apply (Hardy).

    >>> test = chsh()
    >>> test.classical, test.quantum, test.strength(test.strategy.correlators)
    (2, 2*sqrt(2), sqrt(2))
    """

    name: str
    functional: Array
    proof: Proof
    strategy: QubitStrategy
    forbidden: tuple[Array, ...] = ()

    def __post_init__(self) -> None:
        require(str, name=self.name)
        require(QubitStrategy, strategy=self.strategy)
        F = numbers(self.functional, "functional")
        require_shape(F, "functional", (3,) * F.ndim)
        if not hasattr(self.proof, "bound"):
            raise TypeError(f"proof: {self.proof!r} should be a Proof, with a bound")

    @property
    def parties(self) -> int:
        """How many parties there are."""
        return self.functional.ndim

    @cached_property
    def classical(self) -> Any:
        """The largest value over classical strategies: all deterministic ones are tried, others are mixtures of them.

        A mixture meets a condition that a probability is zero only if all strategies in it do.
        """
        allowed = np.full((4,) * self.parties, True)
        for F in self.forbidden:
            allowed &= zeros(deterministic_values(F), 0)
        return maximum(deterministic_values(self.functional)[allowed])

    @cached_property
    def quantum(self) -> sp.Expr:
        """The quantum maximum, proved from above and attained; ``ArithmeticError`` if the strategy falls short."""
        E = self.strategy.correlators
        reached = [functional_value(F, E) for F in (self.functional, *self.forbidden)]
        if not is_zero(reached[0] - self.proof.bound) or not all(map(is_zero, reached[1:])):
            raise ArithmeticError(f"{self.name}: the strategy reaches {reached}, the bound {self.proof.bound}")
        return self.proof.bound

    def value(self, E: ArrayLike) -> Any:
        """The value of the functional at correlators of shape (..., 3, …, 3)."""
        return functional_value(self.functional, E)

    def strength(self, E: ArrayLike) -> Any:
        """The confounding strength of correlators, shape (...); see `normalised`."""
        return self.normalised(self.value(E))

    def normalised(self, v: Any) -> Any:
        """A value as a confounding strength: |v| over a positive classical bound, the excess over a classical bound 0.

        Kang (2025), eqs. (2) and (3). Of a test with classical bound 0 only the positive part counts: the modulus
        itself, as eq. (3) is printed, reaches one for classical strategies in the Clauser–Horne test.
        """
        v = numbers(v, "v")[()]
        if not is_zero(self.classical):
            return abs(v) / (self.classical if is_exact(v) else float(self.classical))
        return (v + abs(v)) / 2


_SINGLES: tuple[Word, ...] = (((0,), ()), ((1,), ()), ((), (0,)), ((), (1,)))  # A0, A1, B0, B1
_CHSH = exact(CHSH)
_SQUARES = exact([[sp.sqrt(2), 0, -1, -1], [0, sp.sqrt(2), -1, 1]]) / 2
_CHSH_GRAM = simplified(sp.sqrt(2) * _SQUARES.T @ _SQUARES)


def _tsirelson_strategy() -> QubitStrategy:
    """The Bell state; Z, X against (Z ± X)/√2."""
    bob = simplified(np.stack([PAULI_Z + PAULI_X, PAULI_Z - PAULI_X]) / sp.sqrt(2))
    return QubitStrategy(ghz_state(2), np.stack([np.stack([PAULI_Z, PAULI_X]), bob]))


def _probability(s: int, t: int, a: int, b: int) -> Array:
    """P(a, b | s, t) as a functional of two parties."""
    coefficients = exact(np.zeros((2, 2, 2, 2), dtype=int))
    coefficients[s, t, a, b] = sp.Integer(1)
    return functional(coefficients)


def _klyshko(parties: int) -> Array:
    F = exact([0, 1, 0])
    for _ in range(parties - 1):
        exchanged = F[np.ix_(*[(0, 2, 1)] * F.ndim)]
        F = (np.multiply.outer(F, exact([0, 1, 1])) + np.multiply.outer(exchanged, exact([0, 1, -1]))) / 2
    return F


def _require_parties(parties: int) -> None:
    whole(parties, "parties", 2, MOST_PARTIES)


@cache
def chsh() -> BellTest:
    """Clauser, Horne, Shimony & Holt: S = ⟨A0 B0⟩ + ⟨A0 B1⟩ + ⟨A1 B0⟩ − ⟨A1 B1⟩, 2 and 2√2.

    The proof is 2√2 − S = (1/√2) [(A0 − (B0 + B1)/√2)² + (A1 − (B0 − B1)/√2)²].
    """
    return BellTest("CHSH", _CHSH, SumOfSquares(polynomial(_CHSH), _SINGLES, _CHSH_GRAM), _tsirelson_strategy())


@cache
def clauser_horne() -> BellTest:
    """Clauser & Horne: P(00|00) + P(00|01) + P(00|10) − P(00|11) − P_A(0|0) − P_B(0|0), 0 and (√2 − 1)/2.

    For outcomes that do not signal this is (S − 2)/4, and so is the proof. Phys. Rev. D 10, 526 (1974).
    """
    coefficients = exact(np.zeros((2, 2, 2, 2), dtype=int))
    coefficients[:, :, 0, 0] = _CHSH[1:, 1:]
    coefficients[0, 1, 0, :] -= 1  # P_A(0|0), read off with Bob's setting 1
    coefficients[1, 0, :, 0] -= 1  # P_B(0|0), read off with Alice's setting 1
    F = functional(coefficients)
    return BellTest("Clauser–Horne", F, SumOfSquares(polynomial(F), _SINGLES, _CHSH_GRAM / 4), _tsirelson_strategy())


@cache
def hardy() -> BellTest:
    """Hardy: P(00|00) where P(01|01), P(10|10) and P(00|11) vanish, 0 and (5√5 − 11)/2; two qubits.

    The state is α(|01⟩ + |10⟩) + β|11⟩ in the basis of setting 1, α² = (3 − √5)/2; the outcome 0 of setting 0 belongs
    to β|0⟩ − α|1⟩. For two parties and two settings this is :func:`qlib.correlations.scenarios.hardy_paradox`.
    """
    event, *conditions = (_probability(s, t, a, b) for s, t, a, b in (
        (0, 0, 0, 0), (0, 1, 0, 1), (1, 0, 1, 0), (1, 1, 0, 0)
    ))  # fmt: skip
    alpha, beta = (sp.sqrt(5) - 1) / 2, sp.sqrt(sp.sqrt(5) - 2)
    state = exact([0, alpha, alpha, beta])
    vector = exact([beta, -alpha])
    first = simplified(2 * np.outer(vector, vector) / sp.expand(vector @ vector) - IDENTITY)
    one_party = np.stack([first, PAULI_Z])
    strategy = QubitStrategy(np.outer(state, state), np.stack([one_party, one_party]))
    return BellTest("Hardy", event, HardyBound(), strategy, tuple(conditions))


@cache
def mermin(parties: int = 3) -> BellTest:
    """Mermin: Re Π (A_0 + i A_1) over n parties; for three, ⟨000⟩ − ⟨011⟩ − ⟨101⟩ − ⟨110⟩, 2 and 4.

    The quantum maximum is 2ⁿ⁻¹, the number of terms, the classical one 2^(n/2) for even and 2^((n−1)/2) for odd n.
    Attained by the state of Greenberger, Horne & Zeilinger. Phys. Rev. Lett. 65, 1838 (1990).
    Raises ``ValueError`` for fewer than two parties, or more than 8.
    """
    _require_parties(parties)
    F = exact(np.zeros((3,) * parties, dtype=int))
    for settings in product((0, 1), repeat=parties):
        F[tuple(s + 1 for s in settings)] = sp.re(sp.I ** sum(settings))
    observables = np.stack([np.stack([PAULI_X, PAULI_Y])] * parties)
    return BellTest(f"Mermin, {parties} parties", F, TermwiseBound(F), QubitStrategy(ghz_state(parties), observables))


@cache
def mermin_klyshko(parties: int) -> BellTest:
    """Mermin, Ardehali, Belinskii & Klyshko: B_n = B_{n−1} (A_0 + A_1)/2 + B'_{n−1} (A_0 − A_1)/2, 1 and 2^((n−1)/2).

    B' is B with settings exchanged, B_1 = A_0. So B_2 is half of CHSH and B_3 half of Mermin's expression (with the
    settings exchanged and one of them flipped).
    Raises ``ValueError`` for fewer than two parties, or more than 8.
    """
    _require_parties(parties)
    F = _klyshko(parties)
    first = np.stack([PAULI_X, PAULI_Y])
    others = np.stack([PAULI_X - PAULI_Y, PAULI_X + PAULI_Y]) / sp.sqrt(2)  # a right angle too, turned by −π/4
    strategy = QubitStrategy(ghz_state(parties), np.stack([first, *[others] * (parties - 1)]))
    return BellTest(f"Mermin–Klyshko, {parties} parties", F, SquareIdentity(F), strategy)


def table_of_tests() -> tuple[BellTest, ...]:
    """The four rows of Kang (2025), Table I: CHSH, Clauser–Horne, Hardy, Mermin for three parties."""
    return (chsh(), clauser_horne(), hardy(), mermin(3))
