"""The quantum extension of a classical model: each step does what it should, and the counterfactuals are the same."""

from __future__ import annotations

from itertools import product

import networkx as nx
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qlib.models.structural_models import (
    Mechanism,
    ProbabilisticModel,
    StructuralModel,
    firing_squad,
    independent,
    six_node_model,
    vaccination,
)
from qlib.numbers.exact_arrays import as_float
from qlib.quantum.classical_to_quantum import (
    DISAGREEMENT,
    Added,
    JointPreparation,
    binary_extension,
    bits,
    cnot_gates,
    copy_unitary,
    intervention,
    observation,
    quantum_extension,
    quantum_query,
    reversible,
    reversible_extension,
)
from qlib.quantum.counterfactuals import QueryKind, evaluate
from qlib.quantum.processes import probability

half = sp.Rational(1, 2)
seeds = st.integers(0, 2**32 - 1)
AND = Mechanism(("A", "B"), lambda a, b: a & b)


def fair(structure: StructuralModel) -> ProbabilisticModel:
    return independent(structure, {u: np.full(len(d), 1 / len(d)) for u, d in structure.exogenous.items()})


def random_model(seed: int, kind: str = "own noise") -> ProbabilisticModel:
    """Up to four variables of up to three values; "shared" noise feeds several functions and is correlated."""
    rng = np.random.default_rng(seed)
    names = [f"V{k}" for k in range(rng.integers(1, 5))]
    exogenous = {f"U{k}": tuple(range(rng.integers(1, 4))) for k in range(len(names))}
    domains = {name: ("a", "b", "c")[: rng.integers(1, 4)] for name in names}
    mechanisms, used = {}, dict.fromkeys(names, 0)
    for k, name in enumerate(names):
        parents = [p for p in names[:k] if used[p] < 4 - len(domains[p]) and rng.random() < 0.6]
        used |= {p: used[p] + 1 for p in parents}
        noises = [f"U{k}"] if kind == "own noise" else [u for u in exogenous if rng.random() < 0.4]
        shape = [len((exogenous | domains)[p]) for p in (*parents, *noises)]
        mechanisms[name] = Mechanism((*parents, *noises), rng.choice(domains[name], size=shape), domains[name])
    structure = StructuralModel(exogenous, mechanisms)
    if kind == "own noise":
        return independent(structure, {u: rng.dirichlet(np.ones(len(d))) for u, d in exogenous.items()})
    law = rng.random(structure.shape) * (rng.random(structure.shape) < 2 / 3)
    law.flat[0] += 1
    return ProbabilisticModel(structure, law / law.sum())


def random_counterfactual(seed: int, model: ProbabilisticModel) -> tuple[dict, dict, dict]:
    """Evidence that is possible, an intervention, and a consequent about the other variables."""
    rng = np.random.default_rng(seed)
    worlds = np.argwhere(model.law > 0)
    u = {name: d[k] for (name, d), k in zip(model.structure.exogenous.items(), rng.choice(worlds), strict=True)}
    world = model.structure.solve(u)
    names = list(model.structure.mechanisms)
    evidence = {v: world[v] for v in names if rng.random() < 0.6}
    asked = rng.choice(names)
    do = {v: rng.choice(model.structure.domains[v]) for v in names if v != asked and rng.random() < 0.4}
    return evidence, do, {v: rng.choice(model.structure.domains[v]) for v in names if v not in do}


# ── Corollary 1 and Theorem 3 ───────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=12, deadline=None)
@given(seeds, st.sampled_from(["own noise", "shared"]))
def test_every_counterfactual_is_that_of_the_classical_model(seed, kind):
    model = random_model(seed, kind)
    evidence, do, consequent = random_counterfactual(seed, model)
    answer = evaluate(quantum_extension(model), quantum_query(model, evidence, do, consequent))
    assert answer.probability == pytest.approx(model.counterfactual(consequent, do, evidence), abs=1e-12)
    assert not answer.impossible


