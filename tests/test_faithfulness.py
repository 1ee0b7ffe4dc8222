"""Faithfulness: independences of laws, d-separations of graphs, the semi-graphoids of both, and what is fine-tuned."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qlib.graphs.graphs import CausalGraph, NodeKind, d_separated, disjoint_triples
from qlib.graphs.independence import Independence, SemiGraphoid, faithfulness, independences, markov_law, separations
from qlib.models.structural_models import with_independent_noise
from qlib.numbers.exact_arrays import exact

Conditionals = dict[str, tuple[list[str], Any]]
SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def graphs(draw: st.DrawFn, observed: int = 4, latent: int = 1) -> CausalGraph:
    """A random causal graph; the latent nodes are parentless."""
    names, hidden = "ABCDEF"[:observed], "LMN"[:latent]
    order = draw(st.permutations(names))
    possible = [*combinations(order, 2), *product(hidden, names)]
    edges = draw(st.lists(st.sampled_from(possible), unique=True, max_size=len(possible)))
    return CausalGraph(dict.fromkeys(hidden, NodeKind.LATENT) | dict.fromkeys(names, NodeKind.OBSERVED), edges)


def random_conditionals(graph: CausalGraph, rng: np.random.Generator, size: int = 2) -> Conditionals:
    parents = {node: sorted(graph.parents(node)) for node in graph.kinds}
    return {node: (pa, rng.dirichlet(np.ones(size), size=(size,) * len(pa))) for node, pa in parents.items()}


def fractions(conditionals: Conditionals, denominator: int = 7) -> Conditionals:
    """Tables of nearly the same numbers, but rational."""
    result = {}
    for node, (parents, table) in conditionals.items():
        first = np.vectorize(lambda p: sp.Rational(round(p * denominator), denominator), otypes=[object])(table[..., 0])
        result[node] = (parents, np.stack([first, 1 - first], axis=-1))
    return result


def holds_by_division(law: np.ndarray[Any, Any], axes: Iterable[Iterable[int]]) -> bool:
    """P(x, y | z) = P(x | z) P(y | z) wherever P(z) > 0, by the definition and with sets: another route."""
    groups = [sorted(group) for group in axes]
    used = [k for group in groups for k in group]
    rest = [k for k in range(law.ndim) if k not in used]
    kept = law.sum(axis=tuple(rest)) if rest else law
    moved = np.transpose(kept, [sorted(used).index(k) for k in used])
    sizes = [int(np.prod([law.shape[k] for k in group], dtype=int)) for group in groups]
    P = moved.reshape(sizes)
    for z in range(sizes[2]):
        if weight := P[:, :, z].sum():
            conditional = P[:, :, z] / weight
            if not np.allclose(
                conditional, np.outer(conditional.sum(1), conditional.sum(0)).astype(conditional.dtype), atol=1e-9
            ):
                return False
    return True


# ── statements and semi-graphoids ───────────────────────────────────────────────────────────────────────────────────


def test_the_two_sides_of_a_statement_may_be_exchanged() -> None:
    assert Independence("A", ["B", "C"], "D") == Independence(["C", "B"], "A", ["D"])
    assert len({Independence("A", "B"), Independence("B", "A")}) == 1
    assert str(Independence(["Y", "B"], "X", "A")) == "BY ⊥ X | A"
    assert str(Independence("rain", ["sprinkler", "mower"])) == "mower, sprinkler ⊥ rain"


@pytest.mark.parametrize(
    ("sets", "message"), [(("A", ""), "neither side may be empty"), (("A", "B", "A"), "'A' stands")]
)
def test_a_statement_has_two_sides_that_are_disjoint(sets: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Independence(*(list(part) for part in sets))


statements = st.sampled_from([Independence(*triple) for triple in disjoint_triples("ABCD")])


@given(st.lists(statements, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_is_generated_obeys_decomposition_weak_union_and_contraction(chosen: list[Independence]) -> None:
    model = SemiGraphoid.generated("ABCD", chosen)
    assert all(statement in model for statement in chosen)
    for statement in model.statements():
        X, Y, Z = statement.left, statement.right, statement.given
        for one, other in ((X, Y), (Y, X)):
            for name in other:
                if other != {name}:
                    assert Independence(one, other - {name}, Z) in model
                    assert Independence(one, other - {name}, Z | {name}) in model
            for W in map(frozenset, ([w] for w in set("ABCD") - X - Y - Z)):
                if Independence(one, W, Z | other) in model:
                    assert Independence(one, other | W, Z) in model


@given(st.lists(statements, max_size=4), st.lists(statements, max_size=2))
@settings(max_examples=40, deadline=None)
def test_generators_generate_and_none_is_too_many(chosen: list[Independence], more: list[Independence]) -> None:
    known = SemiGraphoid.generated("ABCD", more)
    model = known.extended(chosen)
    generators = model.generators(known)
    assert known.extended(generators) == model
    for left_out in generators:
        assert known.extended([other for other in generators if other != left_out]) != model
    assert known <= model
    assert hash(known.extended(generators)) == hash(model)


def test_what_is_known_must_hold() -> None:
    with pytest.raises(ValueError, match="known: it should hold statements of this semi-graphoid only"):
        SemiGraphoid.generated("AB", []).generators(SemiGraphoid.generated("AB", [Independence("A", "B")]))


def test_a_statement_about_unknown_variables_is_refused() -> None:
    with pytest.raises(ValueError, match=r"A ⊥ C: 'C' is not a variable; the variables are A, B"):
        SemiGraphoid.generated("AB", [Independence("A", "C")])
    with pytest.raises(ValueError, match="names: 'A' is named twice"):
        SemiGraphoid.generated("ABA", [])
    with pytest.raises(ValueError, match="11 variables: more than 10"):
        SemiGraphoid.generated([f"V{k}" for k in range(11)], [])


# ── laws ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(graphs(), SEEDS, st.booleans())
@settings(max_examples=40, deadline=None)
def test_independences_of_sets_are_those_of_the_definition(
    graph: CausalGraph, rng: np.random.Generator, with_zeros: bool
) -> None:
    """The table of elementary statements against P(x, y | z) = P(x | z) P(y | z) for all sets, zeros included."""
    conditionals = random_conditionals(graph, rng)
    if with_zeros:
        conditionals = {v: (pa, np.eye(2)[table.argmax(axis=-1)]) for v, (pa, table) in conditionals.items()}
        conditionals["L"] = ([], np.array([0.3, 0.7]))
    law = markov_law(graph, conditionals)
    found = independences(law, "ABCD")
    for xs, ys, zs in disjoint_triples("ABCD"):
        by_definition = holds_by_division(law, [["ABCD".index(v) for v in part] for part in (xs, ys, zs)])
        assert (Independence(xs, ys, zs) in found) == by_definition


@given(graphs(), SEEDS)
@settings(max_examples=25, deadline=None)
def test_exact_and_floating_point_laws_have_the_same_independences(
    graph: CausalGraph, rng: np.random.Generator
) -> None:
    conditionals = fractions(random_conditionals(graph, rng))
    law = markov_law(graph, conditionals)
    as_fractions = np.vectorize(lambda p: Fraction(int(p.p), int(p.q)), otypes=[object])(law)
    assert independences(law, "ABCD") == independences(law.astype(float), "ABCD") == independences(as_fractions, "ABCD")


def test_independences_with_radicals_are_exact() -> None:
    """Two laws, one of them independent, that floating point cannot tell from each other."""
    p, q, tiny = sp.sqrt(2) / 2, sp.sqrt(3) / 3, sp.Rational(1, 10**40)
    law = np.outer(exact([p, 1 - p]), exact([q, 1 - q]))
    assert Independence("A", "B") in independences(law, "AB")
    law[0, 0], law[0, 1] = law[0, 0] + tiny, law[0, 1] - tiny
    assert Independence("A", "B") not in independences(law, "AB")
    assert Independence("A", "B") in independences(law.astype(float), "AB")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (sp.sqrt(3 - 2 * sp.sqrt(2)), sp.sqrt(2) - 1),
        (sp.cbrt(5 * sp.sqrt(2) - 7), sp.sqrt(2) - 1),
        (sp.sqrt(2 + sp.sqrt(3)) / 2, (sp.sqrt(6) + sp.sqrt(2)) / 4),
        (sp.sqrt(5 + 2 * sp.sqrt(6)) - sp.sqrt(2) - 1, sp.sqrt(3) - 1),
    ],
)
def test_a_number_written_in_two_ways_is_one_number_to_an_independence(one: sp.Expr, other: sp.Expr) -> None:
    """P(B|A=0) and P(B|A=1) are equal, in radicals that expansion does not bring together."""
    law = exact([[one, 1 - one], [other, 1 - other]]) / 2
    assert Independence("A", "B") in independences(law, "AB")
    law[1] = exact([other + sp.Rational(1, 10**40), 1 - other - sp.Rational(1, 10**40)]) / 2
    assert Independence("A", "B") not in independences(law, "AB")


def test_symbols_stand_for_all_their_values() -> None:
    p, q, t = sp.symbols("p q t")
    law = np.outer([p, 1 - p], [q, 1 - q])
    assert Independence("A", "B") in independences(law, "AB")
    law = law + t * exact([[1, -1], [-1, 1]])
    assert Independence("A", "B") not in independences(law, "AB")
    angle = np.outer(exact([sp.cos(t) ** 2, sp.sin(t) ** 2]), exact([sp.cos(t) ** 2, 1 - sp.cos(t) ** 2]))
    assert Independence("A", "B") in independences(angle, "AB")


def test_parity_has_pairs_independent_and_no_pair_given_the_third() -> None:
    law = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]]) / 4
    assert independences(law, "ABC").statements() == [Independence(*pair) for pair in combinations("ABC", 2)]


def test_intersection_fails_where_probabilities_vanish() -> None:
    """Three copies of one coin: (6) of Pearl & Cavalcanti needs positive probabilities."""
    law = np.zeros((2, 2, 2))
    law[0, 0, 0] = law[1, 1, 1] = 0.5
    found = independences(law, "ABC")
    assert Independence("A", "B", "C") in found
    assert Independence("A", "C", "B") in found
    assert Independence("A", ["B", "C"]) not in found


def test_variables_need_not_be_binary() -> None:
    rng = np.random.default_rng(5)
    P, Q = rng.dirichlet(np.ones(6)).reshape(2, 3), rng.dirichlet(np.ones(4))
    law = np.einsum("ab,c->abc", P, Q)
    assert independences(law, "ABC").generators() == [Independence("C", ["A", "B"])]


@pytest.mark.parametrize(
    ("law", "message"),
    [
        ([0.5, 0.5], "its 1 axes should be one for each of A, B"),
        (np.zeros((2, 0)), "shape .* holds no probability"),
        ([[1.5, -0.5], [0, 0]], "negative or not a number, -0.5"),
        ([[np.nan, 0.5], [0, 0.5]], "law: entry .* is nan"),
        ([[0.5, 0.5], [0.5, 0]], "the sum is 1.5"),
        (np.array([[sp.sqrt(2), 1 - sp.sqrt(2)], [0, 0]]), r"entry \(0, 1\) is 1 - sqrt\(2\)"),
        (np.array([[sp.Symbol("t"), 1], [0, 0]]), r"the sum is t \+ 1"),
        (np.array([[sp.Float(0.5), sp.Rational(1, 2)], [0, 0]]), "rounded number"),
    ],
)
def test_what_is_no_law_is_refused(law: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        independences(law, "AB")


# ── causal models ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(graphs(observed=3), SEEDS)
@settings(max_examples=25, deadline=None)
def test_the_markov_factorisation_is_the_law_of_the_structural_model(
    graph: CausalGraph, rng: np.random.Generator
) -> None:
    conditionals = random_conditionals(graph, rng)
    law = with_independent_noise(conditionals).distribution(*"ABC")
    np.testing.assert_allclose(markov_law(graph, conditionals), law, atol=1e-12)


@given(graphs(), SEEDS)
@settings(max_examples=40, deadline=None)
def test_every_d_separation_holds_in_every_compatible_law(graph: CausalGraph, rng: np.random.Generator) -> None:
    report = faithfulness(graph, markov_law(graph, random_conditionals(graph, rng)))
    assert report.is_markov
    assert report.violated == []


@given(graphs(observed=4, latent=2), SEEDS)
@settings(max_examples=40, deadline=None)
def test_random_parameters_are_faithful(graph: CausalGraph, rng: np.random.Generator) -> None:
    """Fine-tuned parameters have measure zero; the tolerance is far below what these leave of an independence."""
    conditionals = random_conditionals(graph, rng, size=3)
    report = faithfulness(graph, markov_law(graph, conditionals), tolerance=1e-13)
    assert report.is_faithful
    assert report.fine_tuned_generators == []


@given(graphs(observed=4, latent=2))
@settings(max_examples=40, deadline=None)
def test_separations_are_those_of_the_graph_asked_set_by_set(graph: CausalGraph) -> None:
    found = separations(graph)
    for triple in disjoint_triples("ABCD"):
        assert (Independence(*triple) in found) == d_separated(graph, *triple)


@given(st.fractions(Fraction(1, 10), Fraction(9, 10), max_denominator=10), st.sampled_from([-1, 1]))
def test_paths_that_cancel_are_found(strength: Fraction, sign: int) -> None:
    """A → B → C and A → C: what A does through B is undone by what it does directly."""
    assume(strength != Fraction(1, 2))
    graph = CausalGraph(dict.fromkeys("ABC", NodeKind.OBSERVED), [("A", "B"), ("B", "C"), ("A", "C")])
    s, half = sp.Rational(strength.numerator, strength.denominator), sp.Rational(1, 2)
    B1 = exact([s, 1 - s])  # P(B=1 | a)
    c = sign * sp.Rational(1, 10)
    C1 = np.array([[half - c * (b - B1[a]) for b in (0, 1)] for a in (0, 1)])  # its mean over b does not depend on a
    tables: Conditionals = {
        "A": ([], exact([half, half])),
        "B": (["A"], np.stack([1 - B1, B1], -1)),
        "C": (["A", "B"], np.stack([1 - C1, C1], -1)),
    }
    report = faithfulness(graph, markov_law(graph, tables))
    assert report.fine_tuned == report.fine_tuned_generators == [Independence("A", "C")]
    near = sp.Rational(1, 10**12)
    tables["C"][1][0, 0] += exact([near, -near])
    assert faithfulness(graph, markov_law(graph, tables)).is_faithful


def test_a_law_that_lacks_a_d_separation_is_not_compatible() -> None:
    graph = CausalGraph(dict.fromkeys("AB", NodeKind.OBSERVED), [])
    report = faithfulness(graph, [[0.5, 0.0], [0.0, 0.5]])
    assert not report.is_markov
    assert report.is_faithful
    assert report.violated == [Independence("A", "B")]
    with pytest.raises(ValueError, match="lacks the d-separation A ⊥ B"):
        _ = report.fine_tuned_generators


def test_the_order_of_the_axes_is_that_of_the_names() -> None:
    graph = CausalGraph(dict.fromkeys("ABC", NodeKind.OBSERVED), [("A", "B"), ("B", "C")])
    law = markov_law(graph, random_conditionals(graph, np.random.default_rng(3)), names="CBA")
    assert faithfulness(graph, law, names="CBA").is_markov
    assert not faithfulness(graph, law, names="BCA").is_markov


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"B": None}, "B: there is no table"),
        ({"B": (["A"], np.full((3, 2), 0.5))}, r"B: its table has shape \(3, 2\); its parents have 2 for A values"),
        ({"B": ([], [0.5, 0.5])}, r"B: its table is for the parents \[\], the graph has \['A'\]"),
        ({"B": (["A"], [0.5, 0.5])}, "needs one axis for each parent"),
        ({"B": (["A"], [[0.5, 0.5], [0.5, 0.6]])}, "law of B: the probabilities should sum to one, but the sum is 1.1"),
        ({"C": ([], [1.0])}, "'C' is not a node"),
    ],
)
def test_tables_that_do_not_fit_the_graph_are_refused(change: dict[str, Any], message: str) -> None:
    graph = CausalGraph(dict.fromkeys("AB", NodeKind.OBSERVED), [("A", "B")])
    tables = {"A": ([], [0.5, 0.5]), "B": (["A"], np.full((2, 2), 0.5))} | change
    with pytest.raises(ValueError, match=message):
        markov_law(graph, {node: table for node, table in tables.items() if table is not None})
