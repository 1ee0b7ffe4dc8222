"""Statements about sets of variables as papers print them, read by machine.

Transcribed formulas such as ``prod_over(j, P(C(j), given(Z(j), Lam)))`` or ``dsep(A, Y, union(Z, Lam))`` speak of sets
of variables: ``C`` is a set, ``C(j)`` a member, ``C(compl(j))`` the others, ``union`` and ``setminus`` combine sets. A
`Reading` says which variables each name stands for. `Reading.relation` then gives meaning to a relation between sets
(independence in a law, d-separation in a graph), and `Reading.probability` to conditional probabilities, sums over
variables and products over members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

import numpy as np
import sympy as sp

from qlib.numbers.exact_arrays import Array, is_zero, quotient

Variables = frozenset[str]


class Name(sp.Symbol):  # type: ignore[misc]
    """A name that may stand alone and may be called: C, C(j)."""

    def __call__(self, *arguments: Any) -> sp.Expr:
        """The name applied to indices, unevaluated."""
        return sp.Function(self.name)(*arguments)


@dataclass(frozen=True)
class Reading:
    """Which variables the names of a formula stand for.

    families : name → index → variables; the bare name stands for all of them. A name without indices has the index 0.
    indexed : name → function from a set of indices to variables, for names that are only called, as ``C_upto(j)``.
    maps : name → function from variables to variables, as ``Pa(X)``.

    >>> reading = Reading({"C": {1: {"C_1"}, 2: {"C_2"}}, "Z": {0: {"Z_1", "Z_2"}}})
    >>> C, Z, union, compl = (reading.names()[name] for name in ("C", "Z", "union", "compl"))
    >>> sorted(reading.variables(union(C(compl(1)), Z)))
    ['C_2', 'Z_1', 'Z_2']
    """

    families: Mapping[str, Mapping[int, Iterable[str]]]
    indexed: Mapping[str, Callable[[frozenset[int]], Iterable[str]]] = field(default_factory=dict)
    maps: Mapping[str, Callable[[Variables], Iterable[str]]] = field(default_factory=dict)

    def names(self) -> dict[str, Any]:
        """Every name of a set, and the functions that combine sets, as formulas use them."""
        functions = ("union", "setminus", "compl", "given", *self.indexed, *self.maps)
        return {**{name: Name(name) for name in self.families}, **{name: sp.Function(name) for name in functions}}

    def variables(self, expression: Any) -> Variables:
        """The set of variables that an expression stands for; ``ValueError`` for a name that is not known."""
        name = expression.name if isinstance(expression, sp.Symbol) else expression.func.__name__
        if isinstance(expression, sp.Symbol) and name in self.families:
            return frozenset().union(*map(frozenset, self.families[name].values()))
        if name == "union":
            return frozenset().union(*map(self.variables, expression.args))
        if name == "setminus":
            return self.variables(expression.args[0]) - self.variables(expression.args[1])
        if name in self.families:
            chosen = self._indices(expression.args[0], frozenset(self.families[name]))
            return frozenset().union(*(frozenset(self.families[name][k]) for k in chosen))
        if name in self.indexed:
            return frozenset(self.indexed[name](self._indices(expression.args[0], frozenset())))
        if name in self.maps:
            return frozenset(self.maps[name](self.variables(expression.args[0])))
        raise ValueError(f"{expression}: {name!r} stands for no set; known are {', '.join(self.families)}")

    def _indices(self, expression: Any, every: frozenset[int]) -> frozenset[int]:
        if isinstance(expression, sp.Integer):
            return frozenset({int(expression)})
        if isinstance(expression, sp.FiniteSet) or expression is sp.S.EmptySet:
            return frozenset(int(k) for k in expression)
        if expression.func.__name__ == "compl":
            return every - self._indices(expression.args[0], every)
        raise ValueError(f"{expression} is not an index, a set of indices, or the complement of one")

    def relation(self, holds: Callable[[Variables, Variables, Variables], Any]) -> Callable[..., sp.Integer]:
        """A relation of two sets given a third, as formulas call it: what `holds` returns, as a number.

        >>> apart = Reading({"A": {0: "a"}, "B": {0: "b"}}).relation(lambda xs, ys, given: not xs & ys)
        >>> apart(Name("A"), Name("B"))
        1
        """

        return self.meaning(lambda *sets: sp.Integer(int(holds(*sets))))

    def meaning(self, of: Callable[[Variables, Variables, Variables], Any]) -> Callable[..., Any]:
        """What a formula's relation of two sets given a third is to stand for: whatever `of` makes of the three.

        >>> sets = Reading({"A": {0: "a"}, "B": {0: "b"}}).meaning(lambda *sets: [sorted(part) for part in sets])
        >>> sets(Name("A"), Name("B"))
        [['a'], ['b'], []]
        """

        def called(xs: Any, ys: Any, given: Any = None) -> Any:
            return of(*(self.variables(part) if part is not None else frozenset() for part in (xs, ys, given)))

        return called

    def probability(
        self, law: Law, values: Mapping[str, int], ranges: Mapping[str, Iterable[int]], summed: Iterable[str] = ()
    ) -> dict[str, Any]:
        """``P``, ``sum_over`` and ``prod_over`` for a law, at an assignment of values to its variables.

        ranges : index → the members that products run over. summed : the names that sums run over, each the name of one
        variable. A conditional probability given an event of probability zero counts as zero.
        """
        bound = set(summed)
        read = self

        def is_free(expression: Any) -> bool:
            if expression.func.__name__ == "at":
                return False
            return str(expression) in bound | set(ranges) or any(map(is_free, expression.args))

        def assigned(expression: Any) -> dict[str, int]:
            if expression.func.__name__ == "at":
                (variable,) = read.variables(expression.args[0])
                return {variable: int(expression.args[1])}
            return {variable: values[variable] for variable in read.variables(expression)}

        class P(sp.Function):  # type: ignore[misc]
            """Evaluates itself as soon as no index and no summed variable in it is free."""

            @classmethod
            def eval(cls, *arguments: Any) -> Any:
                if any(map(is_free, arguments)):
                    return None
                events: list[dict[str, int]] = [{}, {}]
                for argument in arguments:
                    condition = argument.func.__name__ == "given"
                    for part in argument.args if condition else (argument,):
                        events[condition] |= assigned(part)
                return law.conditional(*events)

        def sum_over(*arguments: Any) -> Any:
            *variables, body = arguments
            domains = [range(law.size(name)) for variable in variables for name in read.variables(variable)]
            at = sp.Function("at")
            choices = product(*domains)
            return sum(body.xreplace({v: at(v, k) for v, k in zip(variables, c, strict=True)}) for c in choices)

        def prod_over(*arguments: Any) -> Any:
            *indices, body = arguments
            choices = product(*(ranges[str(index)] for index in indices))
            return prod(
                (body.xreplace(dict(zip(indices, map(sp.Integer, c), strict=True))) for c in choices),
                start=sp.Integer(1),
            )

        indices = {index: sp.Symbol(index) for index in ranges}
        return {**self.names(), **indices, "P": P, "sum_over": sum_over, "prod_over": prod_over}


class Law:
    """A law of named variables: an array with one axis for each; exact entries, which may hold symbols.

    >>> coin = Law(np.array([[sp.Rational(1, 2), 0], [0, sp.Rational(1, 2)]]), ("A", "B"))
    >>> coin.conditional({"A": 1}, {"B": 1}), coin.conditional({"A": 1}, {})
    (1, 1/2)
    """

    def __init__(self, array: Array, names: Iterable[str]) -> None:
        self.array, self.names = np.asarray(array), tuple(names)
        self._known: dict[frozenset[tuple[str, int]], Any] = {}
        self._ratios: dict[tuple[Any, Any], Any] = {}
        if self.array.ndim != len(self.names):
            raise ValueError(f"a law of {', '.join(self.names)} should have {len(self.names)} axes")

    def size(self, name: str) -> int:
        """How many values a variable has."""
        return int(self.array.shape[self.names.index(name)])

    def marginal(self, event: Mapping[str, int]) -> Any:
        """The probability of an event, variable → value."""
        key = frozenset(event.items())
        if key not in self._known:
            part = self.array[tuple(event.get(name, slice(None)) for name in self.names)]
            self._known[key] = sp.expand(sum(np.ravel(part)))
        return self._known[key]

    def conditional(self, event: Mapping[str, int], given: Mapping[str, int]) -> Any:
        """The probability of one event given another, in lowest terms; zero if the condition has probability zero."""
        key = (frozenset(event.items()), frozenset(given.items()))
        if key not in self._ratios:
            below = self.marginal(given)
            clash = any(event[name] != value for name, value in given.items() if name in event)
            impossible = is_zero(below)
            both = sp.Integer(0) if clash or impossible else self.marginal({**event, **given})
            self._ratios[key] = quotient(both, below) if not impossible else both
        return self._ratios[key]
