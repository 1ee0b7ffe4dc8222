r"""Upper bounds over all quantum strategies, as theorems: moment matrices, sums of squares, certificates.

Parties who do not communicate measure observables or projectors. All that is used of quantum theory is their algebra
(:mod:`qlib.correlations.word_algebra`), so every bound holds for every state and every measurement in every dimension
(what is not projective is so in a larger space). Maximising a polynomial G over all matrices that are positive
semidefinite and have equal entries for equal words is the hierarchy of Navascués, Pironio & Acín (2008). Its dual is an
identity

    bound − G = Σ Q[v, w] v† w,     Q positive semidefinite,

a sum of squares: whoever holds such a Q holds a proof of G ≤ bound. A :class:`SumOfSquares` is this proof in exact
numbers. There are two ways to one. :func:`certificate_from_strategy` takes an optimal strategy and loses nothing.
:func:`rational_certificate`, of functionals, and :func:`game_bound`, of games, round what a solver returns and move it
onto the identity; what that costs of positivity is repaired by a multiple of another identity,

    N = Σ Q₀[v, w] v† w,     Q₀ ≥ 1,

which raises the bound by N times the multiple, some 1e-9. For observables, Q₀ = 1, as v† v = 1 for every word. For
projectors it is built word by word from u†u = Σ_a (E_{a|x}u)†(E_{a|x}u) + (a square), for every word u and setting x.

A *functional* F is an array in the layout of :mod:`qlib.correlations.behaviours`; it stands for Σ F[i, j, …] A_{i−1}
B_{j−1} …, of observables with outcomes ±1 (outcome 0 ↔ +1), where index 0 is the identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import lcm
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from sympy.polys.matrices import DomainMatrix

from qlib.correlations.games import Game
from qlib.correlations.word_algebra import (
    Party,
    Polynomial,
    Word,
    places,
    polynomial,
    times,
    words,
)
from qlib.numbers.arguments import Floats, numbers, real_number, reals, require, whole
from qlib.numbers.exact_arrays import (
    Array,
    exact,
    exact_sign,
    field_matrix,
    is_positive_semidefinite,
    number,
    rational,
)
from qlib.numbers.linear_programs import CertificateError
from qlib.numbers.semidefinite_programs import (
    is_positive_by,
    matrix_of_triangle,
    repaired,
    solve_semidefinite,
    triangle,
)

MOST_WORDS_FOR_Q = 50  # for which Q itself is what the solver solves for
BINARY_DIGITS = 100  # after the binary point, of the numbers in a rounded proof
_expanded = np.frompyfunc(sp.expand, 1, 1)


@dataclass(frozen=True, eq=False)
class SumOfSquares:
    """The identity bound − G = Σ Q[v, w] v† w with Q ≥ 0, in exact numbers: a proof of G ≤ `bound`.

    expression : the polynomial G, exact. basis : the words. gram : Q times the whole number `denominator`, exact and
    symmetric, shape (words, words). factor : for large matrices of whole numbers a matrix L of whole numbers such that
    gram − L Lᵀ is diagonally dominant, which proves Q positive; without it, that is decided in the number field of Q.
    The identity and Q ≥ 0 are verified when a certificate is made; where one does not hold, :class:`CertificateError`
    says where.

    >>> half, a, b = sp.Rational(1, 2), ((0,), ()), ((), (0,))
    >>> SumOfSquares({((0,), (0,)): 1}, (a, b), exact([[half, -half], [-half, half]])).bound
    1

    This was 1 − A0 B0 = (A0 − B0)²/2.
    """

    expression: Polynomial
    basis: tuple[Word, ...]
    gram: Array
    factor: Array | None = None
    denominator: int = 1
    bound: sp.Expr = field(init=False)

    def __post_init__(self) -> None:
        require(dict, expression=self.expression)
        held = places(self.basis)
        numbers(self.gram, "gram", (len(self.basis),) * 2)
        unit, one = whole(self.denominator, "denominator", 1), ((),) * len(self.basis[0])
        if unknown := self.expression.keys() - held.keys() - {one}:
            raise CertificateError(f"the words of the basis do not reach {min(unknown)}")
        sums = {one: 0} | {word: _total(self.gram, entries) for word, entries in held.items()}
        excess = {word: sp.expand(total + unit * self.expression.get(word, 0)) for word, total in sums.items()}
        object.__setattr__(self, "bound", sp.expand(excess.pop(one) / unit))
        for word, difference in excess.items():
            if exact_sign(difference) != 0:
                raise CertificateError(f"the coefficients of the word {word} differ by {difference / unit}")
        if self.factor is None and not is_positive_semidefinite(field_matrix(self.gram)):
            raise CertificateError("the Gram matrix Q is not positive semidefinite")
        if self.factor is not None and not is_positive_by(self.gram, self.factor):
            raise CertificateError("the factor does not prove the Gram matrix Q positive")


def _total(gram: Array, entries: Sequence[tuple[int, int]]) -> Any:
    """The sum of the entries of a symmetric matrix, of which those of the upper triangle are named."""
    return sum(gram[i, j] * (1 if i == j else 2) for i, j in entries)


# --- bounds from a solver, made exact --------------------------------------------------------------------------------


def rational_certificate(F: ArrayLike, level: str = "1+AB", accuracy: float = 1e-10) -> SumOfSquares:
    """A proved upper bound on a functional within about 1e-9 of the level's optimum, in rational numbers if F is.

    F : exact. level : see :func:`qlib.correlations.words`. accuracy : of the semidefinite program, which is
    solved in floating point; the proof is exact whatever it is. Raises ``ValueError`` if the words do not reach F
    (products of three or four parties need "1+AB", of five "3"), ``ArithmeticError`` if what the solver returns cannot
    be repaired.

    >>> chsh = exact([[0, 0, 0], [0, 1, 1], [0, 1, -1]])
    >>> 0 <= rational_certificate(chsh, "1").bound - 2 * sp.sqrt(2) < 1e-8
    True
    """
    table = exact(numbers(F, "F"))
    if not table.ndim:
        raise ValueError(f"F is the number {table.item()}: a functional has an axis for each party")
    return _rounded(polynomial(table), [n - 1 for n in table.shape], level, accuracy)


def game_bound(game: Game, level: str = "1+AB", accuracy: float = 1e-10) -> SumOfSquares:
    """A proved upper bound on what a game reaches with quantum systems; level, accuracy and errors as for functionals.

    It is within 1e-6 of the level's optimum, and often within 1e-8.

    >>> from qlib.correlations.games import chsh_game
    >>> 0 <= float(game_bound(chsh_game(), "1").bound) - (2 + 2**0.5) / 4 < 1e-8
    True
    """
    require(Game, game=game)
    return _rounded(polynomial(game.collins_gisin(), game.outcomes), game.outcomes, level, accuracy)


def _rounded(G: Polynomial, parties: Sequence[Party], level: str, accuracy: float) -> SumOfSquares:
    """The solver's Q in units of a small number, with exactly the sums that the identity asks for, and repaired."""
    basis = words(parties, level)
    Q, _ = _least_gram(G, basis, parties, accuracy)
    unit = lcm(*[c.denominator for c in map(rational, G.values()) if c is not None]) << (BINARY_DIGITS + 1)
    gram = np.frompyfunc(lambda x: round(x * 2.0**60) * (unit >> 60), 1, 1)(Q)
    for word, entries in places(basis).items():
        if any(word):
            i, j = next((pair for pair in entries if pair[0] == pair[1]), entries[0])
            excess = _total(gram, entries) + sp.expand(unit * G.get(word, 0))
            gram[i, j] = gram[j, i] = gram[i, j] - (excess if i == j else excess / 2)
    return SumOfSquares(G, basis, *_repaired(gram, _reserve(basis), unit), unit)


