r"""Upper bounds on Bell functionals over all quantum strategies: moment matrices, sums of squares, certificates.

Two parties who do not communicate measure observables with outcomes ±1 (outcome 0 ↔ +1): Alice A_s for her settings
s = 0, 1, …, Bob B_t. All that is used of quantum theory is A_s² = B_t² = 1 and A_s B_t = B_t A_s, so every bound holds
for every state and every measurement in every dimension (what is not projective is so in a larger space).

A *functional* F stands for G = Σ F[i, j] A_{i-1} B_{j-1}, where A_{-1} = B_{-1} = 1, and has the layout of
:mod:`qlib.correlations.behaviours`: entry [0, 0] is a constant, row 0 belongs to Bob's marginals, column 0 to Alice's.

A *word* is a product of observables, written as the pair (Alice's settings, Bob's settings) in the order of
multiplication: ((0, 1), (0,)) is A_0 A_1 B_0. The *moment matrix* of a strategy is Γ[v, w] = Re⟨v† w⟩; it is positive
semidefinite, and equal words have equal entries. Maximising G over all such matrices is the hierarchy of Navascués,
Pironio & Acín (2008). Its dual is an identity

    bound − G = Σ Q[v, w] v† w,     Q positive semidefinite,

a sum of squares: whoever holds such a Q holds a proof of G ≤ bound. A :class:`SumOfSquares` is this proof with exact
numbers. There are two ways to one: :func:`rational_certificate` rounds what a solver returns and pays for it with a
slack of about 1e-9; :func:`certificate_from_strategy` takes an optimal strategy and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product as cartesian
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from sympy.polys.matrices import DomainMatrix

from qlib.correlations.behaviours import MOST_SETTINGS
from qlib.numbers.arguments import Floats, numbers, real_number, reals, require, several, show, whole, wholes
from qlib.numbers.exact_arrays import (
    Array,
    exact,
    exact_sign,
    field_matrix,
    is_exact,
    is_positive_semidefinite,
    simplified,
)
from qlib.numbers.linear_programs import CertificateError
from qlib.numbers.semidefinite_programs import matrix_of_triangle, solve_semidefinite, triangle

Word: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
IDENTITY_WORD: Word = ((), ())
LEVELS = ("1", "1+AB", "2")


# --- words -----------------------------------------------------------------------------------------------------------


def _reduced(letters: Iterable[int]) -> tuple[int, ...]:
    """One party's product with every adjacent pair of equal observables cancelled."""
    stack: list[int] = []
    for letter in letters:
        if stack and stack[-1] == letter:
            stack.pop()
        else:
            stack.append(letter)
    return tuple(stack)


def overlap(v: Word, w: Word) -> Word:
    """The word v† w, reduced by A² = B² = 1; of it and its adjoint, whose expectations have one real part, the first.

    >>> overlap(((0,), (1,)), ((0, 1), (1,)))     # (A0 B1)† A0 A1 B1 = A1
    ((1,), ())
    """
    _require_words((v,), "v")
    _require_words((w,), "w")
    return _overlap(v, w)


def _require_words(basis: Sequence[Word], name: str) -> tuple[Word, ...]:
    """The argument as a tuple of words, each a pair of tuples of settings."""
    if not (found := several(basis, name)):
        raise ValueError(f"{name}: there should be at least one word")
    for word in found:
        if not (isinstance(word, tuple) and len(word) == 2 and all(isinstance(part, tuple) for part in word)):
            raise TypeError(f"{name}: {show(word)} is no word; it should be a pair of tuples of settings")
        wholes((*word[0], *word[1]), name, 0)
    return found


def _overlap(v: Word, w: Word) -> Word:
    alice, bob = _reduced(v[0][::-1] + w[0]), _reduced(v[1][::-1] + w[1])
    return min((alice, bob), (alice[::-1], bob[::-1]))


