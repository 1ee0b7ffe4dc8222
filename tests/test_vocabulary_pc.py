"""What the symbols of Pearl and Cavalcanti mean, on models without any symmetry."""

from itertools import product

import numpy as np
import pytest
import sympy as sp

from compendium.claims.printed import agrees, parse
from compendium.claims.set_formulas import Law, Reading
from compendium.claims.vocabulary import pc
from qlib.correlations import Phenomenon, is_nondisturbing, scenarios
from qlib.graphs import CausalGraph, disjoint_triples, markov_law

R = sp.Rational
NODES = dict.fromkeys("ABC", "observed")
COLLIDER = CausalGraph(NODES, [("A", "B"), ("C", "B")])
CHAIN = CausalGraph(NODES, [("A", "B"), ("B", "C")])


# ── statements about sets of variables ──────────────────────────────────────────────────────────────────────────────


def lopsided(graph, values=(2, 3, 2)):
    """A law compatible with a graph on A, B, C with 2, 3 and 2 values; no two conditional probabilities are alike."""
    sizes, seed = dict(zip("ABC", values, strict=True)), iter(range(1, 1000))
    tables = {}
    for node in graph.kinds:
        parents = sorted(graph.parents(node))
        table = np.empty([*(sizes[p] for p in parents), sizes[node]], dtype=object)
        for row in np.ndindex(table.shape[:-1]):
            counts = [R(next(seed) ** 2 + 1) for _ in range(sizes[node])]
            table[row] = [count / sum(counts) for count in counts]
        tables[node] = (parents, table)
    return Law(markov_law(graph, tables, "ABC"), "ABC")


def test_an_independence_holds_exactly_where_the_law_has_it():
    law = lopsided(COLLIDER)
    assert pc.is_independent(law, "A", "C")
    assert not pc.is_independent(law, "A", "C", "B")
    assert pc.is_independent(lopsided(CHAIN), "A", "C", "B")
    assert not pc.is_independent(lopsided(CHAIN), "A", "C")


def test_two_routes_to_independence_agree_also_where_a_condition_has_no_probability():
    certain = Law(np.array([[[R(1, 3), 0], [0, 0]], [[0, 0], [R(1, 2), R(1, 6)]]]), "ABC")
    for law in (lopsided(COLLIDER), lopsided(CHAIN), certain):
        for triple in disjoint_triples("ABC"):
            assert pc.is_independent(law, *triple) == pc.is_independent_by_division(law, *triple)
    assert pc.is_independent_by_division(certain, "A", "C", "B")
    assert not pc.is_independent_by_division(certain, "A", "C")


def test_three_sets_make_a_statement_if_they_are_disjoint_and_two_of_them_not_empty():
    sets, law = pc.ThreeSets("ABC"), lopsided(COLLIDER)
    values = sets.everywhere(lambda *triple: pc.is_independent(law, *triple))
    found = {(C, D, E): values.value(C=C, D=D, E=E) for C, D, E in product(range(8), repeat=3)}
    assert {sets for sets, value in found.items() if value == 1} == {(1, 4, 0), (4, 1, 0)}  # A and C
    assert sum(int(value) >= 0 for value in found.values()) == 2 * len(list(disjoint_triples("ABC")))
    assert agrees("indep(C, D, E)", values, sets.names(COLLIDER, law))
    assert agrees("dsep(C, D, E)", values, sets.names(COLLIDER, law))
    assert not agrees("dsep(C, E, D)", values, sets.names(COLLIDER, law))
    assert not agrees("dsep(C, D, E)", values, sets.names(CHAIN, law))


def test_a_law_of_the_chain_obeys_the_chain_and_not_the_collider():
    law = lopsided(CHAIN)
    obeys = [(m.is_markov(), m.factorises()) for m in (pc.GraphAndLaw(g, law) for g in (CHAIN, COLLIDER))]
    assert obeys == [(True, True), (False, False)]


def test_the_product_over_the_parents_is_the_law():
    model = pc.GraphAndLaw(COLLIDER, lopsided(COLLIDER))
    for v in product(range(2), range(3), range(2)):
        names = model.names(dict(zip("ABC", v, strict=True)))
        assert parse("prod_over(j, P(X(j), given(Pa(X(j)))))", names) == model.law.array[v]