def _repaired(gram: Array, reserve: Array, unit: int) -> tuple[Array, Array | None]:
    """The matrix plus a small multiple of the reserve, and if its numbers are rational a factor that proves it."""
    if all(number(entry).is_Rational for entry in gram.flat):
        return repaired(gram, reserve, unit)
    for exponent in range(48, 11, -1):
        shifted = gram + (unit >> exponent) * reserve
        if is_positive_semidefinite(field_matrix(shifted)):
            return shifted, None
    raise ArithmeticError("the solver's Gram matrix is too far from a sum of squares to be repaired")


def _reserve(basis: Sequence[Word]) -> Array:
    """Q₀ ≥ 1 in whole numbers with Σ Q₀[v, w] v† w a constant (see the module's docstring)."""
    reserve = np.zeros((len(basis),) * 2, dtype=object)
    members: dict[tuple[int, int, int], list[int]] = {}  # parent, party, setting → its extensions by a projector
    for k, word in enumerate(basis):
        for party, part in enumerate(word):
            if part and isinstance(part[0], tuple):
                parent = (*word[:party], part[1:], *word[party + 1 :])
                members.setdefault((basis.index(parent), party, part[0][0]), []).append(k)
                break
    need = [1] * len(basis)
    for (above, _, _), extensions in sorted(members.items(), reverse=True):  # longer words come first
        weight = max(need[k] for k in extensions)
        need[above] += weight
        square = [above, *extensions]
        signs = np.array([1, *[-1] * len(extensions)], dtype=object)
        reserve[np.ix_(square, square)] += weight * np.outer(signs, signs)
        reserve[extensions, extensions] += weight
        reserve[above, above] -= weight
    for k in set(range(len(basis))).difference(*members.values()):  # words of observables only: v† v = 1
        reserve[k, k] += need[k]
    return reserve