def words(alice: int, bob: int, level: str = "1+AB") -> tuple[Word, ...]:
    """The words of a level of the hierarchy, for so many settings of Alice and of Bob, the identity first.

    level : "1" the observables, "1+AB" also every A_s B_t, "2" every product of at most two observables.
    Raises ``ValueError`` for another level.

    >>> words(1, 1)
    (((), ()), ((0,), ()), ((), (0,)), ((0,), (0,)))
    """
    whole(alice, "alice", 0, MOST_SETTINGS)
    whole(bob, "bob", 0, MOST_SETTINGS)
    require(str, level=level)
    if level not in LEVELS:
        raise ValueError(f"level {level!r}: it should be one of {', '.join(LEVELS)}")
    singles: list[Word] = [((s,), ()) for s in range(alice)] + [((), (t,)) for t in range(bob)]
    pairs: list[Word] = [((s,), (t,)) for s in range(alice) for t in range(bob)] if level != "1" else []
    if level == "2":
        pairs += [((s, r), ()) for s in range(alice) for r in range(alice) if s != r]
        pairs += [((), (s, r)) for s in range(bob) for r in range(bob) if s != r]
    return (IDENTITY_WORD, *singles, *pairs)


def _places(basis: Sequence[Word]) -> dict[Word, list[tuple[int, int]]]:
    """For every word v† w the entries [v, w] of a moment matrix that hold it."""
    places: dict[Word, list[tuple[int, int]]] = {}
    for (i, v), (j, w) in cartesian(enumerate(basis), repeat=2):
        places.setdefault(_overlap(v, w), []).append((i, j))
    return places


# --- strategies -------------------------------------------------------------------------------------------------------


def moment_matrix(
    basis: Sequence[Word],
    alice: ArrayLike,
    bob: ArrayLike,
    state: ArrayLike,
    gram: ArrayLike | None = None,
) -> Array:
    """The moment matrix Γ[v, w] = ⟨ψ|v† w|ψ⟩ of a strategy with real numbers, shape (words, words).

    alice, bob : observables, shapes (settings, dA, dA) and (settings, dB, dB). state : ψ as a matrix, shape (dA, dB).
    gram : inner products of the basis vectors in which all these are written, shape (dA, dB), for a basis that is
    orthogonal but not normalised (it can spare an exact computation the square roots of the normalisation).
    Numbers of either system.

    >>> one, Z = np.eye(2), np.diag([1, -1])
    >>> moment_matrix([((), ()), ((0,), (0,))], [Z], [Z], one / np.sqrt(2)).round(12)
    array([[1., 1.],
           [1., 1.]])
    """
    basis = _require_words(basis, "basis")
    A, B = numbers(alice, "alice", (None, "dA", "dA")), numbers(bob, "bob", (None, "dB", "dB"))
    psi = numbers(state, "state", (A.shape[-1], B.shape[-1]))
    for left, right in basis:
        wholes(left, "basis: Alice's settings", 0, len(A) - 1)
        wholes(right, "basis: Bob's settings", 0, len(B) - 1)
    weights = np.ones(psi.shape, dtype=int) if gram is None else numbers(gram, "gram", psi.shape)
    vectors = []
    for left, right in basis:
        vector = psi
        for s in reversed(left):
            vector = A[s] @ vector
        for t in reversed(right):
            vector = vector @ B[t].T
        vectors.append(vector)
    V = _expanded(np.array(vectors))
    moments = np.einsum("vij,ij,wij->vw", V, weights, V)
    inverse_norm = simplified(np.array([1 / (weights * psi * psi).sum()]))
    return _expanded(moments * inverse_norm)


def _expanded(array: Array) -> Array:
    """An exact array with its products multiplied out (there are no radicals in denominators); floats as they are."""
    return np.asarray(np.frompyfunc(sp.expand, 1, 1)(array)) if is_exact(array) else array


