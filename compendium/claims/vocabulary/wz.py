"""The notation of Wang and Zhang: what their symbols mean, for the checks of four chapters.

M_x^z and N_y^x are effects, the outcome below and the setting above; here M[z, x] and N[x, y], the setting first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from compendium.claims.printed import ForAll
from qlib.models import Point
from qlib.models.potential_outcomes import POINTS
from qlib.numbers import exact, is_zero, simplified
from qlib.quantum import PAULI_X, PAULI_Z

TEX: dict[str, str] = {
    "M(_, _)": "M_{{{0}}}^{{{1}}}",
    "N(_, _)": "N_{{{0}}}^{{{1}}}",
    "P(_, _, _)": r"\mathbb{{P}}(Y({1}, {2}) = {0})",  # Eq. (6)
    "P0(_, _, _)": r"\mathbb{{P}}(Y({1}, {2}) = {0} \mid Z = 0)",
    "P(_, _, _, _, _)": r"\mathbb{{P}}(X = {0}, Y({2}, {3}) = {1} \mid Z = {4})",  # Eq. (5)
    "P(_, _, _, _, z1)": r"\mathbb{{P}}(Y({0}, {1}) = {2}, X = {3} \mid Z = {4})",  # Eq. (10)
    "Y(_)": "Y({0})",
    "Y(_, _)": "Y({0}, {1})",
    "q(_, _, _, _, _, _)": "q_{{{0},{1},{2},{3},{4}|{5}}}",
    "s": "+",  # in the place of an index: summed over
    "x1": "x'",
    "z1": "z'",
    "y00": "y_{00}",
    "y01": "y_{01}",
    "y10": "y_{10}",
    "y11": "y_{11}",
    "Λ": r"\Lambda",
    "ACE": r"\ACE",
}
Array = npt.NDArray[Any]
BITS = (0, 1)
PAULI = {"sigma_Z": sp.Matrix(PAULI_Z), "sigma_X": sp.Matrix(PAULI_X)}  # as names of formulas


def by_name(template: str, array: Array) -> dict[str, Any]:
    """The entries of an array of bits by the names that the paper has for them.

    template : the name of the entry at an index, with ``{0}``, ``{1}`` for its first and second place. The array may
    have more axes than the template has places; its entries are then arrays.

    >>> by_name("p({1}|{0})", exact([[1, 2], [3, 4]]))
    {'p(0|0)': 1, 'p(1|0)': 2, 'p(0|1)': 3, 'p(1|1)': 4}
    """
    places = 1 + max(k for k in range(array.ndim) if f"{{{k}}}" in template)
    return {template.format(*index): array[index] for index in product(BITS, repeat=places)}


def eigenspace(observable: Array, eigenvalue: int) -> Array:
    """The projector onto an eigenspace of a Hermitian matrix, from its eigenvectors (not as (1 ± O)/2).

    Raises ``ValueError`` if it is no eigenvalue.

    >>> eigenspace(exact([[0, -sp.I], [sp.I, 0]]), 1)
    array([[1/2, -I/2],
           [I/2, 1/2]], dtype=object)
    """
    size = len(observable)
    vectors = sp.GramSchmidt((sp.Matrix(observable) - eigenvalue * sp.eye(size)).nullspace(), orthonormal=True)
    if not vectors:
        raise ValueError(f"eigenvalue: {eigenvalue} is no eigenvalue of the observable")
    return np.asarray(simplified(exact(sum((v * v.H for v in vectors), sp.zeros(size)))))


def measurements(observables: Array) -> Array:
    """Effects [setting, outcome] of some observables: outcomes 0 and 1 belong to the eigenspaces of +1 and -1, (12)."""
    return np.stack([[eigenspace(observable, sign) for sign in (1, -1)] for observable in observables])


def strategy(state: Array, M: Array, N: Array, observables: Mapping[str, Array]) -> dict[str, Any]:
    """What (12) says of a state, of effects M[z, x] and N[x, y], and of the eigenvalues that their outcomes belong to.

    observables : A0, A1, B0, B1, whose eigenvalues these are.
    """
    effects = dict(zip(observables, (*M, *N), strict=True))
    differences = {name: simplified(effect[0] - effect[1]) for name, effect in effects.items()}
    values = {f"eigenvalue of outcome {k}": _eigenvalue(observables, effects, k) for k in BITS}
    return {"Bell state": state, **differences, **values}


def _eigenvalue(observables: Mapping[str, Array], effects: Mapping[str, Array], outcome: int) -> Any:
    """The λ with O E = λ E for the effect E of one outcome of every observable O; ``ValueError`` if there is none."""
    value = simplified([np.trace(observables["A0"] @ effects["A0"][outcome])])[0]
    for name, O in observables.items():
        if not all(map(is_zero, (O @ effects[name][outcome] - value * effects[name][outcome]).flat)):
            raise ValueError(f"outcome {outcome}: its effect of {name} is of another eigenvalue than {value}")
    return value


def numbering(measurement: Array, indices: str) -> str:
    """Which of the indices of some effects numbers the outcomes: the one over which they add up to the identity.

    Raises ``ValueError`` if there is not one such index.

    >>> numbering(np.stack([np.eye(2, dtype=int), 0 * np.eye(2, dtype=int)])[None], "zx")
    'x'
    """
    one = np.eye(measurement.shape[-1], dtype=int)
    sums = [measurement.sum(axis=axis) - one for axis in range(len(indices))]
    found = [index for index, rest in zip(indices, sums, strict=True) if all(map(is_zero, rest.flat))]
    if len(found) != 1:
        raise ValueError(f"indices: over {found or 'none'} of {indices} the effects add up to the identity")
    return found[0]


def born_names(rho: Array, M: Array, N: Array) -> dict[str, Any]:
    """The names of (1) and (2), for a state and effects M[z, x] and N[x, y]: there M(x, z) and N(y, x)."""
    return {
        "M": lambda x, z: sp.Matrix(M[int(z), int(x)]),
        "N": lambda y, x: sp.Matrix(N[int(x), int(y)]),
        "rho": sp.Matrix(rho),
        "kron": sp.kronecker_product,
        "tr": sp.trace,
    }


def arrows(edges: Iterable[tuple[str, str]]) -> set[str]:
    """Arrows as the ledger writes them.

    >>> arrows([("Z", "X")])
    {'Z -> X'}
    """
    return {f"{cause} -> {effect}" for cause, effect in edges}


# --- the unknowns of (11) and linear forms in them --------------------------------------------------------------------

UNKNOWN = {v: sp.Symbol(v.name) for v in POINTS}
SUMMED = sp.Symbol("s")  # marks an index that is summed over
PI = sp.Symbol("pi", positive=True)  # the probability that Z = 1


def q(*index: Any) -> Any:
    """The paper's q of x, y00, y01, y10, y11 and z, summed over every index that is `SUMMED`.

    >>> q(0, 0, 1, SUMMED, 1, 0)
    q[0,0,1,0,1|0] + q[0,0,1,1,1|0]
    """
    return sum(UNKNOWN[v] for v in POINTS if all(i == SUMMED or int(i) == w for i, w in zip(index, v, strict=True)))


Q = {"q": q, "s": SUMMED}


def form(coefficients: Mapping[str, Any]) -> Any:
    """A row of the program, or its objective, as a linear form in the unknowns."""
    return sum(coefficient * sp.Symbol(name) for name, coefficient in coefficients.items())


def probability(event: Callable[[Point], bool], z: int) -> Any:
    """P(event | Z=z) as a linear form in the unknowns; an event is a function of the point."""
    return sum(UNKNOWN[v] for v in POINTS if v.z == z and event(v))


def joint_probability(x1: int, y: int, x: int, z: int, z1: int) -> Any:
    """P(X=x1, Y(x,z)=y | Z=z1) as a linear form; (5) writes ``P(x1, y, x, z, z1)``, (10) ``P(x, z, y, x1, z1)``."""
    return probability(lambda v: v.x == x1 and v.outcome(int(x), int(z)) == y, int(z1))


EQ5 = {"P": joint_probability}
EQ10 = {"P": lambda x, z, y, x1, z1: joint_probability(x1, y, x, z, z1)}


def outcome_probability(y: int, x: int, z: int, z1: int | None = None) -> Any:
    """P(Y(x,z)=y | Z=z1) as a linear form; without z1 the average over the coin, with P(Z=1) = `PI`."""
    if z1 is None:
        given = [outcome_probability(y, x, z, value) for value in BITS]
        return sp.expand((1 - PI) * given[0] + PI * given[1])
    return probability(lambda v: v.outcome(int(x), int(z)) == y, z1)


EQ6 = {"P": outcome_probability, "P0": lambda y, x, z: outcome_probability(y, x, z, 0)}


def varying(points: Iterable[Point]) -> set[str]:
    """The indices that take more than one value among some points: those over which a sum of their q runs."""
    return {name for name, values in zip(Point._fields, zip(*points, strict=True), strict=True) if len(set(values)) > 1}


def term(points: Sequence[Point]) -> ForAll:
    """The summand q of a sum over some points, as a function of the indices that vary."""
    free = [name for name in Point._fields if name in varying(points)]
    fixed = {name: getattr(points[0], name) for name in Point._fields if name not in free}
    return ForAll(lambda **index: UNKNOWN[Point(**index, **fixed)], dict.fromkeys(free, BITS))
