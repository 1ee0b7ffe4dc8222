"""What the symbols of Secs. 1 to 3 of Suresh, Frembs and Cavalcanti mean: products over nodes, sums over a background.

An *event* is a set of pairs (variable, value); a formula's ``v(i)``, ``pa(i)`` and ``(X, L)`` are events, and ``P`` and
``Pc`` find their probabilities in a `Law`. A *state* of the background is written out as a `State`: its probability,
what X is in it, and what Y would be for each x.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from compendium.claims.bound_indices import IndexedTerm, binder, index, lifted
from compendium.claims.set_formulas import Law
from qlib.graphs import CausalGraph
from qlib.models import ProbabilisticModel, StructuralModel, six_node_model
from qlib.numbers import quotient
from qlib.numbers.exact_arrays import Array

Event = frozenset[tuple[str, int]]


def event(names: Iterable[str], values: Mapping[str, int]) -> Event:
    """The event that the named variables have the given values.

    >>> sorted(event(["B", "A"], {"A": 0, "B": 1, "C": 1}))
    [('A', 0), ('B', 1)]
    """
    return frozenset((name, values[name]) for name in names)


def _together(*events: Event | tuple[Event, ...]) -> dict[str, int]:
    """Several events as one; a tuple in a formula is the events that it holds."""
    parts = [part for item in events for part in (item if isinstance(item, tuple) else (item,))]
    return dict(frozenset().union(*parts))


def law_names(law: Law) -> dict[str, Any]:
    """``P(a, b)`` and ``Pc(a, (b, c))`` of events: their probabilities in a law, the second conditional.

    >>> two = Law(np.array([[sp.Rational(1, 2), sp.Rational(1, 6)], [0, sp.Rational(1, 3)]]), ("A", "B"))
    >>> names, a, b = law_names(two), frozenset({("A", 0)}), frozenset({("B", 1)})
    >>> names["P"](b), names["Pc"](a, b)
    (1/2, 1/3)
    """
    return {
        "P": lifted(lambda *events: law.marginal(_together(*events))),
        "Pc": lifted(lambda event, given: law.conditional(_together(event), _together(given))),
    }


def delta(a: object, b: object) -> sp.Integer:
    """Kronecker's delta, of values or of events."""
    return sp.Integer(int(a == b))


def sum_over(values: Iterable[Any]) -> Callable[[Any, IndexedTerm], Any]:
    """The ``Sum(term, u)`` of formulas that name the index and leave its values to the model.

    >>> sum_over([1, 2, 3])(index("u") * 2, index("u"))
    12
    """
    over, add = tuple(values), binder(operator.add, sp.Integer(0))
    return lambda term, bound: add(term, (bound, over))