# --- the semidefinite program ----------------------------------------------------------------------------------------


def constraint_multipliers(F: ArrayLike, constraints: ArrayLike, values: ArrayLike, level: str = "1+AB") -> Floats:
    """The multipliers λ with which Σ λ_k values_k + max(F − Σ λ_k C_k) is least, as a solver finds them.

    F : a functional. constraints : functionals C of the same shape, [k, i, j]. values : what they are known to be. The
    sum bounds F for every strategy that has these values, whatever λ is; :func:`rational_certificate` of F − Σ λ_k C_k,
    for λ made rational, proves it. Raises ``ArithmeticError`` if the solver fails.

    >>> A0 = [[0, 0], [1, 0]]
    >>> constraint_multipliers(A0, [A0], [0.5]).round(4).tolist()  # where ⟨A0⟩ is known to be 1/2, it is at most 1/2
    [1.0]
    """
    f = reals(F, "F").astype(np.float64)
    C = reals(constraints, "constraints", (None, *f.shape)).astype(np.float64)
    known = tuple((polynomial(c), v) for c, v in zip(C, reals(values, "values", (len(C),)), strict=True))
    parties = [n - 1 for n in f.shape]
    return _least_gram(polynomial(f), words(parties, level), parties, known=known)[1]


def _least_gram(
    G: Polynomial,
    basis: tuple[Word, ...],
    parties: Sequence[Party],
    accuracy: float = 1e-10,
    known: Sequence[tuple[Polynomial, float]] = (),
) -> tuple[Floats, Floats]:
    """The Q of a sum of squares with the least bound, as a solver finds it, and the multipliers of what is known.

    known : polynomials and their values. The program is written in words of centred letters, which is solved to three
    digits more, for Q, which is solved to two digits more, or if there are many words for their moments, which are
    fewer. Q is then moved onto the identity as far as rounding allows.
    """
    real_number(accuracy, "accuracy", 1e-14, 1e-2)
    held, one, T = places(basis), basis[0], _centred(basis, parties)
    if unknown := G.keys() - held.keys():
        raise ValueError(f"level: the words do not reach {min(unknown)}, on which what is to be bounded depends")
    moments = [word for word in held if word != one]
    constant, *columns = [triangle(T @ _pattern(held[word], len(basis)) @ T.T) for word in (one, *moments)]
    F = np.stack(columns, axis=1)
    scale = np.linalg.norm(F, axis=0)
    table = np.array([[float(p.get(word, 0)) for word in moments] for p in (G, *(p for p, _ in known))])
    g, C, n = table[0], table[1:], len(constant)
    if len(basis) <= MOST_WORDS_FOR_Q or known:
        costs = np.array([*constant, *(v - float(p.get(one, 0)) for p, v in known)])
        positive = np.eye(n, n + len(known)), np.zeros(n)
        equalities = np.hstack([F.T, -C.T]) / scale[:, None], -g / scale
        found = solve_semidefinite(costs, [positive], equalities, accuracy=accuracy, almost=True)
        Z, multipliers = matrix_of_triangle(found.x[:n]), found.x[n:]
    else:
        found = solve_semidefinite(-g / scale, [(F / scale, constant)], accuracy=accuracy, almost=True)
        Z, multipliers = found.duals[0], np.zeros(0)
    Q = T.T @ Z @ T
    Q = (Q + Q.T) / 2
    for word, wanted in zip(moments, multipliers @ C - g, strict=True):
        pattern = _pattern(held[word], len(basis))
        Q += (wanted - _total(Q, held[word])) / pattern.sum() * pattern
    return Q, multipliers


