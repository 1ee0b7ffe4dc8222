"""Structural causal models: what they refuse, and the theorems that hold of every one of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from qlib.graphs.graphs import NodeKind, do
from qlib.models.structural_models import (
    Mechanism,
    ProbabilisticModel,
    Response,
    StructuralModel,
    firing_squad,
    independent,
    parallel_worlds,
    six_node_model,
    vaccination,
    with_independent_noise,
)
from qlib.numbers.exact_arrays import exact

half = sp.Rational(1, 2)


def random_structure(rng: np.random.Generator) -> StructuralModel:
    """Up to three exogenous and four endogenous variables with two or three values each, and random tables."""
    exogenous = {f"U{k}": tuple(range(rng.integers(2, 4))) for k in range(rng.integers(1, 4))}
    domains: dict[str, tuple[Any, ...]] = dict(exogenous)
    mechanisms = {}
    for name in [f"V{k}" for k in range(rng.integers(2, 5))]:
        parents = tuple(p for p in domains if rng.random() < 0.6)
        domain = ("a", "b", "c")[: rng.integers(2, 4)]
        mechanisms[name] = Mechanism(parents, rng.choice(domain, size=[len(domains[p]) for p in parents]), domain)
        domains[name] = domain
    order = rng.permutation(list(mechanisms)).tolist()
    return StructuralModel(exogenous, {name: mechanisms[name] for name in order})


def random_law(rng: np.random.Generator, shape: tuple[int, ...], exactly: bool = False) -> Any:
    """A joint law of correlated variables, a third of whose entries are zero."""
    counts = rng.integers(1, 20, size=shape) * (rng.random(shape) < 2 / 3)
    counts.flat[0] += 1
    return np.vectorize(lambda c: Fraction(int(c), int(counts.sum())), otypes=[object])(counts) if exactly else (
        counts / counts.sum()
    )  # fmt: skip


def random_model(rng: np.random.Generator, exactly: bool = False) -> ProbabilisticModel:
    structure = random_structure(rng)
    return ProbabilisticModel(structure, random_law(rng, structure.shape, exactly))


def random_value(rng: np.random.Generator, model: ProbabilisticModel, name: str) -> Any:
    domain = model.structure.domains[name]
    return domain[rng.integers(len(domain))]


def random_setting(rng: np.random.Generator, model: ProbabilisticModel) -> dict[str, Any]:
    return {v: random_value(rng, model, v) for v in sorted(model.structure.mechanisms) if rng.random() < 0.4}


def possible_evidence(rng: np.random.Generator, model: ProbabilisticModel) -> dict[str, Any]:
    """What is seen of some of the variables in some world of positive probability."""
    worlds = np.argwhere(model.law != 0)
    at = worlds[rng.integers(len(worlds))]
    u = {name: d[k] for (name, d), k in zip(model.structure.exogenous.items(), at, strict=True)}
    world = model.structure.solve(u)
    return {v: world[v] for v in sorted(model.structure.mechanisms) if rng.random() < 0.5}


# ── brute force: one world after the other, one variable after the other ────────────────────────────────────────────


def evaluate(model: StructuralModel, u: dict[str, Any], query: Response) -> Any:
    """The value of a potential response in one world, by recursion over the causes."""
    setting = dict(query.do)
    if query.variable in u:
        return u[query.variable]
    if query.variable in setting:
        value = setting[query.variable]
        return evaluate(model, u, value) if isinstance(value, Response) else value
    mechanism = model.mechanisms[query.variable]
    arguments = [evaluate(model, u, Response(parent, setting)) for parent in mechanism.parents]
    table = np.asarray(mechanism.rule, dtype=object)
    return table[tuple(model.domains[p].index(a) for p, a in zip(mechanism.parents, arguments, strict=True))]


def by_enumeration(model: ProbabilisticModel, event: dict[Any, Any], evidence: dict[Any, Any]) -> Any:
    """P(event | evidence) by enumeration of all exogenous states."""
    both, seen = 0, 0
    exogenous = model.structure.exogenous
    for weight, values in zip(model.law.flat, product(*exogenous.values()), strict=True):
        u = dict(zip(exogenous, values, strict=True))
        holds = {
            name: all(
                evaluate(model.structure, u, q if isinstance(q, Response) else Response(q)) == value
                for q, value in part.items()
            )
            for name, part in (("event", event), ("evidence", evidence))
        }
        seen += weight * int(holds["evidence"])
        both += weight * int(holds["evidence"] and holds["event"])
    return both / seen


@pytest.mark.parametrize("block", range(4))
def test_counterfactuals_by_three_steps_are_those_by_enumeration_of_worlds(block: int) -> None:
    rng = np.random.default_rng(block)
    for _ in range(500):
        model = random_model(rng)
        setting, evidence, target = random_setting(rng, model), possible_evidence(rng, model), "V1"
        value = random_value(rng, model, target)
        expected = by_enumeration(model, {Response(target, setting): value}, evidence)
        assert model.counterfactual({target: value}, setting, evidence) == pytest.approx(expected, abs=1e-12)
        assert model.probability({Response(target, setting): value}, evidence) == pytest.approx(expected, abs=1e-12)


def test_exact_counterfactuals_are_exactly_those_by_enumeration_and_close_to_the_floating_point_ones() -> None:
    rng = np.random.default_rng(11)
    for _ in range(150):
        model = random_model(rng, exactly=True)
        rounded = ProbabilisticModel(model.structure, model.law.astype(float))
        setting, evidence = random_setting(rng, model), possible_evidence(rng, model)
        value = random_value(rng, model, "V0")
        answer = model.counterfactual({"V0": value}, setting, evidence)
        assert answer.is_Rational
        assert answer == by_enumeration(model, {Response("V0", setting): value}, evidence)
        assert rounded.counterfactual({"V0": value}, setting, evidence) == pytest.approx(float(answer), abs=1e-12)


def test_joint_and_nested_counterfactuals_are_those_by_enumeration_of_worlds() -> None:
    rng = np.random.default_rng(12)
    for _ in range(500):
        model = random_model(rng)
        domains = model.structure.domains
        inner = Response("V0", random_setting(rng, model))
        outer = [v for v in sorted(model.structure.mechanisms) if domains[v] == domains["V0"]][-1]
        nested = Response("V1", random_setting(rng, model) | {outer: inner})
        event: dict[Any, Any] = {q: random_value(rng, model, q.variable) for q in (nested, inner, Response("V1"))}
        evidence = possible_evidence(rng, model)
        expected = by_enumeration(model, event, evidence)
        assert model.probability(event, evidence) == pytest.approx(expected, abs=1e-12)


def test_a_twin_network_answers_counterfactuals_by_mere_conditioning() -> None:
    rng = np.random.default_rng(13)
    for _ in range(300):
        model = random_model(rng)
        setting, evidence = random_setting(rng, model), possible_evidence(rng, model)
        twin = parallel_worlds(model, {"": {}, "*": setting})
        value = random_value(rng, model, "V1")
        answer = model.counterfactual({"V1": value}, setting, evidence)
        assert twin.probability({"V1*": value}, evidence) == pytest.approx(answer, abs=1e-12)


def test_a_joint_distribution_has_the_probabilities_of_its_events() -> None:
    rng = np.random.default_rng(14)
    for _ in range(100):
        model = random_model(rng)
        queries = (Response("V0", random_setting(rng, model)), "V1", "U0")
        table = model.distribution(*queries, given=possible_evidence(rng, model))
        assert table.sum() == pytest.approx(1)
        joint = model.distribution(*queries)
        names = ("V0", "V1", "U0")
        for at in np.ndindex(joint.shape):
            event = {q: model.structure.domains[n][k] for q, n, k in zip(queries, names, at, strict=True)}
            assert joint[at] == pytest.approx(model.probability(event), abs=1e-12)


@pytest.mark.parametrize("order", [0.5, half, sp.Symbol("p", positive=True)])
def test_the_distribution_of_no_variable_is_one(order: Any) -> None:
    total = firing_squad(order, half if isinstance(order, sp.Expr) else 0.25).distribution()
    assert total.shape == ()
    assert abs(sp.expand(total.item() - 1)) < 1e-12


def test_solving_one_world_is_one_entry_of_solving_all() -> None:
    rng = np.random.default_rng(15)
    for _ in range(100):
        model = random_structure(rng)
        setting = random_setting(rng, ProbabilisticModel(model, random_law(rng, model.shape)))
        for values in product(*model.exogenous.values()):
            u = dict(zip(model.exogenous, values, strict=True))
            world = model.solve(u, setting)
            for name in model.mechanisms:
                assert world[name] == evaluate(model, u, Response(name, setting))


# ── axioms of potential responses (Galles & Pearl 1998) ─────────────────────────────────────────────────────────────


def same(a: Any, b: Any) -> bool:
    return bool(np.all(np.equal(a, b)))


def test_effectiveness_what_is_set_to_x_is_x() -> None:
    rng = np.random.default_rng(21)
    for _ in range(200):
        model = random_model(rng)
        setting = random_setting(rng, model)
        for name, value in setting.items():
            assert same(model.structure.responses(Response(name, setting)), model.structure.index(name, value))


def test_composition_setting_a_variable_to_what_it_would_be_changes_nothing() -> None:
    rng = np.random.default_rng(22)
    for _ in range(200):
        model = random_model(rng)
        structure, setting = model.structure, random_setting(rng, model)
        for w in structure.mechanisms:
            as_is = structure.responses(Response("V1", setting))
            natural = structure.responses(Response(w, setting))
            nested = structure.responses(Response("V1", setting | {w: Response(w, setting)}))
            assert same(as_is, nested)
            for k, value in enumerate(structure.domains[w]):
                forced = structure.responses(Response("V1", setting | {w: value}))
                assert np.all((natural != k) | (as_is == forced))


def test_reversibility_two_responses_that_confirm_each_other_are_the_solution() -> None:
    rng = np.random.default_rng(23)
    for _ in range(200):
        model = random_model(rng)
        structure, setting = model.structure, random_setting(rng, model)
        for (i, y), (j, w) in product(*(list(enumerate(structure.domains[v])) for v in ("V0", "V1"))):
            confirm = (structure.responses(Response("V0", setting | {"V1": w})) == i) & (
                structure.responses(Response("V1", setting | {"V0": y})) == j
            )
            assert np.all(~confirm | (structure.responses(Response("V0", setting)) == i))


def test_do_leaves_the_laws_of_non_descendants_alone() -> None:
    rng = np.random.default_rng(24)
    for _ in range(200):
        model = random_model(rng)
        setting = random_setting(rng, model)
        digraph = model.structure.graph.digraph
        affected = set(setting).union(*(nx.descendants(digraph, x) for x in setting))
        others = sorted(set(model.structure.mechanisms) - affected)
        after = model.do(setting).distribution(*others)
        np.testing.assert_allclose(after, model.distribution(*others), atol=1e-12)


def test_consistency_where_x_was_x_anyway_do_changes_nothing() -> None:
    rng = np.random.default_rng(25)
    for _ in range(200):
        model = random_model(rng)
        seen = possible_evidence(rng, model)
        np.testing.assert_allclose(
            model.distribution(Response("V1", seen), given=seen) if seen else model.distribution("V1"),
            model.distribution("V1", given=seen),
            atol=1e-12,
        )


def test_the_law_of_a_submodel_is_that_of_the_potential_responses() -> None:
    rng = np.random.default_rng(26)
    for _ in range(200):
        model = random_model(rng)
        setting = random_setting(rng, model)
        names = sorted(model.structure.mechanisms)
        responses = model.distribution(*(Response(name, setting) for name in names))
        np.testing.assert_allclose(model.do(setting).distribution(*names), responses, atol=1e-12)


def test_interventions_one_after_the_other_are_one_intervention() -> None:
    rng = np.random.default_rng(27)
    for _ in range(100):
        model = random_model(rng)
        first, second = random_setting(rng, model), random_setting(rng, model)
        twice, once = model.do(first).do(second), model.do(first | second)
        assert twice.structure.graph == once.structure.graph
        np.testing.assert_allclose(twice.distribution("V0", "V1"), once.distribution("V0", "V1"), atol=1e-12)


def test_the_graph_of_a_submodel_is_the_graph_after_surgery() -> None:
    rng = np.random.default_rng(28)
    for _ in range(100):
        model = random_model(rng)
        setting = random_setting(rng, model)
        after = model.structure.do(setting)
        assert after.endogenous_graph == do(model.structure.endogenous_graph, *setting)
        assert set(after.exogenous) <= set(model.structure.exogenous)
        assert after.fixed == set(setting)


# ── models with independent noise: causal Bayesian networks ─────────────────────────────────────────────────────────


def random_network(rng: np.random.Generator) -> dict[str, tuple[tuple[str, ...], Any]]:
    sizes = {name: int(rng.integers(1, 4)) for name in "ABC"}
    network = {}
    for k, name in enumerate(sizes):
        parents = tuple(p for p in list(sizes)[:k] if rng.random() < 0.7)
        table = rng.dirichlet(np.ones(sizes[name]), size=[sizes[p] for p in parents])
        network[name] = (parents, np.where(rng.random() < 0.2, np.eye(sizes[name])[0], table))
    return network


def product_of_conditionals(network: dict[str, tuple[tuple[str, ...], Any]], without: str = "") -> Any:
    """The Markov factorisation (1), or the truncated one (2) without a factor."""
    letters = {name: name.lower() for name in network}
    kept = {name: part for name, part in network.items() if name != without}
    subscripts = ",".join("".join(letters[v] for v in (*parents, name)) for name, (parents, _) in kept.items())
    return np.einsum(f"{subscripts}->abc", *(table for _, table in kept.values()))


def test_independent_noise_gives_the_markov_factorisation_and_do_the_truncated_one() -> None:
    rng = np.random.default_rng(31)
    for _ in range(200):
        network = random_network(rng)
        model = with_independent_noise(network)
        np.testing.assert_allclose(model.distribution("A", "B", "C"), product_of_conditionals(network), atol=1e-12)
        for b in model.structure.domains["B"]:
            after = model.do({"B": b}).distribution("A", "B", "C")
            size = after.shape[1]
            factor = {"B": ((), np.eye(size)[b])}
            expected = product_of_conditionals({**network, **factor})
            np.testing.assert_allclose(after, expected, atol=1e-12)


def test_worlds_side_by_side_have_places_of_their_own_if_the_model_has() -> None:
    twin = parallel_worlds(firing_squad(0.5, 0.25), {"": {}, "*": {"A": 0}}).structure
    assert set(twin.positions) == set(twin.domains)
    assert len(set(twin.positions.values())) == len(twin.positions)
    assert parallel_worlds(copies_of_a_coin("A"), {"": {}, "*": {}}).structure.positions == {}


def test_every_exogenous_variable_of_independent_noise_has_one_child() -> None:
    structure = six_node_model().structure
    assert sorted(structure.graph.edges - structure.endogenous_graph.edges) == [
        (f"U_V{k}", f"V{k}") for k in range(1, 7)
    ]


def test_free_symbols_are_carried_through_every_step() -> None:
    a, b = sp.symbols("a b", positive=True)
    model = firing_squad(a, b)
    numbers = firing_squad(sp.Rational(1, 3), sp.Rational(1, 5))
    answer = model.counterfactual({"D": 0}, {"A": 0}, {"D": 1})
    assert sp.simplify(answer - (1 - a) * b / (1 - (1 - a) * (1 - b))) == 0  # Pearl, Causality, Sec. 7.1.2
    assert answer.subs({a: sp.Rational(1, 3), b: sp.Rational(1, 5)}) == numbers.counterfactual(
        {"D": 0}, {"A": 0}, {"D": 1}
    )


def test_a_posterior_is_kept_joint() -> None:
    posterior = firing_squad(half, half).abduct({"D": 1})
    law = posterior.distribution("U", "W")
    assert np.array_equal(posterior.law, law)
    assert law[0, 0] == 0 != posterior.distribution("U")[0] * posterior.distribution("W")[0]
    assert posterior.do({"B": 0}).probability({"D": 1}) == 1


def test_a_law_with_radicals_is_exact() -> None:
    root = sp.sqrt(2)
    coin = StructuralModel({"U": (0, 1)}, {"X": Mechanism(("U",), lambda u: u)})
    model = ProbabilisticModel(coin, [1 - root / 2, root / 2])
    assert model.probability({"X": 1}) == root / 2
    assert ProbabilisticModel(coin, [1 / (1 + root), 2 - root]).law[0] == root - 1


@given(st.lists(st.integers(0, 9), min_size=24, max_size=24).filter(any))
def test_vaccination_with_any_correlations_obeys_the_bounds_of_tian_and_pearl(counts: list[int]) -> None:
    law = np.array([Fraction(c, sum(counts)) for c in counts], dtype=object).reshape(2, 3, 4)
    model = vaccination(law)
    both = model.probability({Response("Y", {"X": 0}): 1, Response("Y", {"X": 1}): 0})
    ill = {x: model.do({"X": x}).probability({"Y": 1}) for x in (0, 1)}
    joint = model.distribution("X", "Y")
    assert max(0, ill[0] - ill[1]) <= both <= min(ill[0], 1 - ill[1], joint[0, 1] + joint[1, 0])


def test_in_the_world_of_the_default_law_it_is_the_cautious_who_are_less_at_risk() -> None:
    model = vaccination()
    assert model.probability({"Y": 1}, given={"X": 1}) < model.do({"X": 1}).probability({"Y": 1})


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────────

BIT = {"U": (0, 1)}
COPY = Mechanism(("U",), lambda u: u)


@pytest.mark.parametrize(
    ("exogenous", "mechanisms", "message"),
    [
        (BIT, {"X": Mechanism(("Y",), lambda y: y), "Y": Mechanism(("X",), lambda x: x)}, "cycle: "),
        (BIT, {"X": Mechanism(("W",), lambda w: w)}, "X: its parent 'W' is not a variable; they are U, X"),
        (BIT, {"X": Mechanism(("U", "U"), lambda u, v: u)}, "X: 'U' is its parent twice"),
        (
            BIT,
            {"X": Mechanism(("U",), lambda u: u + 1)},
            r"X: its function gives 2 at \(U=1\); its values are \(0, 1\)",
        ),
        (
            BIT,
            {"X": Mechanism(("U",), [0, 1, 1])},
            r"X: its table has shape \(3,\); its parents' values make it \(2,\)",
        ),
        (BIT, {"X": Mechanism(("U",), lambda u: u, ())}, r"X: its domain \(\) should hold at least one value"),
        ({"U": (0, 0)}, {"X": COPY}, r"U: its domain \(0, 0\) should hold .* none twice"),
        (BIT, {"U": COPY}, "'U' is both exogenous and endogenous"),
    ],
)
def test_a_model_that_is_none_is_refused(exogenous: Any, mechanisms: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StructuralModel(exogenous, mechanisms)


@pytest.mark.parametrize(
    ("law", "message"),
    [
        ([0.5, 0.6], r"the law of \(U\) sums to 1.1"),
        ([half, sp.Rational(1, 3)], r"the law of \(U\) sums to 5/6"),
        ([sp.Symbol("p"), sp.Symbol("q")], r"the law of \(U\) sums to p \+ q"),
        ([1.5, -0.5], r"the law of \(U\) is -0.5 at \(U=1\)"),
        ([1 + sp.sqrt(2), -sp.sqrt(2)], r"the law of \(U\) is -sqrt\(2\) at \(U=1\)"),
        ([float("nan"), 1.0], r"law: entry \(0,\) is nan"),
        ([1.0], r"has shape \(1,\); the numbers of values make it \(2,\)"),
        ([1j, 1 - 1j], "dtype complex128"),
        ([half, 0.5], "rounded number 0.5"),
    ],
)
def test_a_law_that_is_none_is_refused(law: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProbabilisticModel(StructuralModel(BIT, {"X": COPY}), law)


def test_queries_about_what_is_not_there_are_refused() -> None:
    model = firing_squad(0.5, 0.25)
    for call, message in (
        (lambda: model.distribution("E"), "'E' is not a variable"),
        (lambda: model.probability({"D": 2}), "D = 2: its values are 0, 1"),
        (lambda: model.probability({Response("D", {"E": 0}): 1}), "'E' is not a variable"),
        (lambda: model.probability({Response("D", {"A": 7}): 1}), "A = 7: its values are 0, 1"),
        (lambda: model.do({"U": 1}), r"do\(U\): it is exogenous"),
        (lambda: model.do({"A": 7}), "A = 7: its values are 0, 1"),
        (lambda: model.structure.solve({"U": 1}), "u gives values to U; the exogenous variables are U, W"),
        (lambda: model.abduct({"A": 0, "D": 1}), "evidence A=0, D=1: it has probability zero"),
        (lambda: model.probability({"D": 1}, given={"C": 1, "B": 0}), "evidence C=1, B=0: it has probability zero"),
        (lambda: parallel_worlds(model, {"": {}, "*": {"E": 1}}), "'E' is not a variable"),
        (lambda: parallel_worlds(copies_of_a_coin("A", "AA"), {"": {}, "A": {}}), "'AA' is the name of another"),
        (
            lambda: independent(model.structure, {"U": [0.5, 0.5]}),
            "laws of U; they should be of each exogenous variable once: U, W",
        ),
        (
            lambda: independent(model.structure, {"U": [1], "W": [0.5, 0.5]}),
            r"the law of \(U\) has shape \(1,\); the numbers of values make it \(2,\)",
        ),
        (lambda: six_node_model({"V7": 0}), "the variables are V1"),
        (lambda: with_independent_noise({"X": ((), [0.5, 0.4])}), r"X: the row .* sums to 0.9"),
        (lambda: with_independent_noise({"X": (("W",), [0.5, 0.5])}), "X: its parent 'W' is not a variable"),
        (lambda: with_independent_noise({"X": ((), [[0.5, 0.5]])}), r"X: its table has shape \(1, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def copies_of_a_coin(*names: str) -> ProbabilisticModel:
    structure = StructuralModel(BIT, dict.fromkeys(names, COPY))
    return ProbabilisticModel(structure, [half, half])


def test_a_fixed_variable_is_drawn_as_fixed() -> None:
    after = six_node_model().structure.do({"V2": 1})
    assert after.graph.of_kind(NodeKind.FIXED) == ("V2",)
    assert "U_V2" not in after.graph.kinds


def test_a_law_with_symbols_may_have_rational_coefficients():
    """Whether it sums to one is decided exactly, at a rational point."""
    p = sp.Symbol("p", positive=True)
    structure = StructuralModel({"U": (0, 1, 2)}, {"X": Mechanism(("U",), lambda u: u, (0, 1, 2))})
    third = sp.Rational(1, 3)
    model = ProbabilisticModel(structure, [p * third, p * 2 * third, 1 - p])
    assert model.probability({"X": 1}) == 2 * p / 3
    with pytest.raises(ValueError, match="it should sum to 1"):
        ProbabilisticModel(structure, [p * third, p * third, 1 - p])


def bayesian_network(kind: str, nodes: int, rng: np.random.Generator) -> dict[str, Any]:
    """A chain, a binary tree or a ladder two wide of bits, with random exact tables."""
    parents = {
        "chain": lambda k: [k - 1],
        "tree": lambda k: [(k - 1) // 2],
        "ladder": lambda k: [k - 2] if k % 2 == 0 else [k - 2, k - 1],
    }[kind]
    network = {}
    for k in range(nodes):
        pa = tuple(f"V{j}" for j in parents(k) if k > 0 and j >= 0)
        ones = exact([sp.Rational(int(n), 10) for n in rng.integers(1, 10, 2 ** len(pa))]).reshape((2,) * len(pa))
        network[f"V{k}"] = (pa, np.stack([1 - ones, ones], axis=-1))
    return network


def rounded(network: dict[str, Any]) -> dict[str, Any]:
    return {name: (pa, table.astype(float)) for name, (pa, table) in network.items()}


@pytest.mark.parametrize("kind", ["chain", "tree", "ladder"])
def test_forty_variables_answer_on_every_rung_exactly_and_in_floating_point_alike(kind: str) -> None:
    """By recursion along the network: P(v_k) of a chain and a tree is a product of matrices."""
    network = bayesian_network(kind, 40, np.random.default_rng(7))
    exactly, closely = with_independent_noise(network), with_independent_noise(rounded(network))
    given = {"V39": 1, "V20": 0, "V3": 1}
    for ask in (
        lambda m: m.probability({"V39": 1}),
        lambda m: m.probability({"V1": 1}, given=given),
        lambda m: m.do({"V9": 1}).probability({"V39": 1, "V5": 0}),
        lambda m: m.counterfactual({"V39": 0, "V38": 1}, do={"V3": 0}, given=given),
        lambda m: m.probability({Response("V39", {"V9": 0}): 0, Response("V39", {"V9": 1}): 1}, given={"V20": 0}),
        lambda m: parallel_worlds(m, {"": {}, "*": {"V3": 0}}).probability({"V39*": 0, "V38*": 1}, given=given),
    ):
        value = ask(exactly)
        assert isinstance(value, sp.Rational)
        assert 0 <= value <= 1
        assert ask(closely) == pytest.approx(float(value), rel=1e-9)
    if kind == "chain":
        law = np.array([1], dtype=object)
        for pa, table in network.values():
            law = law @ table if pa else table
        assert exactly.probability({"V39": 1}) == law[1]


def test_worlds_side_by_side_agree_with_abduction_action_and_prediction_at_forty_variables() -> None:
    model = with_independent_noise(bayesian_network("ladder", 40, np.random.default_rng(8)))
    given = {"V39": 1, "V20": 0, "V3": 1}
    twin = parallel_worlds(model, {"": {}, "*": {"V3": 0}})
    assert twin.probability({"V39*": 1}, given=given) == model.counterfactual({"V39": 1}, do={"V3": 0}, given=given)


def test_worlds_share_what_an_intervention_does_not_reach() -> None:
    """So a counterfactual about the last variables of a long chain costs no more than about a short one."""
    model = with_independent_noise(bayesian_network("chain", 30, np.random.default_rng(1)))
    worlds = model._worlds()
    worlds.response(model.structure, "V29")
    before = len(worlds.tensors)
    worlds.response(model.structure, Response("V29", {"V27": 1}))
    assert len(worlds.tensors) - before == 3  # the value that is set, V28, V29


def test_a_joint_law_too_large_to_be_made_and_a_question_too_wide_are_refused_by_size() -> None:
    many = with_independent_noise(bayesian_network("chain", 30, np.random.default_rng(1)))
    with pytest.raises(ValueError, match=r"the joint law of .* entries, and at most 16777216 are made"):
        many.law  # noqa: B018
    wide = with_independent_noise({f"X{k}": ((), [0.5, 0.5]) for k in range(30)})
    with pytest.raises(ValueError, match="needs a tensor of 1073741824 entries"):
        wide.distribution(*wide.structure.mechanisms)


def test_groups_of_correlated_exogenous_variables_are_one_law() -> None:
    rng = np.random.default_rng(3)
    first, second = (rng.dirichlet(np.ones(6)).reshape(2, 3) for _ in range(2))
    domains = {"A": (0, 1), "B": (0, 1), "C": (0, 1, 2), "D": (0, 1, 2)}
    structure = StructuralModel(domains, {"X": Mechanism(("A", "C"), lambda a, c: (a + c) % 2)})
    grouped = ProbabilisticModel(structure, {("A", "C"): first, ("B", "D"): second})
    joint = ProbabilisticModel(structure, np.einsum("ac,bd->abcd", first, second))
    np.testing.assert_allclose(grouped.law, joint.law)
    np.testing.assert_allclose(grouped.abduct({"X": 1, "B": 0}).law, joint.abduct({"X": 1, "B": 0}).law, rtol=1e-12)
    for groups in ({("A", "C"): first}, {("A", "C"): first, ("B", "D"): second, ("A",): [0.5, 0.5]}):
        with pytest.raises(ValueError, match="each exogenous variable once"):
            ProbabilisticModel(structure, groups)
