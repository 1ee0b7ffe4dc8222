"""Printed formulas with bound indices: Sum(x, t), Product(x, (i, 1, n)), Kron(x, (j, Ch(i))).

When such a formula is read (`compendium.claims.printed.parse`), its arguments are evaluated before the binder sees
them; an index that is still to be bound then has no value. It is an `IndexedTerm` instead: a value for each
environment, index → value. `lifted` functions of terms are terms, arithmetic on terms makes terms, a `binder` binds an
index, and a term without free indices is its value. So the names of a formula are given as usual functions, lifted:

>>> from operator import mul
>>> i, P = index("i"), lifted(lambda k: 10 * k)
>>> binder(mul, 1)(P(i) + 1, (i, 1, 3))
7161
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any


@dataclass(frozen=True, eq=False)
class IndexedTerm:
    """What depends on indices that are still to be bound.

    at : its value, a function of the environment index → value. free : the names of the indices.
    """

    at: Callable[[Mapping[str, Any]], Any]
    free: frozenset[str]

    def __add__(self, other: Any) -> Any:
        return lifted(operator.add)(self, other)

    def __radd__(self, other: Any) -> Any:
        return lifted(operator.add)(other, self)

    def __sub__(self, other: Any) -> Any:
        return lifted(operator.sub)(self, other)

    def __rsub__(self, other: Any) -> Any:
        return lifted(operator.sub)(other, self)

    def __mul__(self, other: Any) -> Any:
        return lifted(operator.mul)(self, other)

    def __rmul__(self, other: Any) -> Any:
        return lifted(operator.mul)(other, self)

    def __truediv__(self, other: Any) -> Any:
        return lifted(operator.truediv)(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return lifted(operator.truediv)(other, self)

    def __pow__(self, other: Any) -> Any:
        return lifted(operator.pow)(self, other)

    def __neg__(self) -> Any:
        return lifted(operator.neg)(self)


def index(name: str) -> IndexedTerm:
    """An index that is to be bound."""
    return IndexedTerm(lambda environment: environment[name], frozenset({name}))


def lifted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, of terms too: its value is then a term, unless no index is free.

    A tuple of arguments, such as (u, t), is a term if one of its members is.
    """

    def of_terms(*arguments: Any) -> Any:
        free = frozenset().union(*map(_free, arguments))
        return _closed(lambda environment: function(*(_value(a, environment) for a in arguments)), free)

    return of_terms


def binder(combine: Callable[[Any, Any], Any], start: Any) -> Callable[..., Any]:
    """The operation that combines the values of its first argument over those of an index, beginning with `start`.

    The index and its values are given as ``(i, first, last)``, whole numbers, or as ``(j, values)``.
    Raises ``ValueError`` for an index that is none.
    """

    def bound(body: Any, indices: Any) -> Any:
        name, values = _range(indices)

        def combined(environment: Mapping[str, Any]) -> Any:
            terms = (_value(body, {**environment, name: value}) for value in values(environment))
            return reduce(combine, terms, start)

        return _closed(combined, (_free(body) - {name}) | _free(tuple(indices)[1:]))

    return bound


def _range(indices: Any) -> tuple[str, Callable[[Mapping[str, Any]], Iterable[Any]]]:
    bound, *limits = indices
    if not isinstance(bound, IndexedTerm) or len(bound.free) != 1 or len(limits) not in (1, 2):
        raise ValueError(f"{indices}: should be an index with its first and last value, or with all its values")
    (name,) = bound.free
    if len(limits) == 1:
        return name, lambda environment: _value(limits[0], environment)
    return name, lambda environment: range(int(_value(limits[0], environment)), int(_value(limits[1], environment)) + 1)


def _free(argument: Any) -> frozenset[str]:
    if isinstance(argument, tuple):
        return frozenset().union(*map(_free, argument))
    return argument.free if isinstance(argument, IndexedTerm) else frozenset()


def _value(argument: Any, environment: Mapping[str, Any]) -> Any:
    if isinstance(argument, tuple):
        return tuple(_value(member, environment) for member in argument)
    return argument.at(environment) if isinstance(argument, IndexedTerm) else argument


def _closed(at: Callable[[Mapping[str, Any]], Any], free: frozenset[str]) -> Any:
    return IndexedTerm(at, free) if free else at({})
