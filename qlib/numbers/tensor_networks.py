"""Networks of tensors: the trace of a product of operators, summed without ever building the product.

A tensor's axes are *legs*, named by any hashable label; a leg that several tensors share is summed over, unless it is
asked for. An operator on a space has two legs there, the row and the column. Leading axes of an array that have no leg
are a batch: all tensors of a network are evaluated for every element of their broadcast batch at once. Arrays may hold
floating-point numbers or SymPy expressions; among floating-point ones, exact numbers become such too.

`contract` evaluates a network once. A `Network` is evaluated again and again, with other arrays in its named tensors:
what concerns the others alone is done once. `opt_einsum` finds the order in which to contract; to carry it out is a
list of transpositions, reshapes and matrix products, the same for exact numbers as for floating-point ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import count
from math import prod
from typing import Any, TypeAlias

import numpy as np
import opt_einsum as oe
from numpy.typing import ArrayLike

from qlib.numbers.arguments import all_of, numbers, require, several, wholes
from qlib.numbers.exact_arrays import ROUNDING, Array, common, from_gaussian, gaussian, has_free_symbols, is_exact

Leg: TypeAlias = Hashable
Legs: TypeAlias = tuple[Leg, ...]

BATCH = "batch"  # the leg that the flattened batch axes share
SMALL = 2**14  # entries that a product of tensors that stay may have
FEW = 8  # tensors for which the order of contraction is searched for, not found greedily
LARGEST_TENSOR = 2**26  # entries that a tensor of a contraction may have, at most
TURNS = 3  # changes of last digits that are tried
MARGIN = 2.0  # by which the largest change that was found may be too small


@dataclass(frozen=True, eq=False)
class Tensor:
    """An array whose last axes carry the given legs; the axes before them are a batch.

    name : of a tensor whose array is to be replaced in a `Network`; None for one that stays.
    Raises ``ValueError`` or ``TypeError`` for an entry that is no number, or fewer axes than legs. A nan stays, and
    makes nan of what it is multiplied with.

    >>> Tensor(np.eye(2), ("row", "column")).dims
    (2, 2)
    """

    array: Array
    legs: tuple[Hashable, ...]
    name: Hashable = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", numbers(self.array, "array", finite=False))
        object.__setattr__(self, "legs", _legs(self.legs, "legs"))
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


def _legs(legs: Iterable[Leg], name: str) -> Legs:
    """The argument as a tuple of labels."""
    found = several(legs, name)
    for leg in found:
        if leg is None or not isinstance(leg, Hashable):
            raise TypeError(f"{name}: {leg!r} is no label of a leg; give a text, a number or a tuple of them")
    return found


class WidthError(ValueError):
    """A network that cannot be contracted without a tensor of more than `LARGEST_TENSOR` entries.

    >>> WidthError(40, 2**30).entries
    1073741824
    """

    def __init__(self, tensors: int, entries: int) -> None:
        self.entries, self.allowed = entries, LARGEST_TENSOR
        super().__init__(
            f"a network of {tensors} tensors: contracting it needs a tensor of {entries} entries, and at most "
            f"{LARGEST_TENSOR} are allowed; keep fewer legs, or split the network"
        )


UNIT_TENSOR = Tensor(np.ones((), dtype=int), ())  # what a network without tensors is


def contract(tensors: Sequence[Tensor], keep: Iterable[Leg] = ()) -> Array:
    """The sum of the product of the tensors over every leg that is not kept; shape batch + kept legs, in their order.

    Raises ``ValueError`` for a leg of two lengths, a kept leg that no tensor has, batches that do not broadcast, or a
    network that would need a tensor of more than `LARGEST_TENSOR` entries.

    >>> bit = Tensor(np.array([0.25, 0.75]), ("x",))
    >>> flip = Tensor(np.array([[0.9, 0.1], [0.1, 0.9]]), ("x", "y"))
    >>> contract([bit, flip], keep=["y"]).round(3).tolist()
    [0.3, 0.7]
    """
    keep, tensors = _legs(keep, "keep"), all_of(Tensor, tensors, "tensors")
    lengths = _lengths(tensors, keep)
    batch = np.broadcast_shapes(*(tensor.batch for tensor in tensors))
    flat = [_flatten_batch(tensor, batch) for tensor in tensors or [UNIT_TENSOR]]
    plan = _plan(_shapes(flat), _output(flat, keep))
    return plan.contract([tensor.array for tensor in flat]).reshape(batch + lengths)


class Network:
    """A network to be evaluated many times, with other arrays in its named tensors; see `contract`.

    tensors : those with a name are replaced at each evaluation. keep : the legs of the result. Calling it with
    name → array, of shape batch + legs, one for each name, gives an array of shape batch + kept legs.
    cases : legs that tell cases apart, such as the values of λ: what is rare in one is not rounding of another's.
    Raises ``ValueError`` as `contract` does, for two tensors of one name, and at a call for an array that does not fit,
    is missing, or has a name that no tensor has.

    >>> flip = Tensor(np.array([[0.9, 0.1], [0.1, 0.9]]), ("x", "y"))
    >>> network = Network([Tensor(np.zeros(2), ("x",), name="law"), flip], keep=["y"])
    >>> network({"law": np.array([0.25, 0.75])}).round(3).tolist()
    [0.3, 0.7]
    """

    def __init__(self, tensors: Sequence[Tensor], keep: Iterable[Leg] = (), cases: Iterable[Leg] = ()) -> None:
        self.keep, self.cases = _legs(keep, "keep"), frozenset(_legs(cases, "cases"))
        tensors = all_of(Tensor, tensors, "tensors")
        self.lengths = _lengths(tensors, self.keep)
        self.named: dict[Hashable, Tensor] = {}
        self.fixed: list[Tensor] = []
        for tensor in tensors:
            if tensor.name in self.named:
                raise ValueError(f"two tensors of a network have the name {tensor.name!r}")
            if tensor.name is None:
                self.fixed.append(tensor)
            else:
                self.named[tensor.name], identities = _untie(tensor)
                self.fixed += identities
        if not tensors:
            self.fixed.append(UNIT_TENSOR)
        self._compiled: dict[Hashable, _Compiled] = {}

    def __call__(self, arrays: Mapping[Any, Array]) -> Array:
        """The value of the network with these arrays in its named tensors; a nan stays, see `Tensor`."""
        return self._value(self._given(arrays))

    def _given(self, arrays: Mapping[Any, Array]) -> dict[Hashable, Array]:
        """The arrays for the named tensors; refused if one is missing, too many, or has an entry that is no number."""
        require(Mapping, arrays=arrays)
        for name in self.named:
            if name not in arrays:
                raise ValueError(f"arrays: there is none for the tensor {name!r}")
        for name in arrays:
            if name not in self.named:
                known = ", ".join(map(repr, self.named)) or "none"
                raise ValueError(f"arrays: no tensor has the name {name!r}; the names are {known}")
        return {name: numbers(arrays[name], f"arrays: {name!r}", finite=False) for name in self.named}

    def _value(self, arrays: Mapping[Any, Array]) -> Array:
        given = [arrays[name] for name in self.named]
        complex_rational = self._complex_rational
        quick = None if complex_rational is None else gaussian(given, real=complex_rational)
        given, ordinary = given if quick is None else quick, given
        key = (quick is not None, *[(array.shape, array.dtype) for array in given])
        compiled = self._compiled.get(key)
        if compiled is None:
            if _is_mixed([*(tensor.array for tensor in self.fixed), *ordinary], ordinary):
                return self._contract(ordinary)
            compiled = self._compiled[key] = self._compile(ordinary, quick is not None)
        for k, shape, flat in compiled.batched:
            given[k] = np.broadcast_to(given[k], shape).reshape(flat)
        places = compiled.arrays.copy()
        places[compiled.first : compiled.first + len(given)] = given
        value = compiled.plan.run(places).reshape(compiled.shape)
        return value if quick is None else from_gaussian(value)

    @cached_property
    def _complex_rational(self) -> bool | None:
        """Whether an entry of the tensors that stay is a + bi with b ≠ 0; None if one is not of rational a and b."""
        exactly = [tensor.array for tensor in self.fixed if tensor.array.dtype.kind not in "iub"]
        if not exactly:
            return False
        return gaussian(exactly) is not None or (None if gaussian(exactly, real=True) is None else False)

    def sensitivity(self, arrays: Mapping[Any, Array]) -> Array:
        """How large the terms are that the value is a sum of: its change for a unit of relative change in the tensors.

        All entries but zeros and whole numbers are changed at random, `TURNS` times, in the last digits of the largest
        entry of their tensor (of each case of `cases`); the largest change of the value over the size of what changed
        it, with a margin. So it is about the value itself if that is a product of small tensors, and far more if large
        terms cancel, or if it rests on an entry that is tiny beside others, as what rounding leaves of a zero is: what
        is less than rounding against it cannot be told from zero. Known as stochastic arithmetic (Vignes 1974). Zero
        where no change of digits changes anything; a nan stays.

        >>> half = Tensor(np.array([1.0, 1.0]), ("x",))
        >>> network = Network([half, Tensor(np.zeros(2), ("x",), name="law")])
        >>> cancel, rare = np.array([1.0, -1.0]), np.array([1e-30, 0.0])
        >>> bool(network.sensitivity({"law": cancel}) > 0.1), bool(network.sensitivity({"law": rare}) < 1e-28)
        (True, True)
        >>> second, residue = Tensor(np.array([0.0, 1.0]), ("x",)), np.array([1.0, 6e-17])
        >>> bool(Network([second, Tensor(np.zeros(2), ("x",), "law")]).sensitivity({"law": residue}) > 0.1)
        True
        """
        arrays = self._given(arrays)
        value = self._value(arrays)
        changes = [
            np.abs(
                network._value(
                    {t.name: self._jittered(t, arrays[t.name], turn, k) for k, t in enumerate(self.named.values())}
                )
                - value
            )
            for turn, network in enumerate(self._others)
        ]
        return np.asarray(MARGIN * np.max(changes, axis=0) / ROUNDING)

    @cached_property
    def _others(self) -> list[Network]:
        """The network with other last digits in the tensors that stay."""
        named = list(self.named.values())
        return [
            Network(
                [*(Tensor(self._jittered(t, t.array, turn, -k), t.legs) for k, t in enumerate(self.fixed)), *named],
                self.keep,
                self.cases,
            )
            for turn in range(TURNS)
        ]

    def _jittered(self, tensor: Tensor, array: Array, turn: int, place: int) -> Array:
        """The array of a tensor with each entry more or less by the rounding of the largest one of its case."""
        if array.dtype.kind in "iub" or has_free_symbols(array):
            return array
        values = array.astype(complex) if is_exact(array) else array
        axes = tuple(k - len(tensor.legs) for k, leg in enumerate(tensor.legs) if leg not in self.cases)
        size = np.abs(values).max(axis=axes, keepdims=True, initial=0.0) if axes else np.abs(values)
        signs = np.random.default_rng([turn, abs(place), int(place < 0)]).choice([-ROUNDING, ROUNDING], array.shape)
        return np.asarray(values + signs * size * (values != 0))

    def _contract(self, arrays: Sequence[Array]) -> Array:
        """The value by `contract`, where exact arrays have to become floating-point ones first."""
        named = zip(self.named.values(), arrays, strict=True)
        return contract([*self.fixed, *(_replaced(tensor, array) for tensor, array in named)], self.keep)

    def _compile(self, arrays: Sequence[Array], quick: bool) -> _Compiled:
        """What is done once for arrays of given shapes: the products of the tensors that stay, and the plan.

        quick : whether the network is evaluated in the form that `gaussian` gives its arrays.
        """
        given = [_replaced(tensor, array) for tensor, array in zip(self.named.values(), arrays, strict=True)]
        batch = np.broadcast_shapes(*(tensor.batch for tensor in (*self.fixed, *given)))
        fixed, free = ([_flatten_batch(tensor, batch) for tensor in tensors] for tensors in (self.fixed, given))
        output = _output([*fixed, *free], self.keep)
        arrays = common([tensor.array for tensor in (*fixed, *free)])
        fixed = [Tensor(array, tensor.legs) for array, tensor in zip(arrays, fixed, strict=False)]
        fixed = _merge(fixed, [*(tensor.legs for tensor in free), output])
        known = [tensor.array for tensor in fixed]
        known = (gaussian(known, real=True) or known) if quick else known
        plan, places = _plan(_shapes([*fixed, *free]), output).fold(known)
        batched = []
        for k, (tensor, flat) in enumerate(zip(given, free, strict=True)):
            if tensor.batch:
                shape = batch + tensor.dims if BATCH in flat.legs else tensor.array.shape
                batched.append((k, shape, flat.array.shape))
        return _Compiled(plan, places, len(fixed), tuple(batched), batch + self.lengths)


@dataclass(frozen=True)
class _Compiled:
    """A plan and the arrays to start from; those that are given go in from place `first`.

    batched : which of them get a batch, the shape that they then have, and the same with the batch flattened.
    """

    plan: _Plan
    arrays: list[Any]
    first: int
    batched: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...]
    shape: tuple[int, ...]


def _is_mixed(arrays: Sequence[Array], given: Sequence[Array]) -> bool:
    """Whether an array that is given is exact and another is not."""
    return any(map(is_exact, given)) and any(array.dtype.kind in "fc" for array in arrays)


def _untie(tensor: Tensor) -> tuple[Tensor, list[Tensor]]:
    """A tensor without the leg that it has twice, and identities that join the two; so nothing is left to be traced."""
    legs: list[Leg] = []
    identities = []
    for leg, length in zip(tensor.legs, tensor.dims, strict=True):
        if leg in legs:
            legs.append(other := ("tied", leg, len(legs)))
            identities.append(Tensor(np.eye(length, dtype=int), (leg, other)))
        else:
            legs.append(leg)
    return Tensor(tensor.array, tuple(legs), tensor.name), identities


def _replaced(tensor: Tensor, array: Array) -> Tensor:
    replaced = Tensor(array, tensor.legs)
    if replaced.dims != tensor.dims:
        raise ValueError(f"tensor {tensor.name!r}: an array of shape {array.shape} should end in {tensor.dims}")
    return replaced


def _lengths(tensors: Sequence[Tensor], keep: Legs) -> tuple[int, ...]:
    """The lengths of the kept legs; every leg has one length."""
    lengths: dict[Leg, int] = {}
    for tensor in tensors:
        for leg, length in zip(tensor.legs, tensor.dims, strict=True):
            if lengths.setdefault(leg, length) != length:
                raise ValueError(f"leg {leg!r}: its length is {lengths[leg]} in one tensor and {length} in another")
    for k, leg in enumerate(keep):
        if leg in keep[:k]:
            raise ValueError(f"keep: leg {leg!r} is to be kept twice")
        if leg not in lengths:
            raise ValueError(f"keep: leg {leg!r} is to be kept, but no tensor has it")
    return tuple(lengths[leg] for leg in keep)


def _flatten_batch(tensor: Tensor, batch: tuple[int, ...]) -> Tensor:
    """The tensor with its batch axes as one leg that all share; a tensor without a batch is the same in all."""
    if all(length == 1 for length in tensor.batch):
        return Tensor(tensor.array.reshape(tensor.dims), tensor.legs)
    array = np.broadcast_to(tensor.array, batch + tensor.dims).reshape((-1, *tensor.dims))
    return Tensor(array, (BATCH, *tensor.legs))


def _output(flat: Sequence[Tensor], keep: Legs) -> Legs:
    return ((BATCH,) if any(BATCH in tensor.legs for tensor in flat) else ()) + keep


# ── Plans ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Operand:
    """A factor of a step as a matrix, or a stack of matrices: its axes transposed if need be, then joined."""

    place: int
    dims: tuple[int, ...]
    order: tuple[int, ...] | None
    shape: tuple[int, ...]

    def matrix(self, array: Array) -> Array:
        if self.order is None:
            return array.reshape(self.shape)
        return array.reshape(self.dims).transpose(self.order).reshape(self.shape)


@dataclass(frozen=True)
class _Step:
    left: _Operand
    right: _Operand
    place: int

    def product(self, arrays: Sequence[Any]) -> Array:
        a, b = self.left.matrix(arrays[self.left.place]), self.right.matrix(arrays[self.right.place])
        return np.asarray(a.dot(b) if a.ndim == 2 else np.matmul(a, b))


@dataclass(frozen=True)
class _Plan:
    """A contraction in steps: each multiplies the arrays of two places and puts the product in a place of its own.

    reduced : inputs that first lose what they sum by themselves, as (place, axes, axes that remain) of an `einsum`.
    """

    inputs: int
    reduced: tuple[tuple[int, list[int], list[int]], ...]
    steps: tuple[_Step, ...]
    result: _Operand

    def run(self, arrays: list[Any]) -> Array:
        """The value of the contraction; arrays : the inputs, and places for the products, emptied as they are used."""
        for k, axes, remaining in self.reduced:
            arrays[k] = np.asarray(np.einsum(arrays[k], axes, remaining))
        for step in self.steps:
            arrays[step.place] = step.product(arrays)
            arrays[step.left.place] = arrays[step.right.place] = None
        return self.result.matrix(arrays[self.result.place])

    def contract(self, inputs: Sequence[Array]) -> Array:
        """The value of the contraction of these inputs, in one number system."""
        arrays, places = common(inputs), [None] * len(self.steps)
        if (quick := gaussian(arrays)) is not None:
            return from_gaussian(self.run([*quick, *places]))
        return self.run([*arrays, *places])

    def fold(self, known: Sequence[Array]) -> tuple[_Plan, list[Any]]:
        """The plan that is left when the first inputs are known, and the arrays to start from."""
        arrays: list[Any] = [*known, *[None] * (self.inputs + len(self.steps) - len(known))]
        steps = []
        for k, axes, remaining in self.reduced:
            if k < len(known):
                arrays[k] = np.asarray(np.einsum(arrays[k], axes, remaining))
        for step in self.steps:
            left, right = (_known(operand, arrays) for operand in (step.left, step.right))
            folded = _Step(left, right, step.place)
            if arrays[left.place] is None or arrays[right.place] is None:
                steps.append(folded)
            else:
                arrays[step.place] = folded.product(arrays)
                arrays[left.place] = arrays[right.place] = None
        reduced = tuple(entry for entry in self.reduced if entry[0] >= len(known))
        return replace(self, reduced=reduced, steps=tuple(steps)), arrays


def _known(operand: _Operand, arrays: list[Any]) -> _Operand:
    """The operand, already in the form of a matrix if its array is known."""
    if (array := arrays[operand.place]) is None:
        return operand
    arrays[operand.place] = np.ascontiguousarray(operand.matrix(array))
    return replace(operand, order=None)


@lru_cache(maxsize=1024)
def _plan(tensors: tuple[tuple[Legs, tuple[int, ...]], ...], output: Legs) -> _Plan:
    """How to contract tensors of these legs and shapes: found once for each network, then remembered."""
    lengths = {leg: n for legs, shape in tensors for leg, n in zip(legs, shape, strict=True)}
    users = Counter(leg for legs in (*(legs for legs, _ in tensors), output) for leg in set(legs))
    current: list[tuple[int, Legs]] = []
    reduced = []
    for k, (legs, _) in enumerate(tensors):
        remaining = tuple(leg for leg in dict.fromkeys(legs) if users[leg] > 1)
        if remaining != legs:
            number = {leg: n for n, leg in enumerate(dict.fromkeys(legs))}
            reduced.append((k, [number[leg] for leg in legs], [number[leg] for leg in remaining]))
        current.append((k, remaining))
    steps = []
    for place, pair in enumerate(_path([legs for _, legs in current], lengths, output), len(tensors)):
        (i, left), (j, right) = (current.pop(k) for k in sorted(pair, reverse=True))
        users.subtract((*left, *right))
        step, legs = _step((i, left), (j, right), place, users, lengths)
        users.update(legs)
        current.append((place, legs))
        steps.append(step)
    [(place, legs)] = current
    result = _operand(place, legs, [[leg] for leg in output], lengths)
    return _Plan(len(tensors), tuple(reduced), tuple(steps), result)


def _path(inputs: Sequence[Legs], lengths: Mapping[Leg, int], output: Legs) -> list[tuple[int, int]]:
    """The order of pairwise contractions, found by `opt_einsum`; refused if a tensor would get too large."""
    if len(inputs) <= 2:
        return [(0, 1)][: len(inputs) - 1]
    search = oe.paths.auto if len(inputs) <= FEW else oe.paths.greedy
    path = search([frozenset(legs) for legs in inputs], frozenset(output), dict(lengths))
    largest = _largest([set(legs) for legs in inputs], path, lengths, output)
    if largest > LARGEST_TENSOR:
        raise WidthError(len(inputs), largest)
    return [(i, j) for i, j in path]


def _largest(current: list[set[Leg]], path: Sequence[Sequence[int]], lengths: Mapping[Leg, int], output: Legs) -> int:
    """The number of entries of the largest tensor on a path."""
    largest = 1
    users = Counter(leg for legs in (*current, set(output)) for leg in legs)
    for pair in path:
        left, right = (current.pop(k) for k in sorted(pair, reverse=True))
        users.subtract([*left, *right])
        product = {leg for leg in left | right if users[leg]}
        users.update(product)
        current.append(product)
        largest = max(largest, prod(lengths[leg] for leg in product))
    return largest


def _step(
    a: tuple[int, Legs], b: tuple[int, Legs], place: int, users: Counter[Leg], lengths: Mapping[Leg, int]
) -> tuple[_Step, Legs]:
    """The product of two arrays (place, legs), summed over the legs that they share and no one else has."""
    (i, left), (j, right) = a, b
    shared = [leg for leg in left if leg in right and users[leg]]
    summed = [leg for leg in left if leg in right and not users[leg]]
    rows, columns = [leg for leg in left if leg not in right], [leg for leg in right if leg not in left]
    stack = [shared] if shared else []
    first = _operand(i, left, [*stack, rows, summed], lengths)
    second = _operand(j, right, [*stack, summed, columns], lengths)
    return _Step(first, second, place), (*shared, *rows, *columns)


def _operand(place: int, legs: Legs, groups: Sequence[Sequence[Leg]], lengths: Mapping[Leg, int]) -> _Operand:
    order = tuple(legs.index(leg) for group in groups for leg in group)
    shape = tuple(prod(lengths[leg] for leg in group) for group in groups)
    dims = tuple(lengths[leg] for leg in legs)
    return _Operand(place, dims, order if order != tuple(range(len(legs))) else None, shape)


def _merge(tensors: Sequence[Tensor], others: Iterable[Legs]) -> list[Tensor]:
    """The same network with two tensors multiplied wherever the product is no larger than one of them.

    others : the legs of what else there is in the network, its output included. Legs that more than two tensors share,
    as two worlds share λ, do not count for the size, as long as the product is small.
    """
    users = Counter(leg for legs in (*(tensor.legs for tensor in tensors), *others) for leg in set(legs))
    lengths = {leg: n for tensor in tensors for leg, n in zip(tensor.legs, tensor.dims, strict=True)}
    counted = {leg: 1 if users[leg] > 2 else n for leg, n in lengths.items()}
    merged: dict[int, Tensor] = {}
    having: dict[Leg, set[int]] = {}
    waiting, number = list(tensors), count()
    while waiting:
        a = waiting.pop()
        for k in sorted(set().union(*(having.get(leg, ()) for leg in a.legs))):
            b = merged[k]
            own = Counter([*{*a.legs}, *{*b.legs}])
            legs = tuple(leg for leg in dict.fromkeys((*a.legs, *b.legs)) if users[leg] > own[leg])
            if _is_small(a.legs, b.legs, legs, counted, lengths):
                users.subtract(own)
                users.update(legs)
                waiting.append(Tensor(_plan(_shapes([a, b]), legs).contract([a.array, b.array]), legs))
                del merged[k]
                for leg in b.legs:
                    having[leg].discard(k)
                break
        else:
            place = next(number)
            merged[place] = a
            for leg in a.legs:
                having.setdefault(leg, set()).add(place)
    return [*merged.values()]


def _is_small(a: Legs, b: Legs, product: Legs, counted: Mapping[Leg, int], lengths: Mapping[Leg, int]) -> bool:
    size, first, second = (prod(counted[leg] for leg in set(legs)) for legs in (product, a, b))
    return size <= max(first, second) and prod(lengths[leg] for leg in product) <= SMALL


def _shapes(tensors: Iterable[Tensor]) -> tuple[tuple[Legs, tuple[int, ...]], ...]:
    return tuple((tensor.legs, tensor.array.shape) for tensor in tensors)


def operator_tensor(operator: ArrayLike, spaces: Sequence[tuple[Leg, Leg, int]]) -> Tensor:
    """An operator on a product of spaces as a tensor: for each space (row leg, column leg, dimension), in its order.

    Raises ``ValueError`` for an operator of another shape than (..., D, D), D the product of the dimensions.
    A nan stays.

    >>> operator_tensor(np.eye(6), [("row of a", "column of a", 2), ("row of b", "column of b", 3)]).array.shape
    (2, 3, 2, 3)
    """
    spaces = all_of(tuple, spaces, "spaces")
    for space in spaces:
        if len(space) != 3:
            raise ValueError(f"spaces: {space!r} should be a row leg, a column leg and a dimension")
    dims = wholes([dimension for _, _, dimension in spaces], "spaces", 1)
    array = numbers(operator, "operator", (..., prod(dims), prod(dims)), finite=False)
    batch = array.shape[:-2]
    legs = (*(row for row, _, _ in spaces), *(column for _, column, _ in spaces))
    return Tensor(array.reshape((*batch, *dims, *dims)), legs)