@settings(max_examples=6, deadline=None)
@given(seeds, st.sampled_from(["own noise", "shared"]))
def test_the_law_is_reproduced(seed, kind):
    model = random_model(seed, kind)
    quantum, names = quantum_extension(model), list(model.structure.mechanisms)
    instruments = {name: observation(model, name) for name in names}
    law = model.distribution(*names)
    for at in np.ndindex(law.shape):
        values = {name: model.structure.domains[name][k] for name, k in zip(names, at, strict=True)}
        assert probability(quantum, instruments, values) == pytest.approx(law[at], abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_nothing_influences_a_node_but_its_parents_and_its_own_exogenous_nodes(seed):
    model = random_model(seed)
    for name, causes in quantum_extension(model).influence.items():
        own = {f"U{name[1:]}", f"T'_{name}", f"Λ'_{name}"}
        assert causes <= {*model.structure.mechanisms[name].parents, *own}


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_copies_never_disagree_and_added_values_never_occur(seed):
    model = random_model(seed, "shared")
    quantum = quantum_extension(model)
    instruments = {name: observation(model, name) for name in model.structure.mechanisms}
    for name, instrument in instruments.items():
        for outcome in instrument.outcomes:
            if outcome == DISAGREEMENT or isinstance(outcome, Added):
                assert probability(quantum, instruments, {name: outcome}) == pytest.approx(0, abs=1e-12)


def test_free_symbols_give_the_classical_formula():
    order, nervous = sp.symbols("o n", positive=True)
    squad = firing_squad(order, nervous)
    answer = evaluate(quantum_extension(squad), quantum_query(squad, {"D": 1}, {"A": 0}, {"D": 1}))
    assert sp.simplify(answer.probability - squad.counterfactual({"D": 1}, {"A": 0}, {"D": 1})) == 0
    assert answer.query.kind is QueryKind.DO


def test_known_models_give_the_known_answers():
    squad = firing_squad(half, half / 2)
    assert evaluate(quantum_extension(squad), quantum_query(squad, {"D": 1}, {"A": 0}, {"D": 1})).probability == 4 * (
        sp.Rational(1, 5)
    )
    people = vaccination()
    query = quantum_query(people, {"X": 1, "Y": 0}, {"X": 0}, {"Y": 1})
    assert evaluate(quantum_extension(people), query).probability == people.counterfactual(
        {"Y": 1}, {"X": 0}, {"X": 1, "Y": 0}
    )


def test_correlated_noise_needs_a_joint_preparation():
    structure = StructuralModel(
        {"U": (0, 1), "W": (0, 1)}, {"X": Mechanism(("U",), lambda u: u), "Y": Mechanism(("W",), lambda w: w)}
    )
    together = ProbabilisticModel(structure, [[0.5, 0.0], [0.0, 0.5]])
    quantum = quantum_extension(together)
    assert isinstance(quantum, JointPreparation)
    instruments = {name: observation(together, name) for name in "XY"}
    assert probability(quantum, instruments, {"X": 1, "Y": 0}) == 0
    assert not isinstance(quantum_extension(fair(structure)), JointPreparation)


def test_a_shared_exogenous_variable_influences_several_nodes():
    shared = StructuralModel(
        {"U": (0, 1)}, {"X": Mechanism(("U",), lambda u: u), "Y": Mechanism(("U",), lambda u: 1 - u)}
    )
    influence = quantum_extension(fair(shared)).influence
    assert "U" in influence["X"]
    assert "U" in influence["Y"]


def test_a_model_after_an_intervention_has_an_extension_too():
    squad = firing_squad(half, half / 2).do({"B": 1})
    query = quantum_query(squad, {"D": 1}, {"A": 0}, {"C": 1})
    assert evaluate(quantum_extension(squad), query).probability == squad.counterfactual({"C": 1}, {"A": 0}, {"D": 1})


def test_the_example_of_six_nodes():
    exactly = six_node_model()
    model = ProbabilisticModel(exactly.structure, as_float(exactly.law))
    query = quantum_query(model, {"V5": 1, "V6": 0}, {"V2": 1}, {"V4": 1})
    assert evaluate(quantum_extension(model), query).probability == pytest.approx(
        float(exactly.counterfactual({"V4": 1}, {"V2": 1}, {"V5": 1, "V6": 0})), abs=1e-12
    )


# ── the steps ───────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(["own noise", "shared"]))
def test_the_binary_extension_changes_nothing_that_was_there(seed, kind):
    model = random_model(seed, kind)
    binary = binary_extension(model)
    for name, values in model.structure.domains.items():
        extended = binary.structure.domains[name]
        assert extended[: len(values)] == values
        assert len(extended) == 2 ** bits(len(values))
    old = tuple(slice(k) for k in model.law.shape)
    assert binary.law[old].tolist() == model.law.tolist()
    assert binary.law.sum() == pytest.approx(1)
    for name, table in model.structure.tables.items():
        assert (binary.structure.tables[name][tuple(slice(k) for k in table.shape)] == table).all()
    assert binary.structure.endogenous_graph.edges == model.structure.endogenous_graph.edges


def test_added_arguments_count_as_the_star():
    structure = StructuralModel({"U": (0, 1, 2)}, {"X": Mechanism(("U",), lambda u: u, (0, 1, 2))})
    for star in range(3):
        binary = binary_extension(fair(structure), {"U": star}).structure
        assert binary.tables["X"].tolist() == [0, 1, 2, star]


@given(seeds)
def test_a_reversible_function_is_a_bijection_that_continues_the_function(seed):
    rng = np.random.default_rng(seed)
    values = int(rng.integers(1, 6))
    table = rng.integers(values, size=rng.integers(1, 4, size=rng.integers(0, 4)))
    f = reversible(table, values)
    assert (f.value[0] == table).all()
    assert len({*zip(f.value.ravel().tolist(), f.rank.ravel().tolist(), strict=True)}) == f.value.size
    assert f.value.size == f.sizes[0] * f.sizes[1]
    assert (f.matrix.T @ f.matrix == np.eye(f.value.size)).all()


@given(seeds)
def test_the_auxiliary_variable_is_as_small_as_can_be(seed):
    """A bijection exists exactly if the arguments with t₀ can be matched to pairs (f(x), s), a matching of a graph."""
    rng = np.random.default_rng(seed)
    table, values = rng.integers(4, size=(2, 2)), 4
    f = reversible(table, values)
    for T in (2**k for k in range(bits(len(f.value)))):
        S = T * table.size // values
        pairs = nx.Graph()
        pairs.add_nodes_from(((x, "argument") for x in range(table.size)), bipartite=0)
        pairs.add_edges_from(((x, "argument"), (v, s)) for x, v in enumerate(table.ravel()) for s in range(S))
        matching = nx.bipartite.maximum_matching(pairs, [(x, "argument") for x in range(table.size)])
        assert len(matching) // 2 < table.size


def test_and_is_no_bijection_for_all_values_of_the_auxiliary_variable():
    f = reversible([[0, 0], [0, 1]], 2)
    assert (f.value[1] != f.value[0]).any()


@given(seeds, st.sampled_from(["fixed", "uniform"]))
@settings(max_examples=30, deadline=None)
def test_a_uniform_auxiliary_variable_keeps_the_law_only_if_the_function_is_balanced(seed, ancilla):
    rng = np.random.default_rng(seed)
    table = rng.integers(2, size=(2, 2))
    model = fair(StructuralModel({"A": (0, 1), "B": (0, 1)}, {"X": Mechanism(("A", "B"), table)}))
    kept = np.allclose(reversible_extension(model, ancilla).distribution("X"), model.distribution("X"))
    assert kept == (ancilla == "fixed" or table.sum() == 2)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_the_reversible_extension_keeps_all_counterfactuals(seed):
    model = random_model(seed)
    evidence, do, consequent = random_counterfactual(seed, model)
    extended = reversible_extension(binary_extension(model))
    assert extended.counterfactual(consequent, do, evidence) == pytest.approx(
        model.counterfactual(consequent, do, evidence), abs=1e-12
    )


@pytest.mark.parametrize(("copies", "qubits"), [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2), (3, 1)])
def test_copying_adds_the_value_to_each_blank(copies, qubits):
    d = 2**qubits
    C = copy_unitary(copies, qubits).reshape((d,) * (2 * (copies + 1)))
    for *x, v in product(range(d), repeat=copies + 1):
        assert C[(*(k ^ v for k in x), v, *x, v)] == 1
    assert C.sum() == d ** (copies + 1)
    assert len(cnot_gates(copies, qubits)) == copies * qubits


