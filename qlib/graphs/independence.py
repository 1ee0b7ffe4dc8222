r"""Faithfulness: which conditional independences a law has, which ones its causal graph explains, and the difference.

A causal graph explains an independence by a d-separation. What the law has beyond the d-separations holds only because
the parameters of the model are balanced just so: it is *fine-tuned*, and a model without any is *faithful* (Def. 5 of
Pearl & Cavalcanti, 2019). A d-separation that the law lacks would mean that the law is not compatible with the graph.

A law is an array with one axis per named variable, of floats or of exact numbers (`qlib.numbers.exact_arrays`); exact
entries may hold symbols, and then what is found holds for all of their values. Independence is tested without dividing,

.. math:: P(x,y,z)\,P(z) = P(x,z)\,P(y,z) \quad\text{for all } x, y, z,

so that events of probability zero impose nothing. Both the independences of a law and the d-separations of a graph obey
symmetry, decomposition, weak union and contraction: they are *semi-graphoids*. Therefore they are known once the
*elementary* statements are, those between two single variables:

.. math::
    X \perp Y \mid Z \iff x \perp y \mid K
    \quad\text{for all } x\in X,\ y\in Y,\ Z\subseteq K\subseteq X\cup Y\cup Z\setminus\{x, y\}.

`SemiGraphoid` keeps these in one table, which makes everything else quick.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from qlib.graphs.graphs import CausalGraph, NodeKind, d_separations, disjoint_triples
from qlib.numbers.arguments import Floats, all_of, distinct, numbers, real_number, require, several, show
from qlib.numbers.exact_arrays import ROUNDING, Array, exact_sign, is_exact, is_zero, number, rounded, vanishes

Bits = NDArray[np.bool_]
CONDITIONAL_TOLERANCE = 1e-9  # of conditional probabilities, for laws in floating point
MOST_VARIABLES = 10  # there are about 4 ** n / 2 statements


@dataclass(frozen=True, init=False)
class Independence:
    """The statement that `left` and `right` are independent given `given`: sets of names, disjoint.

    A single name may be given as a string. The two sides are interchangeable, and two statements that differ in nothing
    else are equal. Raises ``ValueError`` for an empty side, or a name that stands in two places.

    >>> Independence("B", "X", "Y") == Independence(["X"], ["B"], ["Y"])
    True
    >>> print(Independence("B", ["X", "Y"]))
    B ⊥ XY
    """

    left: frozenset[str]
    right: frozenset[str]
    given: frozenset[str]

    def __init__(self, left: Iterable[str], right: Iterable[str], given: Iterable[str] = ()) -> None:
        parts = {"left": left, "right": right, "given": given}
        sets = [frozenset(distinct([part] if isinstance(part, str) else part, name)) for name, part in parts.items()]
        if not (sets[0] and sets[1]):
            raise ValueError(f"independence of {sorted(sets[0])} and {sorted(sets[1])}: neither side may be empty")
        for one, other in combinations(sets, 2):
            if twice := one & other:
                raise ValueError(f"{min(twice)!r} stands in two places of one statement; the sets must be disjoint")
        sets[:2] = sorted(sets[:2], key=sorted)
        for name, value in zip(("left", "right", "given"), sets, strict=True):
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        left, right, given = (_listed(names) for names in (self.left, self.right, self.given))
        return f"{left} ⊥ {right}" + (f" | {given}" if given else "")

    @property
    def sort_key(self) -> tuple[int, int, list[str], list[str], list[str]]:
        """Few variables first, then few conditions, then by name."""
        size = len(self.left) + len(self.right)
        return size, len(self.given), sorted(self.left), sorted(self.right), sorted(self.given)


def _listed(names: Collection[str]) -> str:
    """Names one after the other, with commas if one is longer than a letter and an index."""
    return ("" if all(len(name.rstrip("0123456789_₀₁₂₃₄₅₆₇₈₉")) == 1 for name in names) else ", ").join(sorted(names))


@dataclass(frozen=True, eq=False)
class SemiGraphoid:
    """A set of independence statements closed under symmetry, decomposition, weak union and contraction.

    names : the variables. table[i, j, K] : whether variables i and j are independent given the set whose bits are K;
    symmetric in i and j, and false where it has no meaning (i = j, or one of them in K).

    >>> empty = SemiGraphoid.generated(["A", "B", "C"], [])
    >>> chain = SemiGraphoid.generated(["A", "B", "C"], [Independence("A", ["B", "C"])])
    >>> [str(statement) for statement in chain.statements()]
    ['A ⊥ B', 'A ⊥ C', 'A ⊥ B | C', 'A ⊥ C | B', 'A ⊥ BC']
    >>> [str(statement) for statement in chain.generators()]
    ['A ⊥ BC']
    """

    names: tuple[str, ...]
    table: Bits = field(repr=False)

    def __post_init__(self) -> None:
        n = len(distinct(self.names, "names"))
        numbers(self.table, "table", (n, n, 1 << n))

    @classmethod
    def generated(cls, names: Sequence[str], statements: Iterable[Independence]) -> SemiGraphoid:
        """The smallest semi-graphoid that holds the given statements; ``ValueError`` if one has an unknown name."""
        names = distinct(names, "names")
        statements = all_of(Independence, statements, "statements")
        names = _variables(names)
        table = np.zeros((len(names), len(names), 1 << len(names)), dtype=bool)
        empty = cls(names, table)
        for statement in statements:
            table[empty._elements(statement)] = True
        return empty._closed()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SemiGraphoid):
            return NotImplemented
        return self.names == other.names and bool(np.array_equal(self.table, other.table))

    def __hash__(self) -> int:
        return hash((self.names, self.table.tobytes()))

    def __contains__(self, statement: Independence) -> bool:
        return bool(self.table[self._elements(statement)].all())

    def __le__(self, other: SemiGraphoid) -> bool:
        """Whether every statement of this one is one of the other's."""
        return self.names == other.names and bool(np.all(self.table <= other.table))

    def statements(self) -> list[Independence]:
        """All of them, those about few variables first."""
        every = (Independence(*triple) for triple in disjoint_triples(self.names))
        found = (statement for statement in every if statement in self)
        return sorted(found, key=lambda statement: statement.sort_key)

    def generators(self, known: SemiGraphoid | None = None) -> list[Independence]:
        """A list from which all statements follow by the four rules, with those of `known`, and none of it too many.

        Chosen greedily: the statement from which most follows comes first, of equals the one about fewest variables.
        Raises ``ValueError`` if `known` has a statement that this semi-graphoid lacks, or other variables.
        """
        if known is not None:
            require(SemiGraphoid, known=known)
        start = SemiGraphoid.generated(self.names, []) if known is None else known
        if not start <= self:
            raise ValueError("known: it should hold statements of this semi-graphoid only, about the same variables")
        chosen: list[Independence] = []
        reached, candidates = start, self.statements()
        while reached != self:
            candidates = [statement for statement in candidates if statement not in reached]
            following = [reached.extended([statement]) for statement in candidates]
            best = int(np.argmax([np.count_nonzero(result.table) for result in following]))
            chosen.append(candidates[best])
            reached = following[best]
        for statement in reversed(chosen[:]):
            others = [other for other in chosen if other != statement]
            if start.extended(others) == self:
                chosen = others
        return sorted(chosen, key=lambda statement: statement.sort_key)

    def extended(self, statements: Iterable[Independence]) -> SemiGraphoid:
        """The smallest semi-graphoid that holds these statements too."""
        statements = all_of(Independence, statements, "statements")
        table = self.table.copy()
        for statement in statements:
            table[self._elements(statement)] = True
        return SemiGraphoid(self.names, table)._closed()

    def _closed(self) -> SemiGraphoid:
        """Closed under: i ⊥ j | kL and i ⊥ k | L together are i ⊥ j | L and i ⊥ k | jL together."""
        i, j, k, L = _rules(len(self.names))
        table, before = self.table.copy(), -1
        while before != (before := int(np.count_nonzero(table))):
            both = table[i, j, L | 1 << k] & table[i, k, L]
            a, b, c, given = (index[both] for index in (i, j, k, L))
            table[a, b, given] = table[a, c, given | 1 << b] = True
            table |= table.transpose(1, 0, 2)
        return SemiGraphoid(self.names, table)

    def _elements(self, statement: Independence) -> tuple[list[int], list[int], list[int]]:
        """Where in the table the elementary statements stand that a statement consists of, either way round."""
        position = {name: k for k, name in enumerate(self.names)}
        for name in statement.left | statement.right | statement.given:
            if name not in position:
                raise ValueError(f"{statement}: {name!r} is not a variable; the variables are {', '.join(self.names)}")
        left, right, given = (
            [position[v] for v in sorted(part)] for part in (statement.left, statement.right, statement.given)
        )
        entries = []
        for i, j in product(left, right):
            between = [v for v in left + right if v not in (i, j)]
            for chosen in product((0, 1), repeat=len(between)):
                K = sum(1 << v for v in given) + sum(1 << v for v, taken in zip(between, chosen, strict=True) if taken)
                entries += [(i, j, K), (j, i, K)]
        first, second, sets = (list(index) for index in zip(*entries, strict=True))
        return first, second, sets