def _pattern(entries: Sequence[tuple[int, int]], size: int) -> Floats:
    """The symmetric matrix that is one where a word stands."""
    pattern = np.zeros((size, size))
    i, j = np.transpose(entries)
    pattern[i, j] = pattern[j, i] = 1
    return pattern


def _centred(basis: Sequence[Word], parties: Sequence[Party]) -> Floats:
    """The words of the letters (E − p)/√(p(1 − p)), p one over the number of outcomes, in terms of the basis: rows.

    Observables are centred as they are.
    """
    index = {word: k for k, word in enumerate(basis)}
    T = np.zeros((len(basis),) * 2)
    for row, word in zip(T, basis, strict=True):
        terms: Polynomial = {basis[0]: 1.0}
        for k, letter in ((k, letter) for k, part in enumerate(word) for letter in part):
            alone = tuple((letter,) if j == k else () for j in range(len(word)))
            party = parties[k]
            p = 0.0 if isinstance(party, int) or isinstance(letter, int) else 1 / party[letter[0]]
            size = (p * (1 - p)) ** -0.5 if p else 1.0
            terms = times(terms, {alone: size, basis[0]: -p * size})
        for term, c in terms.items():
            row[index[term]] += c
    return T


# --- bounds from a strategy ------------------------------------------------------------------------------------------


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
    G = polynomial(exact(numbers(F, "F")))
    parties = [n - 1 for n in np.shape(F)]
    basis = words(parties, level)
    N = field_matrix(exact(numbers(moments, "moments", (len(basis),) * 2))).nullspace(divide_last=True)
    kernel = np.array(N.to_Matrix().tolist(), dtype=object)
    inverse = np.linalg.pinv(kernel.astype(float))
    near = inverse.T @ _least_gram(G, basis, parties)[0] @ inverse
    equations = _equations(G, basis, N)
    for digits in (0, 1, 2, 3, 4, 6, 8):
        R = _solution(equations, near, digits)
        if is_positive_semidefinite(field_matrix(R)):
            return SumOfSquares(G, basis, _expanded(kernel.T @ R @ kernel))
    raise CertificateError("no positive sum of squares vanishes on the strategy's state at this level")


def _equations(G: Polynomial, basis: Sequence[Word], N: DomainMatrix) -> DomainMatrix:
    """The linear equations for the upper triangle of R, row by row: one equation per word, right-hand side last."""
    held = {word: entries for word, entries in places(basis).items() if word != basis[0]}
    N, rhs = N.unify(field_matrix(exact([[-G.get(word, 0) for word in held]])))
    kernel = np.array(N.to_list(), dtype=object)
    k, l = np.triu_indices(len(kernel))
    rows = []
    for entries, right in zip(held.values(), rhs.to_list()[0], strict=True):
        i, j = np.array([*entries, *((j, i) for i, j in entries if i != j)]).T
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
