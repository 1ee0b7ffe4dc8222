"""What the symbols of Suresh, Frembs and Cavalcanti mean, on models without any symmetry."""

import itertools

import numpy as np
import sympy as sp

from compendium.claims.printed import parse
from compendium.claims.set_formulas import Law
from compendium.claims.vocabulary import tex_names
from compendium.claims.vocabulary.sfc.classical import (
    Responses,
    State,
    arrows,
    equation_names,
    event,
    factorisation_names,
    law_names,
    refused,
    values,
)
from qlib.graphs import CausalGraph, NodeKind
from qlib.models import Mechanism, ProbabilisticModel, StructuralModel, six_node_model, with_independent_noise

R = sp.Rational
PARENTS = {"A": (), "B": ("A",), "C": ("A", "B")}
MARKOV = "Product(Pc(v(i), pa(i)), (i, 1, n))"
TRUNCATED = "Product(delta(v(i), x(i)), (i, X))*Product(Pc(v(i), pa(i)), (i, V_x))"


def three_nodes() -> ProbabilisticModel:
    """A → B → C ← A with rational conditional probabilities, no two alike."""
    ones = {"A": R(1, 3), "B": [R(1, 5), R(2, 7)], "C": [[R(1, 2), R(3, 11)], [R(5, 13), R(1, 17)]]}
    tables = {name: np.stack([1 - np.array(p), np.array(p)], axis=-1) for name, p in ones.items()}
    return with_independent_noise({name: (PARENTS[name], tables[name]) for name in PARENTS})


def states() -> Responses:
    """All X and all functions from X to Y, with eight weights of which no two are alike."""
    weights = [R(k, 36) for k in range(1, 9)]
    kinds = itertools.product((0, 1), itertools.product((0, 1), repeat=2))
    return Responses([State(weight, x, y) for weight, (x, y) in zip(weights, kinds, strict=True)])


def test_the_product_over_the_nodes_is_the_joint_law_of_a_markov_model() -> None:
    law = Law(three_nodes().distribution("A", "B", "C"), ("A", "B", "C"))
    for v in itertools.product((0, 1), repeat=3):
        names = factorisation_names(law, PARENTS, dict(zip("ABC", v, strict=True)))
        assert parse(MARKOV, names) == law.array[v]


def test_the_product_over_the_nodes_is_not_the_joint_law_when_a_parent_is_forgotten() -> None:
    law = Law(three_nodes().distribution("A", "B", "C"), ("A", "B", "C"))
    forgetful = PARENTS | {"C": ("B",)}
    names = factorisation_names(law, forgetful, {"A": 1, "B": 0, "C": 1})
    assert parse(MARKOV, names) != law.array[1, 0, 1]


def test_the_truncated_product_is_the_law_after_surgery() -> None:
    model = three_nodes()
    law = Law(model.distribution("A", "B", "C"), ("A", "B", "C"))
    for x in ({"B": 1}, {"A": 0, "C": 1}):
        done = model.do(x).distribution("A", "B", "C")
        for v in itertools.product((0, 1), repeat=3):
            names = factorisation_names(law, PARENTS, dict(zip("ABC", v, strict=True)), x)
            assert parse(TRUNCATED, names) == done[v]


def test_events_in_brackets_are_one_event() -> None:
    law = Law(three_nodes().distribution("A", "B", "C"), ("A", "B", "C"))
    at = {"A": 1, "B": 0, "C": 1}
    names = law_names(law) | {name.lower(): event([name], at) for name in at}
    assert parse("Pc(c, (a, b))*P(a, b)", names) == law.array[1, 0, 1]
    assert parse("Pc(b, c)", names) == law.array[:, 0, 1].sum() / law.array[:, :, 1].sum()


def test_the_law_of_a_response_is_a_sum_over_states() -> None:
    u = states()
    names = u.names() | {"x": 1, "y": 0}
    by_hand = sum(s.weight for s in u if s.Y[1] == 0)
    assert parse("Sum(P(u)*delta(Y(x, u), y), u)", names) == by_hand
    assert parse("Sum(P(u)*delta(Y(u), y), u)", names) == sum(s.weight for s in u if s.Y[s.X] == 0) != by_hand


def test_two_forms_of_a_counterfactual_probability_agree_with_the_ratio_of_the_joint_law() -> None:
    u = states()
    for x, y, xp, yp in itertools.product((0, 1), repeat=4):
        names = u.names() | {"x": x, "y": y, "xp": xp, "yp": yp}
        ratio = u.counterfactual(yp, xp, frozenset({("X", x), ("Y", y)}))
        assert parse("Sum(Pc(u, (x, y))*delta(Y(xp, u), yp), u)", names) == ratio
        assert parse("Sum(Pc((x, y), u)*P(u)/P(x, y)*delta(Y(xp, u), yp), u)", names) == ratio
        assert parse("P(response(yp, xp), x, y)/P(x, y)", names) == ratio


def test_an_equation_of_a_structural_model_holds_in_every_state_and_fails_for_another_node() -> None:
    structure, nodes = six_node_model().structure, [f"V{k}" for k in range(1, 7)]
    names = equation_names(structure, nodes)
    for i, node in enumerate(nodes, 1):
        assert list(parse("f(i, pa(i), u(i))", names | {"i": i})) == values(structure, node)
    assert list(parse("f(i, pa(i), u(i))", names | {"i": 2})) != values(structure, "V3")


def test_what_is_refused_is_told_from_what_is_built() -> None:
    copy = {"X": Mechanism(("U",), lambda u: u)}
    assert refused(lambda: StructuralModel({}, copy))
    assert not refused(lambda: StructuralModel({"U": (0, 1)}, copy))


def test_arrows_carry_the_papers_names() -> None:
    graph = CausalGraph({"Λ": NodeKind.LATENT, "A": NodeKind.OBSERVED}, [("Λ", "A")])
    assert set(arrows(graph, {"Λ": "Lambda"})) == {"Lambda -> A"}


def test_both_halves_of_the_vocabulary_are_typeset() -> None:
    assert tex_names("sfc")["pa(_)"].format("i") == "pa_{i}"
