"""The notation of Pearl and Cavalcanti."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations, product
from typing import Any

import numpy as np
import sympy as sp

from compendium.claims.bound_indices import binder, index, lifted
from compendium.claims.printed import ForAll
from compendium.claims.set_formulas import Law, Reading
from qlib.correlations import Phenomenon
from qlib.graphs import CausalGraph, d_separated, subsets
from qlib.numbers import exact, is_zero
from qlib.numbers.arguments import Array

SETS = "ABCDEWXYZ"  # sets of variables; with an index, one variable of the set, or those with indices in a set

TEX: dict[str, str] = {
    **{name: rf"\mathbf{{{name}}}" for name in SETS},
    **{f"{name}(_)": rf"\mathbf{{{{{name}}}}}_{{{{{{0}}}}}}" for name in SETS},
    **{f"{name}({index})": f"{name}_{{{{{{0}}}}}}" for name in SETS for index in "ijk"},
    "g": r"\gamma",
    "rest": r"\setminus i",
    "compl(_)": r"\setminus {0}",
    "C_upto(_)": r"\{{C_1, C_2, \dots, C_{{{0}}}\}}",
    "union(_, _)": "{0}{1}",
    "union(_, _, _)": "{0}{1}{2}",
    "setminus(_, _)": r"{0} \setminus {1}",
    "subsets(_)": r"\{{\mathbf{{S}} : \mathbf{{S}} \subseteq {0}\}}",
    "given(_, _)": "{0}{1}",
    "given(_, _, _)": "{0}{1}{2}",
    "Pa(_)": r"\mathrm{{Pa}}({0})",
    "Nd(_)": r"\mathrm{{Nd}}({0})",
    "max_over(c, _)": r"\max_{{c \in \mathcal{{C}}}} {1}",
    "indep(_, _)": r"({0} \indep {1})",
    "indep(_, _, _)": r"({0} \indep {1} \mid {2})",
    "dsep(_, _)": r"({0} \indep {1})_d",
    "dsep(_, _, _)": r"({0} \indep {1} \mid {2})_d",
}

# ── positions in a context: scenarios and Definitions 1 to 3 ────────────────────────────────────────────────────────

POSITIONS = (1, 2, 3)  # of three parties
EVERY = tuple((name, i) for name in "AX" for i in POSITIONS)
SUBSETS = tuple(g for size in range(4) for g in combinations(POSITIONS, size))
Variable = tuple[str, int]


class Variables(sp.Symbol):  # type: ignore[misc]
    """The outcomes A or the settings X of three positions; called with a set of positions, those of it.

    >>> Variables("A")((1, 3))
    (('A', 1), ('A', 3))
    """

    def __call__(self, positions: Iterable[int]) -> tuple[Variable, ...]:
        """The variables at some positions."""
        return tuple((self.name, i) for i in positions)


def indicator(chosen: Iterable[Variable]) -> sp.Matrix:
    """A set of variables as a column of zeros and ones, by which formulas compare sets."""
    members = set(chosen)
    return sp.Matrix([int(variable in members) for variable in EVERY])


def rest(name: str) -> ForAll:
    """The variables of a name, A or X, whose position is not in γ, for every γ."""
    return ForAll(lambda g: indicator((name, i) for i in POSITIONS if i not in g), {"g": SUBSETS})


PAIRS: dict[str, Any] = {  # names of sets of variables, and of the number of pairs {A_i, X_i}
    "A": Variables("A"),
    "X": Variables("X"),
    "compl": lambda g: tuple(i for i in POSITIONS if i not in g),
    "setminus": lambda whole, part: indicator({v for v in EVERY if v[0] == whole.name} - set(part)),
    "subsets": indicator,
    "card": lambda contexts: sp.Matrix([len(context) for context in contexts]),
    "max_over": lambda contexts, sizes: max(sizes),
}


def named(variables: Iterable[Variable]) -> list[str]:
    """The variables of a formula by their names in a law."""
    return [f"{name}{i}" for name, i in variables]


@dataclass(frozen=True, eq=False)
class ThreeParties:
    """A phenomenon of three parties with bits, all its contexts equally probable: what Definition 2 is about.

    >>> from qlib.correlations import scenarios, white_noise
    >>> noise = ThreeParties(white_noise(scenarios.bell_scenario(2, 2, 2)))
    >>> A, X = Variables("A"), Variables("X")
    >>> noise.given_own(A((1,)), X((1,))) == noise.given_all((1,))
    True
    """

    phenomenon: Phenomenon

    @cached_property
    def law(self) -> Law:
        """The law of A1, A2, A3, X1, X2, X3."""
        table = exact(self.phenomenon.table).reshape((2,) * 6) / 8  # settings, then outcomes
        return Law(np.moveaxis(table, (0, 1, 2), (3, 4, 5)), named(EVERY))

    def given_all(self, g: Sequence[int]) -> sp.Matrix:
        """P(A_γ | X), a row for every context, from the table."""
        contexts = enumerate(self.phenomenon.scenario.contexts)
        rows = [np.ravel(self.phenomenon.marginal(c, [names[i - 1] for i in g])) for c, names in contexts]
        return sp.Matrix(exact(np.array(rows)).tolist())

    def given_own(self, outcomes: Sequence[Variable], settings: Sequence[Variable]) -> sp.Matrix:
        """P(A_γ | X_γ), a row for every context, from the law."""
        found, chosen = named(outcomes), named(settings)
        events = [dict(zip(found, a, strict=True)) for a in product((0, 1), repeat=len(found))]
        contexts = [dict(zip(("X1", "X2", "X3"), x, strict=True)) for x in product((0, 1), repeat=3)]
        own = [{name: context[name] for name in chosen} for context in contexts]
        return sp.Matrix([[self.law.conditional(event, given) for event in events] for given in own])

    def agrees(self, g: Sequence[int]) -> bool:
        """Whether P(A_γ | X) = P(A_γ | X_γ)."""
        return bool(self.given_all(g) == self.given_own(PAIRS["A"](g), PAIRS["X"](g)))

    def independent(self, *sets: Iterable[Variable]) -> bool:
        """Whether the first of three sets is independent of the second given the third; of no variables it is."""
        xs, ys, given = map(named, sets)
        return not xs or not ys or is_independent(self.law, xs, ys, given)


def no_disturbance_names(of: ThreeParties, tested: Sequence[ThreeParties]) -> dict[str, Any]:
    """The names of Definition 2: ``P`` of one phenomenon, ``indep`` a column with an entry for each of several."""
    return PAIRS | {
        "given": lambda settings: {"given": settings},
        "P": lambda outcomes, condition: of.given_own(outcomes, condition["given"]),
        "indep": lambda *sets: sp.Matrix([int(phenomenon.independent(*sets)) for phenomenon in tested]),
    }


def marginal_names(joint: Array) -> dict[str, Any]:
    """The names of Definition 1 at values A and X, pairs of bits: P(A, X, Λ) and sums over Λ, the last axis.

    >>> from compendium.claims.printed import parse
    >>> names = marginal_names(np.arange(48).reshape(2, 2, 2, 2, 3))
    >>> parse("sum_over(Lam, P(A, X, Lam))", names | {"A": (0, 0), "X": (0, 1)})
    12
    """
    add = binder(operator.add, 0)
    return {
        "P": lifted(lambda a, x, latent: joint[(*a, *x, latent)]),
        "Lam": index("Lam"),
        "sum_over": lambda latent, body: add(body, (latent, 0, joint.shape[-1] - 1)),
    }


def two_parties(law: Law, targets: str, conditions: str) -> ForAll:
    """P(targets | conditions), both letters of A and X, with the meaning of Definition 3 at all values.

    law : of A_1, A_2, X_1, X_2 and L, which formulas call Lam and sum over.
    """
    pairs = {letter: {i: {f"{letter}_{i}"} for i in (1, 2)} for letter in "AX"}
    read = Reading({**pairs, "Lam": {0: {"L"}}})
    seen = [name for name in law.names if name != "L"]
    at = [dict(zip(seen, v, strict=True)) for v in product((0, 1), repeat=len(seen))]

    def value(values: Mapping[str, int]) -> Any:
        events = ({v: values[v] for v in seen if v[0] in letters} for letters in (targets, conditions))
        return law.conditional(*events)

    return for_cases([(values,) for values in at], value, lambda v: read.probability(law, v, {"i": (1, 2)}, ["Lam"]))


# ── statements about sets of variables: causal models and the proof of Theorem 1 ────────────────────────────────────


def said(xs: Iterable[object], ys: Iterable[object], given: Iterable[object] = ()) -> sp.Symbol:
    """What a statement about three sets of variables says, as one symbol.

    >>> said({"B", "A"}, {"C"}, {"D"}), said((), {"C"})
    ((A, B ⊥ C | D), (∅ ⊥ C))
    """
    first, second, third = (", ".join(sorted(map(str, part))) for part in (xs, ys, given))
    return sp.Symbol(f"({first or '∅'} ⊥ {second or '∅'}{f' | {third}' if third else ''})")


def stated(read: Reading, count: Callable[..., int]) -> Callable[..., Any]:
    """What a relation in a formula stands for: in how many cases it holds, times what it says.

    So a statement that holds everywhere is not taken for another one that does.

    >>> dsep = stated(Reading({"A": {0: "a"}, "B": {0: "b"}}), lambda xs, ys, given: 7)
    >>> A, B = sp.symbols("A B")
    >>> dsep(A, B) == 7 * said("a", "b", ""), dsep(A, B) == dsep(B, A)
    (True, False)
    """
    return read.meaning(lambda *sets: count(*sets) * said(*sets))


def is_independent(law: Law, xs: Iterable[str], ys: Iterable[str], given: Iterable[str] = ()) -> bool:
    """Whether P(x, y, z) P(z) = P(x, z) P(y, z) for all values: an exact test, also of a law with free symbols."""
    parts = [sorted(part) for part in (xs, ys, given)]
    sizes = [range(law.size(name)) for part in parts for name in part]
    for values in product(*sizes):
        rest = iter(values)
        x, y, z = ({name: next(rest) for name in part} for part in parts)
        joint = law.marginal({**x, **y, **z}) * law.marginal(z)
        if sp.expand(joint - law.marginal({**x, **z}) * law.marginal({**y, **z})) != 0:
            return False
    return True


def is_independent_by_division(law: Law, xs: Iterable[str], ys: Iterable[str], given: Iterable[str] = ()) -> bool:
    """Whether P(x, y | z) = P(x | z) P(y | z) wherever P(z) > 0: another route to `is_independent`."""
    for values in product(*(range(law.size(name)) for name in law.names)):
        event = dict(zip(law.names, values, strict=True))
        x, y, z = ({name: event[name] for name in part} for part in (xs, ys, given))
        if not is_zero(law.conditional({**x, **y}, z) - law.conditional(x, z) * law.conditional(y, z)):
            return False
    return True


@dataclass(frozen=True)
class ThreeSets:
    """Statements about three sets C, D and E of variables, each given by a number whose bits choose: Definition 5.

    >>> apart = ThreeSets("AB").everywhere(lambda xs, ys, given: xs == {"A"})
    >>> [apart.value(C=C, D=D, E=0) for C, D in ((1, 2), (2, 1), (1, 1))]
    [1, 0, -1]
    """

    variables: str

    def number(self, holds: Callable[..., object], C: int, D: int, E: int) -> sp.Integer:
        """Whether a statement holds, 1 or 0, or −1 where it is none: the sets are to be disjoint, C and D not empty."""
        sets = [{v for k, v in enumerate(self.variables) if int(n) >> k & 1} for n in (C, D, E)]
        is_statement = sets[0] and sets[1] and not any(p & q for p, q in combinations(sets, 2))
        return sp.Integer(bool(holds(*sets)) if is_statement else -1)

    def everywhere(self, holds: Callable[..., object]) -> ForAll:
        """The same for all sets, to be compared with a printed formula."""
        return ForAll(partial(self.number, holds), dict.fromkeys("CDE", range(len(list(subsets(self.variables))))))

    def names(self, graph: CausalGraph, law: Law) -> dict[str, Any]:
        """``dsep(C, D, E)`` in a graph, ``indep(C, D, E)`` in a law."""
        return {
            "dsep": partial(self.number, partial(d_separated, graph)),
            "indep": partial(self.number, partial(is_independent_by_division, law)),
        }


def statement_names(
    graph: CausalGraph, law: Law, xs: Iterable[str], ys: Iterable[str], given: Iterable[str]
) -> dict[str, Any]:
    """``dsep(X, Y, Z)`` in a graph and ``indep(X, Y, Z)`` in a law, 1 or 0, for three sets X, Y and Z."""
    read = Reading({"X": {0: xs}, "Y": {0: ys}, "Z": {0: given}})
    return {
        **read.names(),
        "dsep": read.relation(partial(d_separated, graph)),
        "indep": read.relation(partial(is_independent, law)),
    }


@dataclass(frozen=True, eq=False)
class GraphAndLaw:
    """A causal graph and a law of its nodes, compatible or not: what Eq. (1) speaks of.

    >>> fair = sp.Rational(1, 2)
    >>> copy = Law([[fair, 0], [0, fair]], ("A", "B"))
    >>> nodes = {"A": "observed", "B": "observed"}
    >>> [GraphAndLaw(CausalGraph(nodes, arrows), copy).is_markov() for arrows in ([("A", "B")], [])]
    [True, False]
    """

    graph: CausalGraph
    law: Law

    def non_descendants(self, node: str) -> frozenset[str]:
        """All nodes but the node itself, its descendants and its parents."""
        below = {v for v in self.graph.kinds if node in self.graph.ancestors(v)}
        return frozenset(self.graph.kinds) - below - {node} - self.graph.parents(node)

    def apart(self, node: str) -> frozenset[str]:
        """All nodes from which its parents d-separate a node, by the graph's own test."""
        parents = self.graph.parents(node)
        others = set(self.graph.kinds) - parents - {node}
        return frozenset(v for v in others if d_separated(self.graph, {node}, {v}, parents))

    def past(self, node: str, values: Mapping[str, int]) -> dict[str, int]:
        """The values of all nodes that are neither the node nor descendants of it."""
        return {v: values[v] for v in self.non_descendants(node) | self.graph.parents(node)}

    def is_markov(self) -> bool:
        """Whether each node is independent of its non-descendants, given its parents."""
        return all(
            is_independent(self.law, {v}, self.non_descendants(v), self.graph.parents(v)) for v in self.graph.kinds
        )

    def factorises(self) -> bool:
        """Whether the law is the product of each node's distribution given its parents."""
        axes = self.law.names
        events = [dict(zip(axes, v, strict=True)) for v in product(*(range(self.law.size(name)) for name in axes))]
        return all(self.law.marginal(event) == self._product(event) for event in events)

    def _product(self, event: Mapping[str, int]) -> Any:
        factors = ({v: event[v]} for v in self.graph.kinds)
        return sp.prod(
            self.law.conditional(own, {p: event[p] for v in own for p in self.graph.parents(v)}) for own in factors
        )

    def names(self, values: Mapping[str, int], node: str | None = None) -> dict[str, Any]:
        """The names of Eq. (1) at values of the variables: X(1), X(2), …, or with a node X for that one alone."""
        family = {0: node} if node else dict(enumerate(self.law.names, 1))
        maps = {"Pa": lambda of: self.graph.parents(*of), "Nd": lambda of: self.non_descendants(*of)}
        read = Reading({"X": family}, maps=maps)
        indep = stated(read, lambda *sets: int(is_independent(self.law, *sets)))
        return {**read.probability(self.law, values, {"j": family}), "indep": indep}


