"""Theorem 1 of Pearl & Cavalcanti (2019) for two and three parties, by exhaustion, and what it rests on."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import joblib
import networkx as nx
import numpy as np
import pytest

from compendium.studies import pc_surviving_structures
from compendium.studies.pc_surviving_structures import (
    Census,
    census,
    count_by_symmetry,
    count_by_testing,
    dedekind_number,
    factorised,
    is_certified,
    is_described,
    is_maximal,
    latent_count,
    names,
    no_disturbance,
    outcomes,
    random_structure_model,
    satisfies,
    senders,
    settings,
    structure_count,
    surviving_parts,
    survivor_count,
    up_to_exchange,
)
from qlib.graphs.enumeration import (
    Structures,
    dags,
    explicit_latents,
    mixed_graphs,
    projected,
    separated,
    to_causal_graph,
    with_all_confoundings,
    with_latent_nodes,
)
from qlib.graphs.graphs import d_separated


@pytest.fixture(scope="module")
def three() -> Census:
    return census(3)


# Nodes 0, 1, 2 are the outcomes, 3, 4, 5 the settings. Outcomes 0 and 1 hear their settings; outcome 2 hears none.
def _structure(arrows: list[tuple[int, int]], latents: Sequence[tuple[int, int]] = ()) -> Structures:
    parents, confounded = np.zeros((6, 1), np.uint8), np.zeros((6, 1), np.uint8)
    for u, v in arrows:
        parents[v] |= 1 << u
    for u, v in latents:
        confounded[u] |= 1 << v
        confounded[v] |= 1 << u
    return Structures(parents, confounded)


def test_an_outcome_that_two_others_hear_opens_equation_10_and_given_it_closes_it() -> None:
    heard_twice = _structure([(3, 0), (4, 1), (2, 0), (2, 1)])
    assert satisfies(heard_twice, no_disturbance(3)).all()
    assert not separated(heard_twice, {0}, {1}, {3, 4}).any()
    assert separated(heard_twice, {0}, {1}, {2, 3, 4}).all()


def test_a_path_through_b_may_have_a_collider_and_is_blocked_by_the_latents_beside_it() -> None:
    pairs = [(0, 2), (1, 2)]
    survivor = _structure([(3, 0), (4, 1)], pairs)
    assert satisfies(survivor, no_disturbance(3)).all()
    explicit = explicit_latents(survivor, pairs)  # nodes 6 and 7
    assert not separated(explicit, {0}, {1}, {2, 3, 4}).any()  # the collider, given, is open
    assert separated(explicit, {0}, {1}, {2, 3, 4, 6, 7}).all()


def test_equation_10_fails_as_a_d_separation_in_7488_survivors_of_three_parties(three: Census) -> None:
    """Λ, all latents of two outcomes, is given; to give a latent that has no causes is to remove it."""
    inside = three.survivors.parents.dtype.type(0b111)
    confounded = three.survivors.confounded.copy()
    confounded[:3] &= ~inside
    given_latents = Structures(three.survivors.parents, confounded)
    touched = three.survivors.parents | three.survivors.children | three.survivors.confounded
    linked = touched[:3] >> 3 != 0
    fails = np.zeros((3, len(three.survivors)), dtype=bool)
    for i, j in product(range(3), repeat=2):
        if i != j:
            for chosen in product((False, True), repeat=3):
                members = np.flatnonzero((linked == np.array(chosen)[:, None]).all(axis=0))
                if chosen[i] and chosen[j]:
                    Z = {3 + k for k in range(3) if chosen[k]}
                    B = {k for k in range(3) if not chosen[k]}
                    fails[i, members] |= ~separated(given_latents[members], {i}, {j}, Z)
                    assert separated(given_latents[members], {i}, {j}, Z | B).all()
    assert fails.sum(axis=1).tolist() == [4992, 4992, 4992]
    assert fails.any(axis=0).sum() == 7488


def keys(structures: Structures) -> set[tuple[int, ...]]:
    return {(*a, *b) for a, b in zip(structures.parents.T.tolist(), structures.confounded.T.tolist(), strict=True)}


def test_for_two_parties_the_census_finds_what_testing_every_structure_finds() -> None:
    every = mixed_graphs(4)
    assert len(every) == structure_count(2)
    survivors = every[satisfies(every, no_disturbance(2))]
    assert keys(census(2).survivors) == keys(survivors)
    assert len(survivors) == survivor_count(2) == 180


def test_a_structure_of_two_parties_is_certified_if_and_only_if_it_survives() -> None:
    every = mixed_graphs(4)
    np.testing.assert_array_equal(is_certified(every, 2), satisfies(every, no_disturbance(2)))


def test_every_survivor_of_three_parties_is_certified(three: Census) -> None:
    assert three.formed == 7_970_304
    assert len(three.survivors) == len(keys(three.survivors)) == survivor_count(3)
    assert is_certified(three.survivors, 3).all()


def test_the_census_of_three_parties_agrees_with_all_dags_without_latents(three: Census) -> None:
    plain = three.survivors[~three.survivors.confounded.any(axis=0)]
    found = 0
    for start in range(0, 3**15, 3**13):
        batch = dags(6, start, start + 3**13)
        found += int(satisfies(batch, no_disturbance(3, [1])).sum())
    assert found == len(plain)


def test_random_structures_of_three_parties_survive_if_and_only_if_certified() -> None:
    rng = np.random.default_rng(7)
    some = dags(6, 0, 3**12)[rng.integers(0, 200_000, 3_000)]
    confounded = np.zeros_like(some.confounded)
    for u, v in combinations(range(6), 2):
        bits = (rng.random(len(some)) < 0.1).astype(np.uint8)
        confounded[u] |= bits << v
        confounded[v] |= bits << u
    sparse = np.where(rng.random(some.parents.shape) < 0.5, some.parents, 0).astype(np.uint8)
    batch = Structures(sparse, confounded)
    np.testing.assert_array_equal(is_certified(batch, 3), satisfies(batch, no_disturbance(3)))


def test_single_parties_suffice_and_so_do_all_parties_but_one(three: Census) -> None:
    for sizes in ([1], [2]):
        assert len(census(3, no_disturbance(3, sizes)).survivors) == len(three.survivors)
        assert satisfies(three.survivors, no_disturbance(3, sizes)).all()


def test_the_conditions_are_those_of_eq_7() -> None:
    assert no_disturbance(1) == []
    assert len(no_disturbance(3)) == 6
    for xs, ys, known in no_disturbance(4):
        assert {4 + i for i in xs} == set(known)
        assert set(known) | set(ys) == set(settings(4))
        assert set(xs) <= set(outcomes(4))


def test_only_links_between_an_outcome_and_anothers_setting_are_excluded_by_themselves() -> None:
    arrows, confounded = surviving_parts(3, no_disturbance(3))
    foreign = {frozenset((i, 3 + j)) for i, j in product(range(3), repeat=2) if i != j}
    every = {frozenset(pair) for pair in combinations(range(6), 2)}
    assert {frozenset(arrow) for arrow in arrows} == {frozenset(pair) for pair in confounded} == every - foreign
    assert len(arrows) == 2 * len(confounded) == 18


def test_latents_of_any_size_change_nothing_for_two_parties() -> None:
    """A tenth of the DAGs on four nodes with all 2048 families of latents, each latent a node."""
    hidden = [set_ for size in (2, 3, 4) for set_ in combinations(range(4), size)]
    families = [family for size in range(len(hidden) + 1) for family in combinations(hidden, size)]
    assert len(families) == latent_count(4, "families")
    explicit = with_latent_nodes(dags(4)[::10], families)
    survives = satisfies(explicit, no_disturbance(2))
    np.testing.assert_array_equal(survives, satisfies(projected(explicit, 4), no_disturbance(2)))


def test_the_criterion_holds_with_the_latents_as_nodes(three: Census) -> None:
    """Conditions 2 and 3 by networkx, on the causal graph with its latents, for some survivors."""
    label = names(3)
    chosen = three.survivors[:: len(three.survivors) // 40]
    for k in range(len(chosen)):
        graph = to_causal_graph(chosen, k, label)
        A, X = label[:3], label[3:]
        hidden = {
            latent
            for latent in graph.kinds
            if latent not in label and all(child in A for cause, child in graph.edges if cause == latent)
        }
        S = {a for a in A if any((a, b) in graph.edges for b in A)}
        assert {label[i] for i in range(3) if senders(chosen, 3)[k] >> i & 1} == S
        assert all(graph.parents(a) <= S | hidden for a in S)
        assert not (S | hidden) & set().union(*(graph.ancestors(x) for x in X))
        for a, x in zip(A, X, strict=True):
            if a not in S:
                assert d_separated(graph, a, {*A, *X} - S - {a, x}, {x, *S, *hidden})


def test_the_latents_of_outcomes_are_independent_of_all_settings_in_every_survivor(three: Census) -> None:
    explicit = explicit_latents(three.survivors[::50])
    for latent, (u, v) in enumerate(combinations(range(6), 2), 6):
        if v < 3:
            assert separated(explicit, {latent}, settings(3)).all(), (u, v)


@pytest.mark.parametrize(("latents", "expected"), [("pairs", 180), ("complexes", 180), ("families", 180)])
def test_for_two_parties_all_survivors_have_pairs_of_latents_only(latents: str, expected: int) -> None:
    assert survivor_count(2, latents) == expected  # type: ignore[arg-type]


def test_the_formula_counts_larger_latents_of_three_parties_as_the_census_does(three: Census) -> None:
    """A triangle of ↔ among three outcomes or settings is the skeleton of two complexes, and of nine families."""
    confounded = three.survivors.confounded
    on_outcomes = ((confounded[0] & 0b110) == 0b110) & ((confounded[1] & 0b100) != 0)
    on_settings = ((confounded[3] & 0b110000) == 0b110000) & ((confounded[4] & 0b100000) != 0)
    for latents, filled in (("complexes", 2), ("families", 9)):
        weights = np.where(on_outcomes, filled, 1) * np.where(on_settings, filled, 1)
        assert survivor_count(3, latents) == weights.sum()  # type: ignore[arg-type]


def test_counting_by_testing_one_structure_of_each_class_finds_what_the_census_finds() -> None:
    """By d-separation alone, without the description of the survivors; four parties are counted before a release."""
    assert [count_by_testing(n) for n in (1, 2, 3)] == [survivor_count(1), 180, 147632]


def test_four_parties_by_symmetry_and_by_formula() -> None:
    assert [count_by_symmetry(n) for n in (2, 3, 4)] == [survivor_count(n) for n in (2, 3, 4)]


def test_a_structure_survives_if_and_only_if_it_is_described() -> None:
    every = mixed_graphs(4)
    assert np.array_equal(is_described(every, 2), satisfies(every, no_disturbance(2)))


def test_every_survivor_is_that_of_one_class_with_its_parties_exchanged_or_not() -> None:
    survivors = census(2).survivors
    classes = up_to_exchange(survivors, 2)
    exchange = np.array([1, 0, 3, 2])  # A₁ ↔ A₂, X₁ ↔ X₂

    def exchanged(words: Any) -> Any:
        return sum(((words[exchange] >> old & 1) << new) for new, old in enumerate(exchange)).astype(words.dtype)

    mirrored = Structures(exchanged(classes.parents), exchanged(classes.confounded))
    assert keys(classes) | keys(mirrored) == keys(survivors)
    fixed = keys(classes) & keys(mirrored)
    assert 2 * len(classes) - len(fixed) == len(survivors)


def test_what_is_left_out_early_would_not_survive(three: Census) -> None:
    """The second route forms all that can be made of the parts, the failed ones too, and tests each as it is."""
    wanted = no_disturbance(3)
    joined = sorted({(min(arrow), max(arrow)) for arrow in three.arrows})
    formed = with_all_confoundings(dags(6, pairs=joined), three.confounded)
    survivors = formed[satisfies(formed, wanted)]
    assert len(formed) == three.formed
    for name in ("parents", "confounded"):
        np.testing.assert_array_equal(getattr(survivors, name), getattr(three.survivors, name))


def test_the_census_can_be_spread_over_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    here = keys(census(2).survivors)

    def refuse(*_: object) -> None:
        raise RuntimeError("worked in this process")

    monkeypatch.setattr(pc_surviving_structures, "with_latents", refuse)
    with pytest.raises(RuntimeError, match="in this process"):
        census(2)
    with joblib.parallel_config("loky", n_jobs=2):
        assert keys(census(2, chunk=40).survivors) == here


def test_progress_is_told_the_number_of_chunks() -> None:
    told = []

    def progress(results, total):  # type: ignore[no-untyped-def]
        told.append(total)
        return results

    census(2, chunk=40, progress=progress)
    assert told == [3]


def test_the_maximal_survivors_have_all_others_as_parts(three: Census) -> None:
    for parties, survivors, expected in ((1, census(1).survivors, 2), (2, census(2).survivors, 16)):
        top = survivors[is_maximal(survivors, parties)]
        assert len(top) == expected
        for words in zip(survivors.parents.T, survivors.confounded.T, strict=True):
            inside = [
                ((part[:, None] & ~whole) == 0).all(axis=0)
                for part, whole in zip(words, (top.parents, top.confounded), strict=True)
            ]
            assert (inside[0] & inside[1]).any()
    assert is_maximal(three.survivors, 3).sum() == 137


def test_random_models_on_survivors_factorise_and_on_other_structures_most_do_not(three: Census) -> None:
    rng = np.random.default_rng(5)
    for parties, survivors in ((2, census(2).survivors), (3, three.survivors)):
        sending = senders(survivors, parties)
        for k in rng.choice(len(survivors), 40, replace=False):
            law, axes = random_structure_model(
                survivors, k, parties, [i for i in range(parties) if sending[k] >> i & 1], rng
            )
            assert axes[: 2 * parties] == names(parties)
            assert law.sum() == pytest.approx(1)
            np.testing.assert_allclose(*factorised(law, parties), atol=1e-12)
    every = mixed_graphs(4)
    others = every[~satisfies(every, no_disturbance(2))]
    for k in rng.choice(len(others), 40, replace=False):
        law, _ = random_structure_model(others, k, 2, [0, 1], rng)
        plain, _ = random_structure_model(others, k, 2, [], rng)
        assert law.ndim == plain.ndim + 2
        rebuilt, direct = factorised(plain, 2)
        assert np.abs(rebuilt - direct).max() > 1e-9


def test_a_determined_outcome_is_a_function_of_its_parents_and_its_noise() -> None:
    law, axes = random_structure_model(census(1).survivors, 0, 1, [0], np.random.default_rng(3))
    assert axes == ("A_1", "X_1", "U_A_1")
    assert (np.count_nonzero(law, axis=0) == 1).all()


def test_counts_of_latents() -> None:
    assert [dedekind_number(n) for n in range(7)] == [2, 3, 6, 20, 168, 7581, 7828354]  # OEIS A000372
    assert [latent_count(n, "complexes") for n in range(1, 7)] == [1, 2, 9, 114, 6894, 7785062]  # OEIS A006126
    assert structure_count(3) == 3781503 * 2**15
    with pytest.raises(ValueError, match="'pairs', 'complexes' or 'families'"):
        latent_count(3, "triples")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="n = 7: this count is practical up to n = 6"):
        dedekind_number(7)


def test_the_graphs_of_the_paper_survive_or_not_as_it_says() -> None:
    bell = nx.DiGraph([("X_1", "A_1"), ("X_2", "A_2")])
    assert set(names(2)) == set(bell)
    label = names(2)
    survivors = keys(census(2).survivors)
    parents = [sum(1 << label.index(u) for u in bell.predecessors(v)) for v in label]
    assert (*parents, 0b10, 0b01, 0, 0) in survivors  # with a latent common cause of the outcomes
    parents[1] |= 0b0001  # A_1 → A_2
    assert (*parents, 0b10, 0b01, 0, 0) not in survivors