# --- certificates ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SumOfSquares:
    """The identity bound − G = Σ Q[v, w] v† w with Q ≥ 0, in exact numbers: a proof of G ≤ bound.

    functional : the functional G, exact. basis : the words. gram : Q, exact, shape (words, words).
    bound : what is proved. The identity and Q ≥ 0 are verified when a certificate is made; where one does not hold,
    :class:`CertificateError` says where.

    >>> half, a, b = sp.Rational(1, 2), ((0,), ()), ((), (0,))
    >>> SumOfSquares(exact([[0, 0], [0, 1]]), (a, b), exact([[half, -half], [-half, half]])).bound
    1

    This was 1 − A0 B0 = (A0 − B0)²/2.
    """

    functional: Array
    basis: tuple[Word, ...]
    gram: Array

    def __post_init__(self) -> None:
        numbers(self.functional, "functional", (None, None))
        numbers(self.gram, "gram", (len(_require_words(self.basis, "basis")),) * 2)
        self._verify_identity()
        if not is_positive_semidefinite(self._matrix):
            raise CertificateError("the Gram matrix Q is not positive semidefinite")

    @cached_property
    def _matrix(self) -> DomainMatrix:
        return field_matrix(self.gram)

    @property
    def bound(self) -> sp.Expr:
        """The number that G is proved not to exceed."""
        places = _places(self.basis)[IDENTITY_WORD]
        return sp.expand(sum((self.gram[i, j] for i, j in places), start=self.functional[0, 0]))

    def _verify_identity(self) -> None:
        wanted, places = _coefficients(self.functional), _places(self.basis)
        if unknown := wanted.keys() - places.keys():
            raise CertificateError(f"the words {self.basis} do not reach {min(unknown)}")
        for word, entries in places.items():
            excess = sp.expand(sum(self.gram[i, j] for i, j in entries) + wanted.get(word, 0))
            if word != IDENTITY_WORD and exact_sign(excess) != 0:
                raise CertificateError(f"the coefficients of the word {word} differ by {excess}")


def _coefficients(F: Array) -> dict[Word, Any]:
    """The non-zero coefficients of a functional but its constant, by word."""
    word = {(i, j): ((i - 1,) if i else (), (j - 1,) if j else ()) for i, j in np.ndindex(F.shape)}
    return {word[ij]: F[ij] for ij in word if exact_sign(F[ij]) and word[ij] != IDENTITY_WORD}


def numerical_gram(F: ArrayLike, basis: Sequence[Word], accuracy: float = 1e-10, *, almost: bool = False) -> Floats:
    """The Gram matrix Q of a sum of squares with the least bound, in floating point, as a solver finds it.

    almost : accept what the solver calls almost solved, to verify it.
    Raises ``ValueError`` if the words do not reach a coefficient of F, ``ArithmeticError`` if the solver fails.
    """
    basis = _require_words(basis, "basis")
    real_number(accuracy, "accuracy", 1e-14, 1e-2)
    wanted, places = _coefficients(numbers(F, "F", (None, None))), _places(basis)
    if unknown := wanted.keys() - places.keys():
        raise ValueError(f"the words {tuple(basis)} do not reach {min(unknown)}, on which F depends")
    column, row = np.tril_indices(len(basis))
    scale = triangle(np.ones((len(basis), len(basis))))
    held = [overlap(basis[int(i)], basis[int(j)]) for i, j in zip(row, column, strict=True)]
    identity = [w for w in places if w != IDENTITY_WORD]
    sums = np.array([[scale[k] if held[k] == w else 0 for k in range(len(held))] for w in identity])
    right = [-float(wanted.get(w, 0)) for w in identity]
    unknown_entries = [(np.eye(len(held)), np.zeros(len(held)))]
    found = solve_semidefinite(row == column, unknown_entries, (sums, right), accuracy=accuracy, almost=almost)
    return matrix_of_triangle(found.x)


