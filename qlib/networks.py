"""Networks of tensors: the trace of a product of operators, summed without ever building the product.

A tensor's axes are *legs*, named by any hashable label; a leg that several tensors share is summed over, unless it is
asked for. An operator on a space has two legs there, the row and the column. Leading axes of an array that have no leg
are a batch: all tensors of a network are evaluated for every element of their broadcast batch at once. Arrays may hold
floating-point numbers or SymPy expressions.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import opt_einsum as oe

from qlib.exact import Array, is_exact

Leg: TypeAlias = Hashable

BATCH = "batch"  # the leg that the flattened batch axes share


@dataclass(frozen=True)
class Tensor:
    """An array whose last axes carry the given legs; the axes before them are a batch.

    >>> Tensor(np.eye(2), ("row", "column")).dims
    (2, 2)
    """

    array: Array
    legs: tuple[Leg, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", np.asarray(self.array))
        object.__setattr__(self, "legs", tuple(self.legs))
        if self.array.ndim < len(self.legs):
            raise ValueError(f"an array of shape {self.array.shape} has no axis for each of the legs {self.legs}")

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the batch axes."""
        return self.array.shape[: self.array.ndim - len(self.legs)]

    @property
    def dims(self) -> tuple[int, ...]:
        """The length of each leg."""
        return self.array.shape[self.array.ndim - len(self.legs) :]


def contract(tensors: Sequence[Tensor], keep: Iterable[Leg] = ()) -> Array:
    """The sum of the product of the tensors over every leg that is not kept; shape batch + kept legs, in their order.

    Raises ``ValueError`` for a leg of two lengths, a kept leg that no tensor has, or batches that do not broadcast.

    >>> bit = Tensor(np.array([0.25, 0.75]), ("x",))
    >>> flip = Tensor(np.array([[0.9, 0.1], [0.1, 0.9]]), ("x", "y"))
    >>> contract([bit, flip], keep=["y"]).round(3).tolist()
    [0.3, 0.7]
    """
    keep = tuple(keep)
    _validate_legs(tensors, keep)
    batch = np.broadcast_shapes(*(tensor.batch for tensor in tensors))
    batched = [_flatten_batch(tensor, batch) for tensor in tensors]
    output = ((BATCH,) if any(BATCH in tensor.legs for tensor in batched) else ()) + keep
    equation, path = _plan(tuple((t.legs, t.array.shape) for t in batched), output)
    result = np.asarray(oe.contract(equation, *(t.array for t in batched), optimize=path))
    return result.reshape(batch + result.shape[result.ndim - len(keep) :])


def _validate_legs(tensors: Sequence[Tensor], keep: tuple[Leg, ...]) -> None:
    lengths: dict[Leg, int] = {}
    for tensor in tensors:
        for leg, length in zip(tensor.legs, tensor.dims, strict=True):
            if lengths.setdefault(leg, length) != length:
                raise ValueError(f"leg {leg!r}: its length is {lengths[leg]} in one tensor and {length} in another")
    for leg in keep:
        if leg not in lengths:
            raise ValueError(f"leg {leg!r} is to be kept, but no tensor has it")


def _flatten_batch(tensor: Tensor, batch: tuple[int, ...]) -> Tensor:
    """The tensor with its batch axes as one leg that all share; a tensor without a batch is the same in all."""
    if not any(length > 1 for length in tensor.batch):
        return Tensor(tensor.array.reshape(tensor.dims), tensor.legs)
    array = np.broadcast_to(tensor.array, batch + tensor.dims).reshape((-1, *tensor.dims))
    return Tensor(array, (BATCH, *tensor.legs))


@lru_cache(maxsize=1024)
def _plan(
    shapes: tuple[tuple[tuple[Leg, ...], tuple[int, ...]], ...], output: tuple[Leg, ...]
) -> tuple[str, list[tuple[int, ...]]]:
    """The contraction as an equation, and the order to do it in: found once for each network, then remembered."""
    symbols = {leg: oe.get_symbol(k) for k, leg in enumerate(dict.fromkeys(leg for legs, _ in shapes for leg in legs))}
    words = ["".join(symbols[leg] for leg in legs) for legs in (*(legs for legs, _ in shapes), output)]
    equation = ",".join(words[:-1]) + "->" + words[-1]
    path, _ = oe.contract_path(equation, *(shape for _, shape in shapes), shapes=True, optimize="auto")
    return equation, list(path)


def operator_tensor(operator: Array, spaces: Sequence[tuple[Leg, Leg, int]]) -> Tensor:
    """An operator on a product of spaces as a tensor: for each space (row leg, column leg, dimension), in its order."""
    dims = tuple(dimension for _, _, dimension in spaces)
    array = np.asarray(operator)
    batch = array.shape[:-2]
    legs = (*(row for row, _, _ in spaces), *(column for _, column, _ in spaces))
    return Tensor(array.reshape((*batch, *dims, *dims)), legs)


def conjugate(array: Array) -> Array:
    """The complex conjugate of an array, exact or not."""
    values = np.asarray(array)
    return np.conjugate(values) if not is_exact(values) else np.asarray(np.frompyfunc(_conjugated, 1, 1)(values))


def _conjugated(entry: object) -> object:
    import sympy as sp

    return sp.conjugate(entry)
