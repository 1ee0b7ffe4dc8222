"""Classical models, what they fine-tune, and what betrays them."""

from functools import partial
from itertools import product

import numpy as np
import pytest
import sympy as sp

from compendium.studies import pc_fine_tuning as study
from qlib.correlations import Phenomenon, classical_cost, scenarios
from qlib.graphs import Independence, NodeKind, d_separated, independences, separations
from qlib.numbers import as_float, exact, vanishes

R = sp.Rational
S = sp.Symbol("S")
MODELS = study.five_models()
COLLIDER = study.causal_graph("ABC", ("A", "C"), ("B", "C"))
CHANCES = {"A": [R(1, 2), R(1, 3), R(1, 6)], "B": [R(5, 7), R(2, 7)]}
ONE = exact([[R(1 + 2 * b + a, 9) for a in range(3)] for b in range(2)])  # that C = 1
UNFAIR = study.ClassicalModel(
    COLLIDER,
    {
        **{v: ((), exact(chances)) for v, chances in CHANCES.items()},
        "C": (("B", "A"), np.stack([1 - ONE, ONE], axis=-1)),
    },
)


# ── models ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_law_is_the_product_of_the_tables() -> None:
    for a, b, c in product(range(3), range(2), range(2)):
        assert UNFAIR.law[a, b, c] == CHANCES["A"][a] * CHANCES["B"][b] * (ONE[b, a] if c else 1 - ONE[b, a])


def test_a_mixture_is_one_of_every_row_and_leaves_alone_what_it_is_not_given() -> None:
    t = sp.Symbol("t")
    mixed = UNFAIR.mixed(t, {"B": ((), exact([0, 1]))})
    assert mixed.tables["B"][1].tolist() == [(1 - t) * R(5, 7), (1 - t) * R(2, 7) + t]
    assert mixed.tables["C"] is UNFAIR.tables["C"]
    assert vanishes(mixed.law - (1 - t) * UNFAIR.law - t * UNFAIR.mixed(1, {"B": ((), exact([0, 1]))}).law)


def test_tables_that_do_not_fit_the_graph_are_refused() -> None:
    with pytest.raises(ValueError, match="the graph has"):
        study.ClassicalModel(COLLIDER, UNFAIR.tables | {"C": ((), exact([1, 0]))})
    with pytest.raises(ValueError, match="others"):
        UNFAIR.mixed(0, {"D": ((), exact([1, 0]))})


def test_random_models_have_the_independences_of_their_graph_and_no_others() -> None:
    rng = np.random.default_rng(5)
    for _ in range(5):
        report = study.random_model(COLLIDER, rng).faithfulness
        assert report.is_faithful
        assert report.is_markov


# ── Definition 5 ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_faithful_means_that_every_independence_is_a_d_separation() -> None:
    model = study.ClassicalModel(
        COLLIDER,
        study.tables_of({**{v: ((), lambda: R(1, 2)) for v in "AB"}, "C": (("A", "B"), lambda a, b: a ^ b)}),
    )
    found, in_graph = independences(model.law, "ABC"), partial(d_separated, COLLIDER)
    assert not model.faithfulness.is_faithful
    assert study.is_as_defined(model, lambda *sets: Independence(*sets) in found)
    assert not study.is_as_defined(model, in_graph)
    assert study.is_as_defined(UNFAIR, in_graph)
    assert not study.is_as_defined(UNFAIR, lambda *sets: True)
    assert study.comes_apart(model, np.random.default_rng(0))
    assert not study.comes_apart(model, np.random.default_rng(0), 0)


def test_fair_outcomes_have_no_faithful_structure_and_the_bell_graph_explains_what_it_separates() -> None:
    every, explaining, faithful = study.structures_that_explain(independences(MODELS["setting sent"].law, study.BELL))
    assert (every, faithful) == (34752, 0)
    assert explaining > 0
    _, with_bell, exactly = study.structures_that_explain(separations(study.bell_graph(NodeKind.LATENT)))
    assert with_bell > explaining
    assert exactly > 0
    with pytest.raises(ValueError, match="at most four"):
        study.structures_that_explain(independences(np.full((1,) * 5, 1), "ABCDE"))