def constraint_multipliers(F: ArrayLike, constraints: ArrayLike, values: ArrayLike, level: str = "1+AB") -> Floats:
    """The multipliers λ with which Σ λ_k values_k + max(F − Σ λ_k C_k) is least, as a solver finds them.

    F : a functional. constraints : functionals C of the same shape, [k, i, j]. values : what they are known to be. The
    sum bounds F for every strategy that has these values, whatever λ is; :func:`rational_certificate` of F − Σ λ_k C_k,
    for λ made rational, proves it. Raises ``ArithmeticError`` if the solver fails.

    >>> A0 = [[0, 0], [1, 0]]
    >>> constraint_multipliers(A0, [A0], [0.5]).round(4).tolist()  # where ⟨A0⟩ is known to be 1/2, it is at most 1/2
    [1.0]
    """
    f = reals(F, "F", ("i", "j"))
    C = reals(constraints, "constraints", (None, *f.shape))
    v = reals(values, "values", (len(C),))
    require(str, level=level)
    basis = words(f.shape[0] - 1, f.shape[1] - 1, level)
    column, row = np.tril_indices(len(basis))
    scale = triangle(np.ones((len(basis), len(basis))))
    place = {((i - 1,) if i else (), (j - 1,) if j else ()): (i, j) for i, j in np.ndindex(*f.shape)}
    held = [overlap(basis[int(i)], basis[int(j)]) for i, j in zip(row, column, strict=True)]
    others = [w for w in dict.fromkeys(held) if w != IDENTITY_WORD]
    sums = np.array([[scale[k] * (held[k] == w) for k in range(len(held))] for w in others])
    ours = np.array([-C[:, *place[w]] if w in place else np.zeros(len(C)) for w in others])
    right = [-f[place[w]] if w in place else 0.0 for w in others]
    costs = np.concatenate([(row == column).astype(float), v - C[:, 0, 0]])
    gram = np.hstack([np.eye(len(held)), np.zeros((len(held), len(C)))])
    equalities = np.hstack([sums, ours]), np.array(right, dtype=np.float64)
    found = solve_semidefinite(costs, [(gram, np.zeros(len(held)))], equalities, accuracy=1e-8, almost=True)
    return found.x[len(held) :]


def rational_certificate(F: ArrayLike, level: str = "1+AB", bits: int = 44) -> SumOfSquares:
    """A proved upper bound within about 1e-9 of the level's optimum, in rational numbers if F is rational.

    F : an exact functional. level : see :func:`words`. bits : to which the solver's numbers are rounded.
    The solver's Q is rounded, moved onto the identity exactly, and a multiple of 1 is added until it is positive: as
    v† v = 1 for every word, that only raises the bound.

    >>> chsh = exact([[0, 0, 0], [0, 1, 1], [0, 1, -1]])
    >>> 0 <= rational_certificate(chsh, "1").bound - 2 * sp.sqrt(2) < 1e-8
    True
    """
    whole(bits, "bits", 8, 256)
    require(str, level=level)
    F = exact(numbers(F, "F", (None, None)))
    basis = words(F.shape[0] - 1, F.shape[1] - 1, level)
    numeric = numerical_gram(F, basis, almost=True)
    rounded = np.frompyfunc(lambda x: sp.Rational(round(x * 2**bits), 2**bits), 1, 1)
    gram, wanted = rounded(numeric), _coefficients(F)
    for word, entries in _places(basis).items():
        if word != IDENTITY_WORD:
            excess = sum(gram[i, j] for i, j in entries) + wanted.get(word, 0)
            for i, j in entries:
                gram[i, j] -= sp.expand(excess / len(entries))
    shift = sp.Rational(1, 2**bits)
    unit = exact(np.eye(len(basis), dtype=int))
    while not is_positive_semidefinite(field_matrix(gram + shift * unit)):
        shift *= 2
        if shift > 1:
            raise ArithmeticError("the solver's Gram matrix is too far from a sum of squares to be mended")
    return SumOfSquares(F, basis, gram + shift * unit)