def test_copying_is_its_own_inverse():
    C = copy_unitary(2, 2)
    assert np.array_equal(C @ C, np.eye(len(C)))


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_not_there_is_refused_by_name():
    squad = firing_squad(0.5, 0.25)
    with pytest.raises(ValueError, match=r"do\(U\): it is exogenous"):
        intervention(squad, "U", 1)
    with pytest.raises(ValueError, match="'E' is not a variable"):
        observation(squad, "E")
    with pytest.raises(ValueError, match="A = 2: its values are 0, 1"):
        intervention(squad, "A", 2)
    with pytest.raises(ValueError, match="D = 7: its values are 0, 1"):
        quantum_query(squad, {"D": 7}, {"A": 0}, {"B": 1})
    with pytest.raises(ValueError, match="A is set and asked for"):
        quantum_query(squad, {}, {"A": 0}, {"A": 1})


def test_functions_and_ancillas_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the function has the places 0 to 2; V has 0 to 1"):
        reversible([0, 2], 2)
    with pytest.raises(ValueError, match=r"\|T'\| = 1: 1 x 4 arguments do not fill 2 blocks of equal size, at least 3"):
        reversible([0, 0, 0, 1], 2, ancilla=1)


def test_a_name_that_the_extension_needs_is_refused():
    structure = StructuralModel({"T'_X": (0, 1)}, {"X": Mechanism(("T'_X",), lambda u: u)})
    with pytest.raises(ValueError, match='"T\'_X" is a variable of the model already'):
        reversible_extension(fair(structure))
    with pytest.raises(ValueError, match="T'_X"):
        quantum_extension(fair(structure))


def test_a_node_too_large_for_its_instruments_is_refused():
    users = {f"Y{k}": Mechanism(("X",), lambda x: x) for k in range(6)}
    structure = StructuralModel({"U": (0, 1)}, {"X": Mechanism(("U",), lambda u: u), **users})
    with pytest.raises(ValueError, match="X: 6 copies of 1 qubits; a node should have at most 5 qubits"):
        quantum_extension(fair(structure))