def factorisation_names(
    law: Law, parents: Mapping[str, Iterable[str]], v: Mapping[str, int], x: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The names of Eqs. (1) and (2) at the values v of all nodes, after an intervention that sets some of them to x.

    law : before the intervention. parents : node → its parents. Node i of a formula is the i-th of `parents`.
    """
    nodes, x = tuple(parents), x or {}
    return {
        **law_names(law),
        "v": lifted(lambda i: event([nodes[i - 1]], v)),
        "x": lifted(lambda i: event([nodes[i - 1]], x)),
        "pa": lifted(lambda i: event(parents[nodes[i - 1]], v)),
        "delta": lifted(delta),
        "Product": binder(operator.mul, sp.Integer(1)),
        "i": index("i"),
        "n": len(nodes),
        "X": tuple(k for k, node in enumerate(nodes, 1) if node in x),
        "V_x": tuple(k for k, node in enumerate(nodes, 1) if node not in x),
    }


@dataclass(frozen=True)
class State:
    """A state u of the background: its probability, X(u), and Y_x(u) for x = 0, 1, …"""

    weight: Any
    X: int
    Y: tuple[int, ...]

    def actual(self) -> Event:
        """What is the case in this state."""
        return frozenset({("X", self.X), ("Y", self.Y[self.X])})


class Responses(tuple[State, ...]):
    """All states of a probabilistic structural model of X and Y, written out: probabilities are sums over them.

    >>> fair = Responses([State(sp.Rational(1, 2), 0, (0, 1)), State(sp.Rational(1, 2), 1, (0, 1))])
    >>> fair.probability(lambda u: u.Y[1] == 1), fair.probability(lambda u: u.X == 1)
    (1, 1/2)
    """

    __slots__ = ()

    def probability(self, holds: Callable[[State], bool]) -> Any:
        """The probability of a statement about the state."""
        return sum((u.weight for u in self if holds(u)), start=sp.Integer(0))

    def counterfactual(self, y: int, x: int, seen: Event) -> Any:
        """P(Y_x = y | seen), as the ratio of two probabilities of the joint law: no update, no surgery."""
        both = self.probability(lambda u: u.Y[x] == y and seen <= u.actual())
        return quotient(both, self.probability(lambda u: seen <= u.actual()))

    def names(self) -> dict[str, Any]:
        """The names of Eqs. (4) to (7); X = x and Y = y stand in a formula as the numbers x, y."""
        return {
            "u": index("u"),
            "Sum": sum_over(self),
            "P": lifted(self._weight_of),
            "Pc": lifted(self._given),
            "Y": lifted(_response),
            "delta": lifted(delta),
            "response": lambda y, x: (int(y), int(x)),
        }

    def _weight_of(self, *what: Any) -> Any:
        """P(u), P(x, y), or P(response(y', x'), x, y)."""
        if isinstance(what[0], State):
            return what[0].weight
        *response, x, y = what
        seen = _seen((x, y))
        return self.probability(
            lambda u: seen <= u.actual() and all(u.Y[x_set] == y_then for y_then, x_set in response)
        )

    def _given(self, what: Any, condition: Any) -> Any:
        """P(u | seen) by Bayes' rule, or the likelihood P(seen | u)."""
        if isinstance(condition, State):
            return sp.Integer(int(_seen(what) <= condition.actual()))
        seen = _seen(condition)
        agrees = seen <= what.actual()
        return quotient(what.weight, self.probability(lambda u: seen <= u.actual())) if agrees else sp.Integer(0)


def _seen(evidence: Any) -> Event:
    """Evidence in a formula: an event, or the pair (x, y)."""
    if isinstance(evidence, tuple):
        return frozenset(zip(("X", "Y"), map(int, evidence), strict=True))
    return frozenset(evidence)


def _response(*arguments: Any) -> int:
    """Y(u), what Y is in state u, and Y(x, u), what it would be."""
    *x, u = arguments
    return int(u.Y[int(x[0])] if x else u.Y[u.X])


def equation_names(structure: StructuralModel, nodes: Sequence[str]) -> dict[str, Any]:
    """The names of Def. 3 in all states of the background at once: f(i, pa(i), u(i)) is a column, a row for each state.

    structure : a model in which the last parent of node i is its exogenous variable.
    """

    def mechanism(i: Any) -> Any:
        return structure.mechanisms[nodes[int(i) - 1]]

    def f(i: Any, pa: Sequence[Any], u: Any) -> sp.Matrix:
        rule = np.asarray(mechanism(i).rule)
        return sp.Matrix([rule[row] for row in zip(*(map(int, column) for column in (*pa, u)), strict=True)])

    return {
        "f": f,
        "pa": lambda i: sp.Tuple(*(sp.Tuple(*values(structure, p)) for p in mechanism(i).parents[:-1])),
        "u": lambda i: sp.Tuple(*values(structure, mechanism(i).parents[-1])),
    }


def values(structure: StructuralModel, name: str) -> list[Any]:
    """The values of a variable in all states of the background, in their order."""
    places = np.broadcast_to(structure.responses(name), structure.shape)
    return [structure.domains[name][k] for k in places.ravel()]


def refused(attempt: Callable[[], object], because: str = "") -> bool:
    """Whether building something ends in a ``ValueError``, whose words hold `because`.

    >>> refused(lambda: int("one")), refused(lambda: int("1")), refused(lambda: int("one"), "negative")
    (True, False, False)
    """
    try:
        attempt()
    except ValueError as error:
        return because in str(error)
    return False


def arrows(graph: Any, own: Mapping[str, str] | None = None) -> Iterator[str]:
    """The arrows of a causal graph as the ledger writes them, with nodes renamed if the paper names them otherwise."""
    names = own or {}
    return (f"{names.get(cause, cause)} -> {names.get(effect, effect)}" for cause, effect in graph.edges)


def drawn(graph: Any, own: Mapping[str, str] | None = None) -> dict[str, set[str]]:
    """The nodes and the arrows of a causal graph as the ledger writes them, with nodes renamed as the paper names them.

    >>> sorted(drawn(CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")]), {"A": "U"})["edges"])
    ['U -> B']
    """
    names = own or {}
    return {"nodes": {names.get(node, node) for node in graph.kinds}, "edges": set(arrows(graph, own))}


def free(name: str, *sizes: int) -> Array:
    """A free symbol for each probability P(V = 1 | parents), an axis for each parent.

    >>> free("b", 2).tolist()
    [b_0, b_1]
    """
    cells = ("".join(map(str, cell)) for cell in itertools.product(*map(range, sizes)))
    return np.array([sp.Symbol(f"{name}_{cell}" if cell else name) for cell in cells], dtype=object).reshape(sizes)


def of_bit(ones: ArrayLike) -> Array:
    """The table of a bit's conditional probabilities, a last axis for its value, from those of the value 1."""
    chances = np.asarray(ones)
    return np.stack([1 - chances, chances], axis=-1)


def figure_2() -> ProbabilisticModel:
    """The six bits of Fig. 2, functions of their parents and of independent noise, with sixteen free symbols."""
    sizes = {"V1": ("a", 0), "V2": ("b", 1), "V3": ("c", 1), "V4": ("d", 3), "V5": ("e", 1), "V6": ("f", 0)}
    return six_node_model({node: free(name, *(2,) * parents) for node, (name, parents) in sizes.items()})


def own_product(law: Array, names: Sequence[str], graph: CausalGraph) -> Array:
    """The product (1) of a law's own conditional probabilities P(v | pa); zero where its parents' values do not occur.

    A law that is the product of any conditional distributions is the product of these.

    >>> coin = np.array([[1, 0], [0, 1]]) / 2
    >>> own_product(coin, "AB", CausalGraph({"A": "observed", "B": "observed"}, [])).tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """
    result = np.ones_like(law)
    for axis, name in enumerate(names):
        family = {axis, *(list(names).index(parent) for parent in graph.parents(name))}
        joint = law.sum(axis=tuple(set(range(law.ndim)) - family), keepdims=True)
        total = joint.sum(axis=axis, keepdims=True)
        result = result * joint / np.where(total == 0, 1, total)
    return np.asarray(result)