def certificate_from_strategy(F: ArrayLike, moments: ArrayLike, level: str = "1+AB") -> SumOfSquares:
    """The exact proof that a strategy is optimal, from its exact moment matrix, if the level has one.

    F : an exact functional. moments : the strategy's moment matrix over :func:`words` of that level, in a real number
    field (rational numbers and, say, √13).
    If G attains the bound, each square of the proof vanishes on the state, so Q = Nᵀ R N where the rows of N span the
    kernel of the moment matrix. That leaves linear equations for the small matrix R; parameters that stay free are set
    to simple rational numbers near the solver's R.
    Raises :class:`CertificateError` if there is no such R: the strategy is not optimal, or the level too low.

    >>> c = sp.sqrt(2) / 2
    >>> moments = [[1, 0, 0, 0, 0], [0, 1, 0, c, c], [0, 0, 1, c, -c], [0, c, c, 1, 0], [0, c, -c, 0, 1]]
    >>> certificate_from_strategy([[0, 0, 0], [0, 1, 1], [0, 1, -1]], moments, "1").bound
    2*sqrt(2)
    """
    require(str, level=level)
    F = exact(numbers(F, "F", (None, None)))
    basis = words(F.shape[0] - 1, F.shape[1] - 1, level)
    N = field_matrix(exact(numbers(moments, "moments", (len(basis),) * 2))).nullspace(divide_last=True)
    kernel = np.array(N.to_Matrix().tolist(), dtype=object)
    inverse = np.linalg.pinv(kernel.astype(float))
    near = inverse.T @ numerical_gram(F, basis) @ inverse
    equations = _equations(F, basis, N)
    for digits in (0, 1, 2, 3, 4, 6, 8):
        R = _solution(equations, near, digits)
        if is_positive_semidefinite(field_matrix(R)):
            return SumOfSquares(F, basis, _expanded(kernel.T @ R @ kernel))
    raise CertificateError("no positive sum of squares vanishes on the strategy's state at this level")


def _equations(F: Array, basis: Sequence[Word], N: DomainMatrix) -> DomainMatrix:
    """The linear equations for the upper triangle of R, row by row: one equation per word, right-hand side last."""
    wanted, places = _coefficients(F), {w: ij for w, ij in _places(basis).items() if w != IDENTITY_WORD}
    N, rhs = N.unify(field_matrix(exact([[-wanted.get(word, 0) for word in places]])))
    kernel = np.array(N.to_list(), dtype=object)
    k, l = np.triu_indices(len(kernel))
    rows = []
    for entries, right in zip(places.values(), rhs.to_list()[0], strict=True):
        i, j = np.array(entries).T
        products = np.einsum("ke,le->kl", kernel[:, i], kernel[:, j])
        rows.append([*np.where(k == l, products[k, l], products[k, l] + products[l, k]), right])
    return DomainMatrix(rows, (len(rows), len(k) + 1), N.domain)


def _solution(equations: DomainMatrix, near: Floats, digits: int) -> Array:
    """The symmetric R that solves the equations, its free entries those of `near`, rounded to so many digits."""
    reduced, pivots = equations.rref()
    upper = np.triu_indices(len(near))
    if len(upper[0]) in pivots:
        raise CertificateError("no sum of squares vanishes on the strategy's state at this level: it is not optimal")
    table = np.array(reduced.to_Matrix().tolist(), dtype=object)[: len(pivots)]
    entries = exact([sp.Rational(round(x * 10**digits), 10**digits) for x in near[upper]])
    free = [j for j in range(len(entries)) if j not in pivots]
    entries[list(pivots)] = table[:, -1] - table[:, free] @ entries[free]
    R = np.zeros(near.shape, dtype=object)
    R[upper] = _expanded(entries)
    R.T[upper] = R[upper]
    return R