Triple = tuple[Any, Any, Any]
GRAPHOID: Mapping[str, Callable[..., tuple[list[Triple], Triple]]] = {
    "pc:eq2": lambda X, Y, W, Z: ([(X, Y, Z)], (Y, X, Z)),
    "pc:eq3": lambda X, Y, W, Z: ([(X, Y | W, Z)], (X, Y, Z)),
    "pc:eq4": lambda X, Y, W, Z: ([(X, Y | W, Z)], (X, Y, Z | W)),
    "pc:eq5": lambda X, Y, W, Z: ([(X, Y, Z), (X, W, Z | Y)], (X, Y | W, Z)),
    "pc:eq6": lambda X, Y, W, Z: ([(X, W, Z | Y), (X, Y, Z | W)], (X, Y | W, Z)),
}
"""The graphoid axioms (2) to (6): sets X, Y, W, Z → premises and conclusion, each (X, Y, Z) for (X ⊥ Y | Z)."""


def axiom_names(variables: Iterable[str], count: Callable[..., int]) -> dict[str, Any]:
    """The names of the axioms: sets of one variable each, and ``indep``, which a law may have or not.

    count : of three sets, in how many laws the first is independent of the second given the third.
    """
    read = Reading({name: {0: {name}} for name in variables})
    return {**read.names(), "indep": stated(read, count)}