# ── five models ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", study.MORE)
def test_each_model_has_the_correlations_of_every_chsh_value(name: str) -> None:
    assert vanishes(study.five_models(S)[name].law - classical_cost.isotropic(S) / 4)


@pytest.mark.parametrize("name", study.MORE)
def test_each_model_hides_a_signal_that_its_graph_does_not_forbid(name: str) -> None:
    model = MODELS[name]
    signal = Independence("B", "X", "Y")
    assert signal in model.faithfulness.fine_tuned
    assert signal in separations(study.bell_graph(NodeKind.QUANTUM))
    assert [study.signals(model.law, to) for to in ("Bob", "Alice")] == [[0, 0], [0, 0]]
    assert model.faithfulness.is_markov


@pytest.mark.parametrize("chsh", [1, 5, sp.sqrt(3)])
def test_no_model_is_made_for_values_outside_two_and_four(chsh: object) -> None:
    with pytest.raises(ValueError, match="chsh"):
        study.five_models(chsh)


# ── signals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signal_is_what_one_outcome_tells_about_the_other_setting() -> None:
    P = exact(np.zeros((2, 2, 2, 2), dtype=int))
    for x, y, a, b in np.ndindex(2, 2, 2, 2):  # B = 1 with the chance (1 + 2xy)/4, A = 1 with (1 + y)/5
        P[x, y, a, b] = R(1, 4) * (R(1 + 2 * x * y, 4) if b else R(3 - 2 * x * y, 4)) * R((1 + y) if a else (4 - y), 5)
    assert study.signals(P) == [0, R(1, 2)]
    assert study.signals(P, "Alice") == [R(1, 5), R(1, 5)]
    assert study.signals(P.astype(float)) == pytest.approx([0, 0.5])


def test_responses_are_the_derivatives_of_the_signals() -> None:
    model, step = study.five_models(R(5, 2))["outcome sent"], R(1, 10**6)
    rng = np.random.default_rng(3)
    others = study.random_tables({v: parents for v, (parents, _) in model.tables.items()}, rng)
    D = study.responses(model)
    predicted = sum(others[node][1][row] @ matrix for (node, row), matrix in D.items())
    found = exact(study.signals(model.mixed(step, others).law)) / step
    assert np.abs((found - predicted).astype(float)).max() < 1e-4
    assert np.abs(predicted.astype(float)).min() > 1e-2


def test_the_largest_signal_puts_every_row_on_the_value_that_helps_most() -> None:
    D = {"one": exact([[1, 0], [-2, 0]]), "two": exact([[0, 3], [1, 1]])}
    assert study.rank_and_largest(D) == (2, 3)
    assert study.rank_and_largest({"one": D["one"]}) == (1, 2)


def test_perturbed_signals_are_those_of_the_mixed_model() -> None:
    exact_model, sizes = MODELS["setting sent"], [0.01, 0.2]
    floats = {v: (parents, as_float(P)) for v, (parents, P) in exact_model.tables.items()}
    model = study.ClassicalModel(exact_model.graph, floats)
    found = study.perturbed_signals(model, sizes, 2, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    for k in range(2):
        others = {
            v: (parents, rng.dirichlet((1, 1), size=P.shape[:-1]) if P.ndim > 1 else rng.dirichlet((1, 1)))
            for v, (parents, P) in model.tables.items()
        }
        laws = [model.mixed(e, others).law for e in sizes]
        assert found[k] == pytest.approx([max(map(abs, study.signals(law))) for law in laws])
    assert study.perturbed_signals(model, sizes, 3, np.random.default_rng(1), "Alice").max() < 1e-12


# ── two sources ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_sources_give_any_phenomenon_whose_contexts_are_alike() -> None:
    law = exact([[R(1, 2), R(1, 3)], [R(1, 8), R(1, 24)]])
    phenomenon = Phenomenon(scenarios.cycle_scenario(3), np.stack([law] * 3))
    model = study.two_sources(phenomenon)
    assert vanishes(model.law - study.law_by_position(phenomenon))
    assert study.law_by_position(phenomenon)[2, 0].tolist() == (law / 3).tolist()
    assert model.faithfulness.is_markov


def test_contexts_that_differ_have_no_such_model() -> None:
    with pytest.raises(ValueError, match="different laws"):
        study.two_sources(scenarios.tsirelson())
