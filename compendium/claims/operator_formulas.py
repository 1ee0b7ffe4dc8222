"""Operators that know which systems they act on, to compute with a printed formula as it is printed.

In print, operators on different systems are joined by ⊗ in whatever order is convenient, products are padded with
identities, and a trace names the systems that it is taken over. A `SystemOperator` carries the names of its systems, so
that all this is well defined, whatever the order: ``tensor_product`` joins operators on different systems, ``*``
multiplies on the systems that both act on, ``+`` pads what is missing, ``trace`` traces systems out. A number is an
operator on no system. SymPy reads it as the matrix with the systems in the order of their names (``_sympy_``), so that
`compendium.claims.printed` can compare it.

Suresh, Frembs & Cavalcanti (2023), footnotes 10 and 26, and throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from qlib.numbers.arguments import distinct, numbers, require, whole
from qlib.numbers.exact_arrays import Array, from_gaussian, gaussian, is_exact


@dataclass(frozen=True, eq=False)
class SystemOperator:
    """An operator on named systems: system → dimension, and a matrix on their product in that order.

    Raises ``ValueError`` if the matrix does not fit the dimensions.

    >>> Z = np.diag([1, -1])
    >>> A, B = SystemOperator({"A": 2}, Z), SystemOperator({"B": 2}, Z)
    >>> np.diag((B * A).on("A", "B")).tolist() == np.diag(np.kron(Z, Z)).tolist()
    True
    """

    systems: Mapping[str, int]
    array: Array

    _op_priority = 20.0  # SymPy leaves a product with one of its expressions to this class

    def __post_init__(self) -> None:
        dims = _dimensions(self.systems)
        object.__setattr__(self, "systems", dims)
        object.__setattr__(self, "array", numbers(self.array, "array"))
        size = int(np.prod(list(self.systems.values()), dtype=int))
        if self.array.shape != (size, size):
            raise ValueError(
                f"array: the matrix is {self.array.shape}, and the systems {self.systems} make it {(size, size)}"
            )

    def on(self, *order: str) -> Array:
        """The matrix with the systems in the given order.

        Raises ``ValueError`` if these are not the systems that it acts on; `padded` adds some.
        """
        order = distinct(order, "order")
        if missing := [name for name in self.systems if name not in order]:
            raise ValueError(f"the operator acts on {missing[0]!r}, which is not among {', '.join(order)}")
        if extra := [name for name in order if name not in self.systems]:
            raise ValueError(f"the operator does not act on {extra[0]!r}; pad it first")
        names, dims = list(self.systems), tuple(self.systems.values())
        axes = [names.index(name) for name in order]
        array = self.array.reshape(dims + dims).transpose([*axes, *(len(dims) + axis for axis in axes)])
        return np.asarray(array.reshape(self.array.shape))

    def padded(self, systems: Mapping[str, int]) -> SystemOperator:
        """The operator on more systems too, as the identity there."""
        new = {name: d for name, d in _dimensions(systems).items() if name not in self.systems}
        one = np.eye(int(np.prod(list(new.values()), dtype=int)), dtype=int)
        return SystemOperator({**self.systems, **new}, np.kron(self.array, one))

    def _aligned(self, other: Any) -> tuple[dict[str, int], Array, Array]:
        """Both matrices on all systems of either."""
        other = as_operator(other)
        systems = {**self.systems, **other.systems}
        for name in self.systems:
            if name in other.systems and self.systems[name] != other.systems[name]:
                raise ValueError(
                    f"system {name!r} has dimension {self.systems[name]} here, {other.systems[name]} there"
                )
        return systems, self.padded(systems).on(*systems), other.padded(systems).on(*systems)

    def __mul__(self, other: Any) -> SystemOperator:
        systems, A, B = self._aligned(other)
        return SystemOperator(systems, _matrix_product(A, B))

    def __rmul__(self, other: Any) -> SystemOperator:
        return as_operator(other) * self

    def __add__(self, other: Any) -> SystemOperator:
        systems, A, B = self._aligned(other)
        return SystemOperator(systems, A + B)

    __radd__ = __add__

    def __neg__(self) -> SystemOperator:
        return SystemOperator(self.systems, -self.array)

    def __sub__(self, other: Any) -> SystemOperator:
        return self + -as_operator(other)

    def __rsub__(self, other: Any) -> SystemOperator:
        return (-self).__add__(other)

    def __truediv__(self, number: Any) -> SystemOperator:
        return SystemOperator(self.systems, self.array / sp.sympify(scalar(number)))

    def __rtruediv__(self, number: Any) -> SystemOperator:
        numerator: SystemOperator = as_operator(number)
        return numerator.__truediv__(self)

    def transposed(self) -> SystemOperator:
        """The transpose, in the product basis."""
        return SystemOperator(self.systems, self.array.T)

    def adjoint(self) -> SystemOperator:
        """The Hermitian adjoint."""
        return SystemOperator(self.systems, np.frompyfunc(sp.conjugate, 1, 1)(self.array.T))

    def trace(self, *systems: str) -> SystemOperator:
        """The partial trace over some systems; over those among them on which it acts as the identity by omission, too.

        A system that the operator does not mention cannot be traced out, as its dimension is not known: pad it first.
        """
        systems = distinct(systems, "systems")
        kept = {name: d for name, d in self.systems.items() if name not in systems}
        if missing := [name for name in systems if name not in self.systems]:
            raise ValueError(
                f"system {missing[0]!r} is to be traced out, and the operator is on {', '.join(self.systems)}"
            )
        order = [*kept, *systems]
        size = int(np.prod(list(kept.values()), dtype=int))
        array = self.on(*order).reshape(size, self.array.shape[0] // size, size, -1)
        return SystemOperator(kept, np.trace(array, axis1=1, axis2=3))

    def _sympy_(self) -> Any:
        """The matrix with the systems in the order of their names, or the number if there are none."""
        array = self.on(*sorted(self.systems))
        return sp.sympify(array[0, 0]) if not self.systems else sp.ImmutableMatrix(array.tolist())


def _dimensions(systems: Mapping[str, int]) -> dict[str, int]:
    """The argument, if it is a mapping from names to dimensions."""
    require(Mapping, systems=systems)
    for name in systems:
        require(str, systems=name)
    return {name: whole(dimension, f"systems: {name!r}", 1) for name, dimension in systems.items()}


def _matrix_product(A: Array, B: Array) -> Array:
    """The product of two matrices; of exact ones only the entries that are not zero are multiplied, mostly few."""
    if not (is_exact(A) or is_exact(B)):
        weights = B.diagonal()
        return np.asarray(A @ B if np.any(B - np.diag(weights)) else A * weights)
    quick = gaussian([A, B])
    A, B = quick or (A, B)
    product = np.zeros((A.shape[0], B.shape[1]), dtype=object)
    for row, middle in zip(*np.nonzero(A), strict=True):
        columns = np.flatnonzero(B[middle])
        product[row, columns] += B[middle, columns] * A[row, middle]
    return product if quick is None else from_gaussian(product)


def as_operator(value: SystemOperator | int | float | complex | sp.Expr) -> SystemOperator:
    """A number as an operator on no system; an operator as it is."""
    return value if isinstance(value, SystemOperator) else SystemOperator({}, np.array([[value]], dtype=object))


def scalar(value: SystemOperator | int | float | complex | sp.Expr) -> Any:
    """The number that an operator on no system is; a number as it is. ``ValueError`` for an operator on a system."""
    if not isinstance(value, SystemOperator):
        return numbers(value, "value", ())[()] if not isinstance(value, sp.Expr) else value
    if value.systems:
        raise ValueError(f"an operator on {', '.join(value.systems)} stands where a number should")
    return value.array[0, 0]


def tensor_product(*operators: SystemOperator | int | float | complex | sp.Expr) -> SystemOperator:
    """The product of operators on different systems.

    Raises ``ValueError`` if two of them act on the same system: ⊗ does not type-check there.

    >>> one = SystemOperator({"A": 2}, np.eye(2, dtype=int))
    >>> tensor_product(one, one)
    Traceback (most recent call last):
        ...
    ValueError: two factors of a tensor product act on 'A'
    """
    systems: dict[str, int] = {}
    array = np.array([[1]], dtype=object)
    for operator in map(as_operator, operators):
        if both := [name for name in operator.systems if name in systems]:
            raise ValueError(f"two factors of a tensor product act on {both[0]!r}")
        systems |= operator.systems
        array = np.kron(array, operator.array)
    return SystemOperator(systems, array)


def operator_on(systems: Mapping[str, int] | Iterable[str], array: ArrayLike) -> SystemOperator:
    """An operator on systems given by names (qubits), or by name → dimension, from a matrix in their order."""
    named = systems if isinstance(systems, Mapping) else dict.fromkeys(distinct(systems, "systems"), 2)
    return SystemOperator(named, numbers(array, "array"))