def test_given_its_parents_a_node_is_independent_of_what_they_d_separate_it_from():
    model = pc.GraphAndLaw(CHAIN, lopsided(CHAIN))
    values = {"A": 1, "B": 2, "C": 0}
    names = model.names(values, "C")
    assert model.apart("C") == {"A"} == model.non_descendants("C")
    assert parse("indep(X, Nd(X), Pa(X))", names) == pc.said("C", "A", "B")
    assert parse("P(X, given(Pa(X)))", names) == model.law.conditional({"C": 0}, model.past("C", values))
    assert parse("P(X)", names) != model.law.conditional({"C": 0}, model.past("C", values))


EQ_1 = {
    "P(X1,...,Xn)": "prod_over(j, P(X(j), given(Pa(X(j)))))",
    "Markov condition": "indep(X, Nd(X), Pa(X))",
    "P(X|Nd(X),Pa(X))": "P(X, given(Pa(X)))",
}


@pytest.mark.parametrize("line", EQ_1)
def test_each_line_of_eq_1_holds_for_a_law_of_its_graph_and_for_no_other(line):
    of = {graph: pc.markov_forms([pc.GraphAndLaw(graph, lopsided(CHAIN))])[line] for graph in (CHAIN, COLLIDER)}
    assert agrees(EQ_1[line], of[CHAIN], {})
    assert not agrees(EQ_1[line], of[COLLIDER], {})
    assert not agrees(EQ_1[line].replace("Pa(", "Nd("), of[CHAIN], {})


def test_eq_1_is_read_at_every_value_of_every_node_and_once_for_each_statement():
    model = pc.GraphAndLaw(CHAIN, lopsided(CHAIN))  # two, three and two values
    cases = {line: len(list(form.assignments())) for line, form in pc.markov_forms([model, model]).items()}
    assert cases == {"P(X1,...,Xn)": 24, "Markov condition": 6, "P(X|Nd(X),Pa(X))": 72}


def test_a_condition_that_is_impossible_is_not_asked_about():
    certain = Law([[R(1), R(0)], [R(0), R(0)]], "AB")
    model = pc.GraphAndLaw(CausalGraph(dict.fromkeys("AB", "observed"), [("A", "B")]), certain)
    given_past = pc.markov_forms([model])["P(X|Nd(X),Pa(X))"]
    assert len(list(given_past.assignments())) == 4 + 2  # of A: all four; of B: where A is 0


def test_what_holds_of_a_graph_is_compared_with_what_holds_of_the_law():
    model = pc.GraphAndLaw(COLLIDER, lopsided(COLLIDER))
    cases = [(model, ({"A"}, {"C"}, ())), (model, ({"A"}, {"C"}, {"B"}))]
    for formula in ("dsep(X, Y, Z)", "indep(X, Y, Z)"):
        assert agrees(formula, pc.about_graphs_and_laws(cases, [True, False]), {})
        assert not agrees(formula, pc.about_graphs_and_laws(cases, [True, True]), {})


def test_an_axiom_says_its_premises_and_its_conclusion_with_their_sets_in_place():
    count = lambda xs, ys, given: 1 + len(xs) + 2 * len(ys) + 4 * len(given)  # noqa: E731
    names, sets = pc.axiom_names("XYWZ", count), map(frozenset, "XYWZ")
    found = pc.axiom_statements(*pc.GRAPHOID["pc:eq5"](*sets), count)
    printed = {
        "premise 1": "indep(X, Y, Z)",
        "premise 2": "indep(X, W, union(Z, Y))",
        "conclusion": "indep(X, union(Y, W), Z)",
    }
    assert {label: parse(text, names) for label, text in printed.items()} == found
    assert parse("indep(X, W, union(Z, W))", names) != found["premise 2"]


