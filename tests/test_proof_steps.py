"""The steps of the proof of Theorem 1 of Pearl & Cavalcanti (2019), for two parties, and what its algebra rests on."""

from itertools import combinations, product

import networkx as nx
import numpy as np
import pytest
import sympy as sp

from compendium.claims.set_formulas import Law
from compendium.claims.vocabulary.pc import is_independent
from compendium.studies import pc_proof_steps as steps
from compendium.studies.pc_surviving_structures import census, no_disturbance, satisfies
from qlib.graphs import Structures, explicit_latents, mixed_graphs, separated, to_causal_graph


@pytest.fixture(scope="module")
def two() -> steps.Steps:
    return steps.run_steps(2)


@pytest.fixture(scope="module")
def derivation(two: steps.Steps) -> steps.Derivation:
    return steps.Derivation(2, steps.groups(two.survivors, 2))


def words(structures: Structures) -> set[tuple[int, ...]]:
    return set(map(tuple, np.concatenate([structures.parents, structures.confounded]).T.tolist()))


def test_a_set_is_reached_exactly_if_the_graph_without_the_avoided_nodes_joins_it_to_the_sources() -> None:
    batch = mixed_graphs(3)
    for avoiding in (frozenset[int](), frozenset({1})):
        found = steps.reached(batch, frozenset({0}), avoiding)
        for k in range(0, len(batch), 7):
            graph = nx.Graph(to_causal_graph(batch, k, "012").digraph)
            graph.remove_nodes_from([v for v in graph if {str(u) for u in avoiding} & set(v) and len(v) == 1])
            joined = {int(v) for v in nx.node_connected_component(graph, "0") if len(v) == 1}
            assert {v for v in range(3) if found[k] >> v & 1} - avoiding == joined


def test_the_steps_leave_the_survivors_of_the_census(two: steps.Steps) -> None:
    assert words(two.survivors) == words(census(2).survivors)


def test_no_step_removes_a_structure_that_meets_7(two: steps.Steps) -> None:
    assert two.wronged == {"2a": 0, "3a": 0}


def test_the_steps_do_not_depend_on_the_portions_in_which_they_are_made(two: steps.Steps) -> None:
    again = steps.run_steps(2, chunk=5)
    assert (again.left, again.arrows, again.sorts) == (two.left, two.arrows, two.sorts)


def test_step_2a_leaves_no_arrow_from_c_to_b_and_step_3a_none_within_c(two: steps.Steps) -> None:
    assert {"C -> B"} == steps.absent_links(two.arrows["fig5"]) - steps.absent_links(two.arrows["fig4"])
    assert two.excluded == {("C", "B"), ("C", "C")}


def test_every_survivor_is_in_the_one_group_that_its_links_say(two: steps.Steps) -> None:
    groups = steps.groups(two.survivors, 2)
    assert sorted(k for group in groups for k in group.members) == list(range(len(two.survivors)))
    for group in groups:
        touches = steps.neighbours(group.structures)[:2] >> 2 != 0
        assert all(np.all(touches[i] == (i in group.sets["C"])) for i in range(2))


def test_absorbing_the_links_to_its_setting_in_an_outcome_leaves_a_survivor(two: steps.Steps) -> None:
    simple = steps.absorbed(two.survivors, 2)
    assert satisfies(simple, no_disturbance(2)).all()
    assert not any((simple.confounded[i] >> 2 & 0b11).any() for i in range(2))
    assert np.array_equal(steps.linked(simple, 2), steps.linked(two.survivors, 2))


@pytest.mark.parametrize("rule", ["start_1", "middle_1", "eq_8", "start_2", "outcomes_only", "with_latents", "eq_9"])
def test_what_step_2b_derives_holds_in_every_survivor(derivation: steps.Derivation, rule: str) -> None:
    for group in derivation.groups:
        assert separated(group.explicit, *getattr(derivation, rule)(group.sets)).all()


@pytest.mark.parametrize("rule", ["of_member", "eq_10_with_b", "eq_11"])
def test_what_step_3b_derives_holds_in_every_survivor(derivation: steps.Derivation, rule: str) -> None:
    for group, party in product(derivation.groups, (1, 2)):
        assert separated(group.explicit, *getattr(derivation, rule)(group.sets, party)).all()


def test_lemma_1_holds_for_single_nodes_and_needs_its_premise() -> None:
    A, B, C, D = map(frozenset, "ABCD")
    chain = steps.Chain.of_sizes((1, 1, 1, 1))
    with_premise = chain.meeting(A, C, B)
    assert 0 < len(with_premise.structures) < len(chain.structures)
    assert with_premise.separated(A, C | D, B).all()
    assert with_premise.separated(A, D, B | C).all()
    assert not chain.separated(A, D, B | C).all()


def test_the_halves_of_fig_6_are_apart_where_the_whole_is_not() -> None:
    """A ← Λ → A' and A → X: the first link is the upper half's, and Λ given is Λ removed."""
    parents, confounded = np.array([[0], [0], [1], [0]], np.uint8), np.array([[2], [1], [0], [0]], np.uint8)
    structure = Structures(parents, confounded)
    assert not separated(structure, {1}, {2}).any()
    assert separated(steps.without_links_among_outcomes(structure, 2), {1}, {2}).all()
    assert separated(steps.only_arrows_among_outcomes(structure, 2), {0}, {1}).all()
    assert separated(explicit_latents(structure, [(0, 1)]), {0}, {1}, {4}).all()


def test_every_line_of_step_4_follows_from_what_is_named_for_it() -> None:
    assert all(steps.step_4().values())
    assert all(steps.needs_determinism().values())


def test_a_line_does_not_follow_from_fewer_independences_or_from_others() -> None:
    P, delta = steps.conditional, steps.dependence
    difference = P("A", "X L") * (P("L", "X") - P("L"))
    assert steps.follows(difference, P("A", "X L") * delta("L", "X"))
    assert not steps.follows(difference)
    assert not steps.follows(difference, P("A", "X") * delta("L", "X"))
    assert not steps.follows(difference, P("A", "X L") * delta("L", "X"), 0 * delta("L", "Y"))


def test_the_symbolic_law_has_the_independences_12_to_15_and_lambda_determines_b() -> None:
    array = steps.two_of_each()
    law = Law(array, steps.TWO_OF_EACH)
    assert sp.expand(array.sum()) == 1
    B, C, Y, Z = ([f"{letter}_{j}" for j in (1, 2)] for letter in "BCYZ")
    assert is_independent(law, B, Z, "L")
    assert is_independent(law, [*B, *C], Y, [*Z, "L"])
    assert is_independent(law, C[:1], C[1:], [*Z, "L"])
    assert is_independent(law, C[:1], Z[1:], [*Z[:1], "L"])
    assert not is_independent(law, C[:1], C[1:], Z)
    assert all(law.conditional({b: 1}, {"L": lam}) in (0, 1) for b in B for lam in (0, 1))


def test_links_of_a_diagram_are_present_or_absent(two: steps.Steps) -> None:
    for figure in steps.FIGURES[:2]:
        present, absent = steps.as_links(two.arrows[figure]), steps.absent_links(two.arrows[figure])
        lines = {link for link in present | absent if "->" not in link}
        one_way = {link for link in present if "->" in link}
        assert len(lines | one_way) == len(list(combinations(steps.ends(present), 2)))
        assert not present & absent