def axiom_statements(premises: Sequence[Triple], conclusion: Triple, count: Callable[..., int]) -> dict[str, sp.Expr]:
    """What an axiom that was derived says, by the labels of the printed ones: premises and conclusion, with counts.

    >>> axiom_statements(*GRAPHOID["pc:eq3"](*map(frozenset, "XYWZ")), lambda xs, ys, zs: len(ys))
    {'premise': 2*(X ⊥ W, Y | Z), 'conclusion': (X ⊥ Y | Z)}
    """
    labels = ["premise"] if len(premises) == 1 else [f"premise {k}" for k in range(1, len(premises) + 1)]
    statements = dict(zip([*labels, "conclusion"], [*premises, conclusion], strict=True))
    return {label: count(*sets) * said(*sets) for label, sets in statements.items()}


def for_cases(
    cases: Sequence[Any], value: Callable[..., object], names: Callable[..., Mapping[str, object]] = lambda *case: {}
) -> ForAll:
    """A derived value for every case, each a tuple of arguments of `value` and of `names`.

    >>> squares = for_cases([(1, 2), (3, 4)], lambda a, b: (a + b) ** 2, lambda a, b: {"A": a, "B": b})
    >>> [squares.value(**at) for at in squares.assignments()]
    [9, 49]
    """
    return ForAll(lambda case: value(*cases[case]), {"case": range(len(cases))}, names=lambda case: names(*cases[case]))