def _variables(names: Sequence[str]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise ValueError(f"two variables are named {twice!r}; names must differ")
    if len(names) > MOST_VARIABLES:
        raise ValueError(f"{len(names)} variables: more than {MOST_VARIABLES} have too many statements to go through")
    return tuple(names)


def _rules(n: int) -> tuple[Any, ...]:
    """All (i, j, k, L): three distinct variables and a set of others, as four index arrays."""
    rules = [
        (i, j, k, L)
        for i, j, k in permutations(range(n), 3)
        for L in range(1 << n)
        if not L & (1 << i | 1 << j | 1 << k)
    ]
    return tuple(np.array(rules, dtype=int).reshape(-1, 4).T)


# --- laws ------------------------------------------------------------------------------------------------------------


def independences(law: ArrayLike, names: Sequence[str], tolerance: float = CONDITIONAL_TOLERANCE) -> SemiGraphoid:
    """All conditional independences of a law.

    law : P[v₁, …, vₙ], an axis for each name. An exact law is treated exactly, whatever the tolerance; of one in
    floating point, P(x, y | z) and P(x | z) P(y | z) may differ by `tolerance` of their sum, and by rounding of 1.
    Raises ``ValueError`` if the axes and the names do not match, a name stands there twice, a probability is negative,
    or they do not sum to one, or if it could not be decided whether an exact expression vanishes.

    >>> import itertools
    >>> parity = np.zeros((2, 2, 2))
    >>> for a, b in itertools.product((0, 1), repeat=2):
    ...     parity[a, b, a ^ b] = 1 / 4
    >>> [str(statement) for statement in independences(parity, ["A", "B", "C"]).statements()]
    ['A ⊥ B', 'A ⊥ C', 'B ⊥ C']
    """
    names = distinct(names, "names")
    real_number(tolerance, "tolerance")
    names = _variables(names)
    P = numbers(law, "law")
    _require_law(P, names)
    n = len(names)
    marginal = _marginals(P)
    witness = _marginals(_at_a_point(P)) if is_exact(P) else None
    table = np.zeros((n, n, 1 << n), dtype=bool)
    for i, j in combinations(range(n), 2):
        for K in range(1 << n):
            if not K & (1 << i | 1 << j):
                refuted = witness is not None and not _factorises(witness, i, j, K, 1e-6)  # else decided exactly
                table[i, j, K] = table[j, i, K] = not refuted and _factorises(marginal, i, j, K, tolerance)
    return SemiGraphoid(names, table)


def _require_law(P: Array, names: tuple[str, ...]) -> None:
    law = "law" if len(names) != 1 else f"law of {names[0]}"
    if P.ndim != len(names):
        raise ValueError(f"{law}: its {P.ndim} axes should be one for each of {', '.join(names)}")
    if P.size == 0:
        raise ValueError(f"{law}: shape {P.shape} holds no probability")
    if not is_exact(P):
        if not P.min() >= -CONDITIONAL_TOLERANCE:
            raise ValueError(f"{law}: a probability is negative or not a number, {P.min()}")
        if not abs(P.sum() - 1) <= CONDITIONAL_TOLERANCE:
            raise ValueError(f"{law}: the probabilities should sum to one, but the sum is {P.sum()}")
        return
    for index, value in np.ndenumerate(P):
        if isinstance(value, float) or number(value).has(sp.Float):
            raise ValueError(f"{law}: entry {index} is the rounded number {value}; an exact law has none")
        if not number(value).free_symbols and exact_sign(value) < 0:
            raise ValueError(f"{law}: entry {index} is {value}; a probability is not negative")
    if not is_zero(total := sp.Add(*map(number, P.ravel()), -1)):
        raise ValueError(f"{law}: the probabilities should sum to one, but the sum is {sp.simplify(total + 1)}")


def _marginals(P: Array) -> list[Array]:
    """The marginal law of every set of variables, by its bits; the axes of the others are kept, with length one."""
    marginal: list[Array] = [P] * (1 << P.ndim)
    for K in reversed(range((1 << P.ndim) - 1)):
        missing = next(v for v in range(P.ndim) if not K >> v & 1)
        marginal[K] = marginal[K | 1 << missing].sum(axis=missing, keepdims=True)
    return marginal


def _at_a_point(P: Array) -> Floats:
    """The law in floating point, with a fixed number for each symbol: what differs clearly there differs."""
    symbols = set().union(*(number(value).free_symbols for value in P.ravel()))
    point = _point(symbols)
    return np.array([rounded(number(value).subs(point)) for value in P.ravel()]).reshape(P.shape)


def _factorises(marginal: list[Array], i: int, j: int, K: int, tolerance: float) -> bool:
    a, b = 1 << i, 1 << j
    difference = marginal[K | a | b] * marginal[K] - marginal[K | a] * marginal[K | b]
    if is_exact(difference):
        return vanishes(difference)
    terms = np.abs(marginal[K | a | b] * marginal[K]) + np.abs(marginal[K | a] * marginal[K | b])
    return bool(np.all(np.abs(difference) <= tolerance * terms + ROUNDING * marginal[K] ** 2))


def _point(symbols: Iterable[sp.Symbol]) -> dict[sp.Symbol, sp.Rational]:
    """A number for each symbol, small and unlikely to be the zero of anything."""
    return {symbol: sp.Rational(1, sp.prime(k + 5)) for k, symbol in enumerate(sorted(symbols, key=str))}


def markov_law(
    graph: CausalGraph, conditionals: Mapping[str, tuple[Sequence[str], ArrayLike]], names: Sequence[str] | None = None
) -> Array:
    """The law of some variables in a classical causal model, by the Markov factorisation (1) of Pearl & Cavalcanti.

    conditionals : node → (its parents, P(v | parents)), the table having one axis for each parent in that order and a
    last one for the node. names : the variables whose law it is, an axis for each; by default the observed ones. The
    others are summed over. Floats or exact numbers, which may hold symbols.
    Raises ``ValueError`` if a node has no table or one with other parents than in the graph, a table has a shape that
    does not fit, or a row does not sum to one.

    >>> kinds = {"Λ": NodeKind.LATENT, "A": NodeKind.OBSERVED, "B": NodeKind.OBSERVED}
    >>> pair = CausalGraph(kinds, [("Λ", "A"), ("Λ", "B")])
    >>> copy = np.eye(2)
    >>> markov_law(pair, {"Λ": ((), [0.25, 0.75]), "A": (["Λ"], copy), "B": (["Λ"], copy)}).tolist()
    [[0.25, 0.0], [0.0, 0.75]]
    """
    if names is not None:
        names = distinct(names, "names")
    require(CausalGraph, graph=graph)
    require(Mapping, conditionals=conditionals)
    names = graph.of_kind(NodeKind.OBSERVED) if names is None else tuple(names)
    for name in (*names, *conditionals):
        graph.require(name)
    tables = {node: _conditional(graph, node, conditionals) for node in graph.kinds}
    sizes = {node: table.shape[-1] for node, (_, table) in tables.items()}
    axis = {node: k for k, node in enumerate(graph.kinds)}
    operands: list[Any] = []
    for node, (parents, table) in tables.items():
        if table.shape[:-1] != tuple(sizes[parent] for parent in parents):
            expected = ", ".join(f"{sizes[parent]} for {parent}" for parent in parents)
            raise ValueError(f"{node}: its table has shape {table.shape}; its parents have {expected} values")
        operands += [table, [axis[parent] for parent in parents] + [axis[node]]]
    return np.asarray(np.einsum(*operands, [axis[name] for name in names]))


def _conditional(
    graph: CausalGraph, node: str, conditionals: Mapping[str, tuple[Sequence[str], ArrayLike]]
) -> tuple[tuple[str, ...], Array]:
    if node not in conditionals:
        raise ValueError(f"{node}: there is no table for it; each of {', '.join(graph.kinds)} needs one")
    entry = several(conditionals[node], f"conditionals of {node}")
    if len(entry) != 2:
        raise ValueError(f"conditionals of {node}: {show(entry)} should be its parents and a table")
    parents, table = distinct(entry[0], f"parents of {node}"), numbers(entry[1], f"table of {node}")
    if sorted(parents) != sorted(graph.parents(node)):
        raise ValueError(
            f"{node}: its table is for the parents {list(parents)}, the graph has {sorted(graph.parents(node))}"
        )
    if table.ndim != len(parents) + 1 or table.size == 0:
        raise ValueError(
            f"{node}: its table has shape {table.shape}; it needs one axis for each parent and one for itself"
        )
    for index in np.ndindex(table.shape[:-1]):
        _require_law(table[index], (node,))
    return parents, table


# --- graphs ----------------------------------------------------------------------------------------------------------


def separations(graph: CausalGraph, names: Sequence[str] | None = None) -> SemiGraphoid:
    """All d-separations among the observed variables of a graph, or among the named nodes.

    Raises ``ValueError`` for a name that is not a node.

    >>> chain = CausalGraph({v: NodeKind.OBSERVED for v in "ABC"}, [("A", "B"), ("B", "C")])
    >>> [str(statement) for statement in separations(chain).statements()]
    ['A ⊥ C | B']
    """
    if names is not None:
        names = distinct(names, "names")
    require(CausalGraph, graph=graph)
    names = _variables(graph.of_kind(NodeKind.OBSERVED) if names is None else names)
    for name in names:
        graph.require(name)
    elementary = (Independence(*triple) for triple in d_separations(graph, names, sets=False))
    return SemiGraphoid.generated(names, elementary)


# --- the difference --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faithfulness:
    """What a law has and what a graph explains, side by side.

    of_law : the independences of the law. of_graph : the d-separations of the graph, among the same variables.
    """

    of_law: SemiGraphoid
    of_graph: SemiGraphoid

    @cached_property
    def fine_tuned(self) -> list[Independence]:
        """All independences of the law that are no d-separations."""
        return [statement for statement in self.of_law.statements() if statement not in self.of_graph]

    @cached_property
    def violated(self) -> list[Independence]:
        """All d-separations that the law lacks."""
        return [statement for statement in self.of_graph.statements() if statement not in self.of_law]

    @cached_property
    def fine_tuned_generators(self) -> list[Independence]:
        """Few fine-tuned independences, from which with the d-separations all others follow.

        Raises ``ValueError`` if the law is not compatible with the graph.
        """
        if self.violated:
            raise ValueError(f"the law lacks the d-separation {self.violated[0]}; it is not compatible with the graph")
        return self.of_law.generators(self.of_graph)

    @property
    def is_faithful(self) -> bool:
        """Whether every independence of the law is a d-separation: Def. 5 of Pearl & Cavalcanti (2019)."""
        return not self.fine_tuned

    @property
    def is_markov(self) -> bool:
        """Whether every d-separation is an independence of the law."""
        return not self.violated


def faithfulness(
    graph: CausalGraph, law: ArrayLike, names: Sequence[str] | None = None, tolerance: float = CONDITIONAL_TOLERANCE
) -> Faithfulness:
    """Compare the independences of a law with the d-separations of a graph.

    law : an axis for each name; by default the observed nodes of the graph, in the order in which they were given.
    Raises what `independences` and `separations` raise.

    >>> graph = CausalGraph({v: NodeKind.OBSERVED for v in "ABC"}, [("A", "C"), ("B", "C")])
    >>> law = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]]) / 4
    >>> [str(statement) for statement in faithfulness(graph, law).fine_tuned]
    ['A ⊥ C', 'B ⊥ C']
    """
    law = numbers(law, "law")
    if names is not None:
        names = distinct(names, "names")
    real_number(tolerance, "tolerance")
    require(CausalGraph, graph=graph)
    of_graph = separations(graph, names)
    return Faithfulness(independences(law, of_graph.names, tolerance), of_graph)