def test_a_statement_says_which_sets_it_is_about_and_in_which_order():
    read = Reading({"A": {1: {"a"}, 2: {"b"}}, "B": {0: {"c"}}})
    dsep = pc.stated(read, lambda xs, ys, given: 3)
    A, B = (read.names()[name] for name in "AB")
    assert dsep(A, B) == 3 * pc.said("ab", "c", "") != dsep(B, A)
    assert dsep(A(sp.Integer(1)), B) == 3 * pc.said("a", "c", "")


def test_d_separation_and_independence_stand_in_formulas():
    names = pc.statement_names(COLLIDER, lopsided(COLLIDER), "A", "C", "B")
    assert [parse(text, names) for text in ("dsep(X, Y)", "indep(X, Y)")] == [1, 1]
    assert [parse(text, names) for text in ("dsep(X, Y, Z)", "indep(X, Y, Z)")] == [0, 0]


@pytest.mark.parametrize("axiom", [f"pc:eq{k}" for k in (2, 3, 4, 5)])
def test_a_graphoid_axiom_holds_for_a_law_of_four_variables(axiom):
    """For all that are independent in a law with a W that is independent of the rest, and one X → Z → Y."""
    chain = lopsided(CHAIN, (2, 2, 2)).array
    law = Law(chain[..., None] * np.array([R(1, 3), R(2, 3)]), "XZYW")
    sets = map(frozenset, "XYWZ")
    premises, conclusion = pc.GRAPHOID[axiom](*sets)
    assert all(pc.is_independent(law, *premise) for premise in premises)
    assert pc.is_independent(law, *conclusion)


# ── the proof of Theorem 1 ──────────────────────────────────────────────────────────────────────────────────────────


def two_groups():
    """Of two parties, one group in which both outcomes are in C and one in which the first is in B."""
    both = {"B": (), "C": (0, 1), "Y": (), "Z": (2, 3)}
    second = {"B": (0,), "C": (1,), "Y": (2,), "Z": (3,)}
    every = {"A": (0, 1), "X": (2, 3), "Lam": (4,), "Omega": (5,)}
    return pc.ProofSets(2, [{name: frozenset(v) for name, v in {**every, **group}.items()} for group in (both, second)])


def test_a_statement_of_the_proof_is_counted_in_every_group_and_says_its_sets_there():
    proof = two_groups()
    names = proof.names(dsep=lambda k, xs, ys, given: 10 ** (3 * k) * (len(xs) + 10 * len(ys) + 100 * len(given)))
    value = parse("dsep(C(1), Z(compl(1)), union(Z(1), Lam))", names)
    assert value == (211 + 1000 * 110) * sp.Symbol("[(A₁ ⊥ X₂ | X₁, Λ₁), (∅ ⊥ X₂ | Λ₁)]")
    assert value != parse("dsep(C(2), Z(compl(2)), union(Z(2), Lam))", names)


def test_what_a_rule_derives_is_the_printed_statement_if_it_names_the_same_sets():
    proof = two_groups()
    names = proof.names(dsep=lambda k, *sets: 1)
    assert parse("dsep(B, Z, Lam)", names) == proof.derived(2, lambda s: (s["B"], s["Z"], s["Lam"]))
    assert parse("dsep(Z, B, Lam)", names) != proof.derived(2, lambda s: (s["B"], s["Z"], s["Lam"]))


def test_the_outcomes_are_the_union_of_b_and_c_in_every_group():
    proof = two_groups()
    names = {name: sp.Symbol(name) for name in "BCYZ"}
    assert agrees("union(B, C)", proof.union("A"), names)
    assert not agrees("union(B, Z)", proof.union("A"), names)
    assert agrees("union(Y, Z)", proof.union("X"), names)


def mixture():
    """A law of Λ, Ω, B, C, Y, Z without any independence; no two probabilities are alike."""
    counts = np.array([R(k * k + 3 * k + 1) for k in range(64)]).reshape((2,) * 6)
    return pc.Mixture(Law(counts / counts.sum(), ("L", "O", "B_1", "C_1", "Y_1", "Z_1")))


def test_a_sum_over_both_latents_is_the_law_of_the_outcomes_given_the_settings():
    whole = mixture()
    formula = whole.formula("BC", "YZ", whole.assignments())
    assert agrees("sum_over(Lam, Omega, P(A, Omega, given(X, Lam))*P(Lam, given(X)))", formula)
    assert not agrees("sum_over(Lam, P(A, given(X, Lam))*P(Lam))", formula)
    assert not agrees("P(A)", formula)