def markov_forms(models: Iterable[GraphAndLaw]) -> dict[str, ForAll]:
    """The three lines of Eq. (1), from the laws and from d-separation in the graphs, for every node and all its values.

    A conditional probability is asked for where its condition is possible.
    """
    at = [(m, dict(zip(m.law.names, v, strict=True))) for m in models for v in product(*map(range, m.law.array.shape))]
    single = [(m, values, node) for m, values in at for node in m.law.names]
    possible = [(m, values, node) for m, values, node in single if m.law.marginal(m.past(node, values)) != 0]
    return {
        "P(X1,...,Xn)": for_cases(at, lambda m, values: m.law.marginal(values), GraphAndLaw.names),
        "Markov condition": for_cases(
            [case for case in single if not any(case[1].values())],  # once for each node
            lambda m, _, node: said({node}, m.apart(node), m.graph.parents(node)),
            GraphAndLaw.names,
        ),
        "P(X|Nd(X),Pa(X))": for_cases(
            possible,
            lambda m, values, node: m.law.conditional({node: values[node]}, m.past(node, values)),
            GraphAndLaw.names,
        ),
    }


def about_graphs_and_laws(cases: Sequence[tuple[GraphAndLaw, Triple]], holds: Sequence[bool]) -> ForAll:
    """Whether a statement (X, Y, Z) was found to hold of a graph and a law; as ``dsep`` or as ``indep`` of X, Y, Z."""
    return for_cases(
        list(zip(cases, holds, strict=True)),
        lambda case, found: int(found),
        lambda case, found: statement_names(case[0].graph, case[0].law, *case[1]),
    )


SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
Nodes = frozenset[int]
Count = Callable[[int, Nodes, Nodes, Nodes], int]


@dataclass(frozen=True, eq=False)
class ProofSets:
    """What the symbols of the proof of Theorem 1 stand for, in every group of structures with the same B and C at once.

    sets : for each group A, X, B, C, Y, Z, Lam and Omega → nodes, the outcomes 0, …, n−1, then the settings, then the
    latents. ``C(i)`` is empty in a group in which outcome i is in B.
    A *count* says in how many cases of group k a statement about three sets of nodes holds.

    >>> sets = {"A": {0, 1}, "X": {2, 3}, "B": {1}, "C": {0}, "Y": {3}, "Z": {2}, "Lam": {4}, "Omega": {5}}
    >>> proof = ProofSets(2, [{name: frozenset(nodes) for name, nodes in sets.items()}])
    >>> C, Z, given = (proof.names()[name] for name in ("C", "Z", "union"))
    >>> proof.holding(lambda k, xs, ys, zs: len(xs | zs), C(sp.Integer(1)), Z)
    1
    """

    parties: int
    sets: Sequence[Mapping[str, Nodes]]

    @cached_property
    def readings(self) -> list[Reading]:
        """The sets of each group, with their nodes as texts."""
        return [self._reading(sets) for sets in self.sets]

    def _reading(self, sets: Mapping[str, Nodes]) -> Reading:
        first = {**dict.fromkeys("ABC", 0), **dict.fromkeys("XYZ", self.parties)}
        families: dict[str, dict[int, set[str]]] = {
            name: {i + 1: set(map(str, {start + i} & sets[name])) for i in range(self.parties)}
            for name, start in first.items()
        }
        return Reading({**families, **{name: {0: set(map(str, sets[name]))} for name in ("Lam", "Omega")}})

    def names(self, **counts: Count) -> dict[str, Any]:
        """The names of the sets, and of the relations of formulas, ``dsep`` or ``indep``, one for each count."""
        return {**self.readings[0].names(), **{name: partial(self.stated, count) for name, count in counts.items()}}

    def holding(self, count: Count, *arguments: Any) -> int:
        """In how many cases a statement of a formula holds."""

        def holds(k: int, *sets: Iterable[str]) -> int:
            return count(k, *(frozenset(map(int, part)) for part in sets))

        return sum(int(read.relation(partial(holds, k))(*arguments)) for k, read in enumerate(self.readings))

    def counted(self, count: Count, rule: Callable[..., Iterable[Nodes]], *party: int) -> int:
        """In how many cases holds what a rule derives."""
        return sum(count(k, *rule(sets, *party)) for k, sets in enumerate(self.sets))

    def stated(self, count: Count, *arguments: Any) -> sp.Expr:
        """In how many cases a statement of a formula holds, times what it says in each group."""
        sets = [read.meaning(self._said)(*arguments) for read in self.readings]
        return self.holding(count, *arguments) * sp.Symbol(str(sets))

    def derived(self, number: int, rule: Callable[..., Iterable[Nodes]], *party: int) -> sp.Expr:
        """The same of the statement that a rule derives from the sets of each group, held in a number of cases."""
        return number * sp.Symbol(str([self._said(*rule(sets, *party)) for sets in self.sets]))

    def _said(self, *sets: Iterable[int | str]) -> sp.Symbol:
        """What a statement says, of nodes by their names."""
        return said(*(map(self._name, map(int, part)) for part in sets))

    def _name(self, node: int) -> str:
        sort = min(node // self.parties, 2)
        letter = "AXΛ"[sort] if all(node not in sets["Omega"] for sets in self.sets) else "Ω"
        return letter + str(node - sort * self.parties + 1).translate(SUBSCRIPTS)

    def for_every_party(self, number: int, rule: Callable[..., Iterable[Nodes]]) -> ForAll:
        """What a rule derives about each party i."""
        return ForAll(lambda i: self.derived(number, rule, i), {"i": range(1, self.parties + 1)})

    def union(self, name: str) -> ForAll:
        """A set of nodes, A or X, in every group, to be compared with a union of the names B, C, Y, Z."""

        def number(*nodes: Nodes) -> int:
            return sum(1 << v for v in frozenset().union(*nodes))

        def names(k: int) -> dict[str, Any]:
            return {"union": lambda *parts: number(*(self.sets[k][str(part)] for part in parts))}

        return ForAll(lambda k: number(self.sets[k][name]), {"k": range(len(self.sets))}, names=names)


def _mixture(indices: Sequence[int]) -> Reading:
    """The sets of Eqs. (16) to (22) with as many members of B and of C as there are indices."""
    singles = {letter: {j: {f"{letter}_{j}"} for j in indices} for letter in "BCYZ"}
    pairs = {A: {j: {f"{B}_{j}", f"{C}_{j}"} for j in indices} for A, B, C in ("ABC", "XYZ")}
    upto = {"C_upto": lambda chosen: {f"C_{i}" for i in range(1, max(chosen) + 1)}}
    return Reading({**pairs, **singles, "Lam": {0: {"L"}}, "Omega": {0: {"O"}}}, indexed=upto)


@dataclass(frozen=True, eq=False)
class Mixture:
    """A law of Λ, Ω, members of B and C and their settings Y and Z: what Eqs. (16) to (22) are read in.

    Its variables are L, O, B_1, C_1, Y_1, Z_1 and so on, some of which may be missing.

    >>> copies = Law([[sp.Rational(1, 3), 0], [0, sp.Rational(2, 3)]], ("L", "C_1"))
    >>> Mixture(copies).probability("C", "L", {"L": 1, "C_1": 1})
    1
    """

    law: Law
    members: Sequence[int] = (1,)

    def assignments(self, hidden: str = "LO") -> list[dict[str, int]]:
        """All values of the variables that are not hidden, by name."""
        seen = [name for name in self.law.names if name not in hidden]
        return [dict(zip(seen, v, strict=True)) for v in product((0, 1), repeat=len(seen))]

    def probability(self, targets: str, conditions: str, values: Mapping[str, int]) -> Any:
        """P(targets | conditions) at some values; both are the letters of sets, as BC and YZL."""
        parts = ({v: values[v] for v in self.law.names if v[0] in letters} for letters in (targets, conditions))
        return self.law.conditional(*parts)

    def names(self, values: Mapping[str, int]) -> dict[str, Any]:
        """The names of the equations at some values; sums run over those of L and O that have none."""
        latents = {"Lam": "L", "Omega": "O"}
        summed = [name for name, variable in latents.items() if variable not in values]
        ranges = dict.fromkeys("jk", self.members)
        return _mixture(self.members).probability(self.law, values, ranges, summed)

    def formula(self, targets: str, conditions: str, at: Sequence[Mapping[str, int]]) -> ForAll:
        """P(targets | conditions) at each of some values, to be compared with a printed formula."""
        return for_cases([(values,) for values in at], lambda v: self.probability(targets, conditions, v), self.names)
