"""What a classical causal model fine-tunes, and what betrays it: Definition 5 of Pearl & Cavalcanti (2019) at work.

A classical causal model is a causal graph with a table P(v | parents) for every node. Five of them reproduce the
correlations of a Bell experiment (`five_models`); each needs an arrow that the quantum explanation does without, and
hides what the arrow carries. What is hidden shows as soon as the tables are mixed with others: as a signal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from qlib.correlations.scenarios import Phenomenon
from qlib.graphs import enumeration
from qlib.graphs.graphs import CausalGraph, Edge, NodeKind, d_separated, disjoint_triples
from qlib.graphs.independence import Faithfulness, Independence, SemiGraphoid, faithfulness, markov_law
from qlib.numbers.arguments import distinct, numbers, one_of, real_number, reals, require, several, show, table, whole
from qlib.numbers.exact_arrays import Array, as_float, exact, is_exact, number, vanishes

Tables = Mapping[str, tuple[Sequence[str], Array]]  # node → its parents, P(node | parents) with its own axis last
Rule = Callable[..., Any]
BITS = (0, 1)
PAIRS = tuple(product(BITS, repeat=2))
BELL = ("X", "Y", "A", "B")
PLACES = {"Λ": (1, 2), "A": (0, 1.1), "B": (2, 1.1), "X": (0, 0), "Y": (2, 0)}
COMMON: tuple[Edge, ...] = (("Λ", "A"), ("Λ", "B"), ("X", "A"), ("Y", "B"))
MORE: dict[str, tuple[Edge, ...]] = {  # which arrows each classical explanation adds
    "setting sent": (("X", "B"),),
    "outcome sent": (("A", "B"),),
    "one setting not free": (("Λ", "X"),),
    "settings reach back": (("X", "Λ"),),
    "no setting free": (("Λ", "X"), ("Λ", "Y")),
}
HALF, TENTH, TSIRELSON = sp.Rational(1, 2), sp.Rational(1, 10), 2 * sp.sqrt(2)
EXPANDED = np.frompyfunc(sp.expand, 1, 1)


@dataclass(frozen=True, eq=False)
class ClassicalModel:
    """A causal graph with a table for each node; tables are floats or exact, and may hold symbols.

    Raises ``ValueError`` for tables that do not fit the graph, as :func:`qlib.graphs.markov_law` does.

    >>> copy = ClassicalModel(causal_graph("AB", ("A", "B")), {"A": ((), [0.5, 0.5]), "B": (("A",), np.eye(2))})
    >>> copy.law.tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """

    graph: CausalGraph
    tables: Tables

    def __post_init__(self) -> None:
        markov_law(self.graph, self.tables)

    @property
    def observed(self) -> tuple[str, ...]:
        """The variables of the law, in the order of its axes."""
        return self.graph.of_kind(NodeKind.OBSERVED)

    @cached_property
    def law(self) -> Array:
        """The law of the observed variables, by the Markov factorisation (1)."""
        found = markov_law(self.graph, self.tables)
        return np.asarray(EXPANDED(found)) if is_exact(found) else found

    @cached_property
    def faithfulness(self) -> Faithfulness:
        """The independences of the law beside the d-separations of the graph."""
        return faithfulness(self.graph, self.law)

    def mixed(self, amount: Any, others: Tables) -> ClassicalModel:
        """The model in which every mechanism does something else with a probability: (1 − amount) P + amount R.

        others : the tables R, with the same parents in the same order. Nodes without one keep theirs.

        >>> coin = ClassicalModel(causal_graph("A"), {"A": ((), exact([1, 0]))})
        >>> coin.mixed(sp.Symbol("t"), {"A": ((), exact([0, 1]))}).law
        array([1 - t, t], dtype=object)
        """
        table(others, "others", self.tables)
        amount = amount if isinstance(amount, sp.Symbol) else real_number(amount, "amount", 0, 1)
        mixed = {v: (self.tables[v][0], (1 - amount) * self.tables[v][1] + amount * R) for v, (_, R) in others.items()}
        return ClassicalModel(self.graph, {**self.tables, **mixed})


def causal_graph(observed: Sequence[str], *edges: Edge, hidden: Sequence[str] = ()) -> CausalGraph:
    """A causal graph with classical latents.

    >>> sorted(causal_graph("AB", ("L", "A"), ("L", "B"), hidden="L").parents("A"))
    ['L']
    """
    observed, hidden = distinct(observed, "observed"), distinct(hidden, "hidden")
    kinds = dict.fromkeys(observed, NodeKind.OBSERVED) | dict.fromkeys(hidden, NodeKind.LATENT)
    return CausalGraph(kinds, edges)


def tables_of(rules: Mapping[str, tuple[Sequence[str], Rule]]) -> Tables:
    """Exact tables of nodes that take the values 0 and 1, from rules.

    rules : node → its parents, and a function of their values that gives the chance of 1.

    >>> tables_of({"B": (("A",), lambda a: sp.Rational(1 + a, 4))})["B"][1]
    array([[3/4, 1/4],
           [1/2, 1/2]], dtype=object)
    """
    for node, rule in table(rules, "rules").items():
        if len(several(rule, f"rule of {node}")) != 2:
            raise ValueError(f"rule of {node}: {show(rule)} should be its parents and a function of their values")
    return _tables({}, rules)


def _tables(values: Mapping[str, Sequence[Any]], rules: Mapping[str, tuple[Sequence[str], Rule]]) -> Tables:
    """Tables of nodes with the given values, else 0 and 1; a rule may also give a list, the chances of all values."""
    found = {}
    for node, (parents, rule) in rules.items():
        domains = [values.get(parent, BITS) for parent in parents]
        rows = [rule(*at) for at in product(*domains)]
        chances = exact([row if isinstance(row, list) else [1 - row, row] for row in rows])
        found[node] = (tuple(parents), chances.reshape(*map(len, domains), -1))
    return found


def random_tables(parents: Mapping[str, Iterable[str]], rng: np.random.Generator, largest: int = 20) -> Tables:
    """Exact tables for nodes of two values, with chances drawn at random: n/(n + m), n and m from 1 to `largest`.

    parents : node → its parents, in the order of the table's axes.
    """
    table(parents, "parents")
    require(np.random.Generator, rng=rng)
    whole(largest, "largest", 1)

    def rule(*values: int) -> sp.Rational:
        n, m = rng.integers(1, largest + 1, 2).tolist()
        return sp.Rational(n, n + m)

    return tables_of({node: (distinct(names, f"parents of {node}"), rule) for node, names in parents.items()})


def random_model(graph: CausalGraph, rng: np.random.Generator) -> ClassicalModel:
    """A model with random exact tables on a graph whose nodes have two values each."""
    require(CausalGraph, graph=graph)
    return ClassicalModel(graph, random_tables({v: sorted(graph.parents(v)) for v in graph.kinds}, rng))


# ── Definition 5 ────────────────────────────────────────────────────────────────────────────────────────────────────


def is_as_defined(model: ClassicalModel, independent: Callable[..., object]) -> bool:
    """Whether the model is found faithful exactly if each independence, of any sets, is a d-separation.

    independent : says of three sets of observed variables whether the law makes the first two independent given the
    third: another route than the model's own.
    """
    require(ClassicalModel, model=model)
    require(Callable, independent=independent)
    every = disjoint_triples(model.observed)
    explained = all(d_separated(model.graph, *sets) for sets in every if independent(*sets))
    return model.faithfulness.is_faithful is explained


def comes_apart(model: ClassicalModel, rng: np.random.Generator, amount: Any = TENTH) -> bool:
    """Whether a random change of all tables keeps every d-separation of a model, and nothing that it fine-tunes."""
    require(ClassicalModel, model=model)
    others = random_tables({v: parents for v, (parents, _) in model.tables.items()}, rng)
    before, after = model.faithfulness, model.mixed(amount, others).faithfulness.of_law
    return before.of_graph <= after and not any(statement in after for statement in before.fine_tuned)


def structures_that_explain(found: SemiGraphoid) -> tuple[int, int, int]:
    """How many causal structures some variables can have, how many of them have these independences, how many no more.

    Structures are acyclic, with latent common causes of pairs; what is counted are those that have all independences as
    d-separations, and those that have no other. Raises ``ValueError`` for more than four variables.

    >>> structures_that_explain(SemiGraphoid.generated("ABC", [Independence("A", "B")]))
    (200, 20, 9)
    """
    require(SemiGraphoid, found=found)
    if len(found.names) > 4:
        raise ValueError(f"found: {len(found.names)} variables have too many causal structures; take at most four")
    every = enumeration.mixed_graphs(len(found.names))
    position = {name: k for k, name in enumerate(found.names)}
    explained, compatible = np.ones((2, len(every)), dtype=bool)
    for sets in disjoint_triples(found.names):
        apart = enumeration.separated(every, *([position[v] for v in part] for part in sets))
        if Independence(*sets) in found:
            explained &= apart
        else:
            compatible &= ~apart
    return len(every), int(explained.sum()), int((explained & compatible).sum())


# ── five models of a Bell experiment ────────────────────────────────────────────────────────────────────────────────


def bell_graph(kind: NodeKind, *more: Edge) -> CausalGraph:
    """X → A ← Λ → B ← Y with a latent Λ of a kind, and more arrows.

    >>> sorted(bell_graph(NodeKind.QUANTUM).parents("B"))
    ['Y', 'Λ']
    """
    return CausalGraph(dict.fromkeys(BELL, NodeKind.OBSERVED) | {"Λ": kind}, (*COMMON, *more), positions=PLACES)


def five_models(chsh: Any = TSIRELSON) -> dict[str, ClassicalModel]:
    """Classical models of the isotropic correlations with CHSH value S, between 2 and 4 or a symbol.

    Their graphs have the arrows `MORE` in addition. Settings and outcomes are fair. In terms of s = S/4:

    * *setting sent*, *outcome sent*: Λ is a coin. A = Λ, or Λ ⊕ X; Bob's answer is right, A ⊕ B = XY, with the
      probability (1 + s)/2.
    * *one setting not free*, *settings reach back*: Λ is a guess g of X, right with probability s, and a coin c.
      B = c ⊕ gY, and A = c if g = X, else A is fair.
    * *no setting free*: Λ is both settings (x, y), the pair (u, v) of settings at which its local strategy misses
      A ⊕ B = XY, and a coin. (u, v) = (x, y) has probability (1 − s)/2; other pairs are equally likely.

    >>> five_models(4)["setting sent"].law[1, 1].tolist()
    [[0, 1/8], [1/8, 0]]
    """
    s = number(chsh if isinstance(chsh, sp.Symbol) else real_number(chsh, "chsh", 2, 4)) / 4
    domains: dict[str, Sequence[Any]] = {name: (BITS if name.endswith("sent") else PAIRS) for name in MORE}
    domains["no setting free"] = list(product(PAIRS, PAIRS, BITS))
    rules = {**_sending(s), **_guessing(s), "no setting free": _superdeterministic(s, domains["no setting free"])}
    fair: Rules = {v: ((), lambda: HALF) for v in "XY"}
    models = {}
    for name, more in MORE.items():
        own = fair | rules[name]
        tables = _tables({"Λ": domains[name]}, {node: own[node] for node in ("Λ", *BELL)})
        models[name] = ClassicalModel(bell_graph(NodeKind.LATENT, *more), tables)
    return models


Rules = dict[str, tuple[Sequence[str], Rule]]


def _sending(s: sp.Expr) -> dict[str, Rules]:
    coin = ((), lambda: HALF)

    def chance(right: int) -> sp.Expr:
        """That B = 1, if it is right that B = 1."""
        return (1 + s) / 2 if right else (1 - s) / 2

    return {
        "setting sent": {
            "Λ": coin,
            "A": (("X", "Λ"), lambda x, c: sp.Integer(c)),
            "B": (("X", "Y", "Λ"), lambda x, y, c: chance(c ^ x & y)),
        },
        "outcome sent": {
            "Λ": coin,
            "A": (("X", "Λ"), lambda x, c: sp.Integer(c ^ x)),
            "B": (("A", "Y", "Λ"), lambda a, y, c: chance(a ^ (a ^ c) & y)),
        },
    }


def _guessing(s: sp.Expr) -> dict[str, Rules]:
    answers: Rules = {
        "A": (("X", "Λ"), lambda x, hidden: sp.Integer(hidden[1]) if hidden[0] == x else HALF),
        "B": (("Y", "Λ"), lambda y, hidden: sp.Integer(hidden[1] ^ hidden[0] & y)),
    }

    def tied(g: int, x: int) -> sp.Expr:
        """The probability of the guess g, or of the setting x, given the other."""
        return s if g == x else 1 - s

    return {
        "one setting not free": {
            "Λ": ((), lambda: [HALF**2] * 4),
            "X": (("Λ",), lambda hidden: tied(hidden[0], 1)),
            **answers,
        },
        "settings reach back": {"Λ": (("X",), lambda x: [tied(g, x) / 2 for g, _ in PAIRS]), **answers},
    }


def _superdeterministic(s: sp.Expr, hidden: Sequence[Any]) -> Rules:
    wrong = (1 - s) / 2

    def weights() -> list[sp.Expr]:
        return [(wrong if missed == settings else (1 - wrong) / 3) / 8 for settings, missed, _ in hidden]

    return {
        "Λ": ((), weights),
        "X": (("Λ",), lambda at: sp.Integer(at[0][0])),
        "Y": (("Λ",), lambda at: sp.Integer(at[0][1])),
        "A": (("X", "Λ"), lambda x, at: sp.Integer(x & (1 - at[1][1]) ^ at[2])),
        "B": (("Y", "Λ"), lambda y, at: sp.Integer((y ^ (1 - at[1][1])) & (1 - at[1][0]) ^ at[2])),
    }


# ── what betrays a model ────────────────────────────────────────────────────────────────────────────────────────────


def signals(law: ArrayLike, to: str = "Bob") -> list[Any]:
    """P(B = 1 | X = 1, Y = y) − P(B = 1 | X = 0, Y = y) for y = 0 and 1, of a law of X, Y, A, B.

    to : "Alice" for P(A = 1 | X = x, Y = 1) − P(A = 1 | X = x, Y = 0) for x = 0 and 1. Settings of probability zero
    are refused.

    >>> signals(five_models()["setting sent"].law)
    [0, 0]
    """
    P = numbers(law, "law", (2, 2, 2, 2))
    one_of(to, "to", ("Alice", "Bob"))
    P = P.sum(axis=2) if to == "Bob" else P.sum(axis=3).swapaxes(0, 1)
    given = P[:, :, 1] / P.sum(axis=2)
    found = [given[1, y] - given[0, y] for y in BITS]
    return [sp.radsimp(sp.expand(value)) for value in found] if is_exact(P) else found


def responses(model: ClassicalModel) -> dict[tuple[str, tuple[int, ...]], Array]:
    """How fast the signals to Bob grow when one row of one table changes in favour of one value: D[j, y] for each row.

    For a table that becomes (1 − ε) P + ε R, both signals are ε Σ R_j D[j, y], summed over all rows, to first order.

    >>> responses(five_models()["setting sent"])["Λ", ()]
    array([[0, sqrt(2)/2],
           [0, -sqrt(2)/2]], dtype=object)
    """
    require(ClassicalModel, model=model)
    t, found = sp.Symbol("t"), {}
    for node, (parents, array) in model.tables.items():
        values = array.shape[-1]
        for row in np.ndindex(array.shape[:-1]):
            slopes = []
            for j in range(values):
                changed = array.copy()
                changed[row] = (1 - t) * array[row] + t * exact(np.eye(values, dtype=int)[j])
                law = ClassicalModel(model.graph, {**model.tables, node: (parents, changed)}).law
                slopes.append([sp.radsimp(sp.diff(signal, t).subs(t, 0)) for signal in signals(law)])
            found[node, row] = exact(slopes)
    return found


def rank_and_largest(found: Mapping[Any, Array]) -> tuple[int, Any]:
    """The rank of the responses, and the largest |signal|/ε that any R yields."""
    table(found, "found")
    every = [numbers(D, "found") for D in found.values()]
    # R puts everything, in each row, on the value that helps most
    sums = [sum(max(sign * D[:, y], key=float) for D in every) for y in BITS for sign in (1, -1)]
    return sp.Matrix(np.concatenate(every)).rank(), sp.radsimp(max(sums, key=float))


def perturbed_signals(
    model: ClassicalModel, sizes: ArrayLike, directions: int, rng: np.random.Generator, to: str = "Bob"
) -> NDArray[np.float64]:
    """The larger |signal| of a Bell model that is mixed with random others, shape (directions, sizes).

    sizes : the amounts ε of the others, whose rows are drawn from the flat Dirichlet distribution.
    """
    require(ClassicalModel, model=model)
    require(np.random.Generator, rng=rng)
    amounts = reals(sizes, "sizes", ("sizes",))
    tables = {v: as_float(array) for v, (_, array) in model.tables.items()}
    found = np.empty((whole(directions, "directions", 1), len(amounts)))
    for k in range(directions):
        other = {v: rng.dirichlet(np.ones(P.shape[-1]), size=P.shape[:-1]) for v, P in tables.items()}
        for m, e in enumerate(amounts):
            law = _contracted(model, {v: (1 - e) * P + e * other[v] for v, P in tables.items()})
            found[k, m] = max(map(abs, signals(law, to)))
    return found


def _contracted(model: ClassicalModel, arrays: Mapping[str, Array]) -> Array:
    """The Markov factorisation as one product, of tables that are known to fit."""
    axis = {v: k for k, v in enumerate(model.graph.kinds)}
    factors = [
        part
        for v, (parents, _) in model.tables.items()
        for part in (arrays[v], [axis[parent] for parent in parents] + [axis[v]])
    ]
    return np.asarray(np.einsum(*factors, [axis[v] for v in model.observed]))


# ── a scenario in which nothing need be hidden ──────────────────────────────────────────────────────────────────────

POSITIONS = ("X_1", "X_2", "A_1", "A_2")


def law_by_position(phenomenon: Phenomenon) -> Array:
    """The law of X₁, X₂, A₁, A₂ for contexts of two measurements, all equally likely; a setting is a measurement.

    >>> from qlib.correlations import scenarios
    >>> law_by_position(scenarios.pr_box())[0, 2].tolist()
    [[1/8, 0], [0, 1/8]]
    """
    require(Phenomenon, phenomenon=phenomenon)
    names = list(phenomenon.scenario.measurements)
    table = exact(phenomenon.table)
    law = exact(np.zeros((len(names), len(names), *table.shape[1:]), dtype=int))
    for (first, second), outcomes in zip(phenomenon.scenario.contexts, table, strict=True):
        law[names.index(first), names.index(second)] = outcomes / len(table)
    return law


def two_sources(phenomenon: Phenomenon) -> ClassicalModel:
    """The model with one common cause of the outcomes, another of the settings, and nothing that joins the two.

    Λ holds the answers at the two positions, whatever is asked there; Ω holds the context.
    Raises ``ValueError`` if two contexts have different laws, so that there is no such model.

    >>> from qlib.correlations import scenarios
    >>> model = two_sources(scenarios.in_every_order(scenarios.quantum_cycle(5)))
    >>> model.faithfulness.is_faithful
    True
    """
    require(Phenomenon, phenomenon=phenomenon)
    names, contexts = list(phenomenon.scenario.measurements), phenomenon.scenario.contexts
    laws = exact(phenomenon.table)
    for context, law in zip(contexts, laws, strict=True):
        if not vanishes(law - laws[0]):
            raise ValueError(f"phenomenon: {contexts[0]} and {context} have different laws; they should have the same")
    answers = list(np.ndindex(laws[0].shape))

    def picks(entries: Sequence[Sequence[Any]], place: int, values: Sequence[Any]) -> Array:
        return exact([[int(entry[place] == value) for value in values] for entry in entries])

    tables: dict[str, tuple[Sequence[str], Array]] = {
        "Λ": ((), laws[0].ravel()),
        "Ω": ((), exact([sp.Rational(1, len(contexts))] * len(contexts))),
    }
    for k in (0, 1):
        tables[f"A_{k + 1}"] = (("Λ",), picks(answers, k, range(laws[0].shape[k])))
        tables[f"X_{k + 1}"] = (("Ω",), picks(contexts, k, names))
    arrows = [(latent, f"{letter}_{k}") for latent, letter in ("ΛA", "ΩX") for k in (1, 2)]
    return ClassicalModel(causal_graph(POSITIONS, *arrows, hidden="ΛΩ"), tables)