def test_a_latent_that_has_a_value_is_not_summed_over():
    whole = mixture()
    formula = whole.formula("C", "BZL", whole.assignments(hidden="O"))
    assert agrees("prod_over(j, P(C(j), given(B, Z, Lam)))", formula)
    assert not agrees("P(C, given(B, Z))", formula)


# ── positions in a context ──────────────────────────────────────────────────────────────────────────────────────────


def leaky():
    """Three parties; the first outcome is mostly the second setting, and nothing is uniform."""
    three = scenarios.bell_scenario(2, 2, 2)
    table = np.zeros(three.shape, dtype=object)
    for c, (_, y, z) in enumerate(product((0, 1), repeat=3)):
        for a, b, d in product((0, 1), repeat=3):
            table[c, a, b, d] = R(1 + 2 * (a == y), 4) * R(1 + (b ^ y), 3) * R(1 + 3 * (d ^ z), 5)
    return Phenomenon(three, table)


def test_definition_2_is_about_every_subset_of_the_positions():
    ghz, signalling = pc.ThreeParties(scenarios.ghz_mermin()), pc.ThreeParties(leaky())
    assert all(ghz.agrees(g) for g in pc.SUBSETS)
    assert [g for g in pc.SUBSETS if not signalling.agrees(g)] == [(1,), (1, 3)]
    assert [is_nondisturbing(p.phenomenon) for p in (ghz, signalling)] == [True, False]


def test_the_two_forms_of_definition_2_say_the_same():
    tested = [pc.ThreeParties(p) for p in (scenarios.ghz_mermin(), leaky())]
    names = pc.no_disturbance_names(tested[1], tested)
    for g in pc.SUBSETS:
        column = parse("indep(A(g), X(compl(g)), X(g))", names | {"g": g})
        assert list(column) == [int(p.agrees(g)) for p in tested]
    assert parse("P(A(g), given(X(g)))", names | {"g": (2, 3)}) == sp.ImmutableMatrix(tested[1].given_all((2, 3)))


def test_what_is_not_in_a_set_of_positions_is_the_rest():
    assert agrees("setminus(A, A(g))", pc.rest("A"), pc.PAIRS)
    assert not agrees("setminus(X, A(g))", pc.rest("A"), pc.PAIRS)
    assert not agrees("setminus(A, A(g))", pc.rest("X"), pc.PAIRS)


def test_definition_3_holds_with_the_weight_in_front_of_the_product():
    nodes = {"A_1": "observed", "A_2": "observed", "X_1": "observed", "X_2": "observed", "L": "latent classical"}
    graph = CausalGraph(nodes, [("X_1", "A_1"), ("X_2", "A_2"), ("L", "A_1"), ("L", "A_2")])
    ones = np.array([R(k, 17) for k in (1, 2, 3, 5, 7, 8, 11, 13)]).reshape(2, 2, 2)
    tables = {name: ((), [R(1, k), 1 - R(1, k)]) for name, k in (("X_1", 3), ("X_2", 4), ("L", 5))}
    tables |= {f"A_{i}": ([f"X_{i}", "L"], np.stack([1 - ones[i - 1], ones[i - 1]], axis=-1)) for i in (1, 2)}
    names = ("A_1", "A_2", "X_1", "X_2", "L")
    law = Law(markov_law(graph, tables, names), names)
    phenomenon = pc.two_parties(law, "A", "X")
    assert agrees("sum_over(Lam, P(Lam)*prod_over(i, P(A(i), given(X(i), Lam))))", phenomenon)
    assert not agrees("sum_over(Lam, prod_over(i, P(Lam)*P(A(i), given(X(i), Lam))))", phenomenon)
    assert agrees("sum_over(Lam, P(A, X, Lam))", pc.two_parties(law, "AX", ""))
    assert not agrees("sum_over(Lam, P(A, Lam))", pc.two_parties(law, "AX", ""))
