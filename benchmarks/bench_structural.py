"""How long a structural model of forty bits takes on each rung, and beside it pgmpy, where that is installed.

pgmpy is not among the packages of this project. It answers the first two rungs itself; for the third it is given the
twin network, the two worlds that share their noises, as one would build it by hand. Its numbers are ours.
"""

import numpy as np
import pytest

from qlib.models import StructuralModel, with_independent_noise

SIZE = 40
GIVEN = {"V39": 1, "V20": 0}
DO = {"V3": 1}


def ladder(size, seed=7):
    """A ladder two wide of bits, with random tables: variable → (parents, P(v | parents))."""
    rng = np.random.default_rng(seed)
    network = {}
    for k in range(size):
        parents = [j for j in ([k - 2] if k % 2 == 0 else [k - 2, k - 1]) if j >= 0]
        ones = rng.uniform(0.1, 0.9, (2,) * len(parents))
        network[f"V{k}"] = (tuple(f"V{j}" for j in parents), np.stack([1 - ones, ones], axis=-1))
    return network


@pytest.fixture(scope="module")
def model():
    return with_independent_noise(ladder(SIZE))


def observe(model):
    return model.probability({"V30": 1}, given=GIVEN)


def intervene(model):
    return model.do(DO).probability({"V30": 1})


def imagine(model):
    return model.counterfactual({"V30": 1}, do=DO, given=GIVEN)


@pytest.mark.parametrize("ask", [observe, intervene, imagine])
def bench_forty_variables(benchmark, model, ask):
    assert 0 < benchmark(ask, model) < 1


# --- the same in pgmpy ------------------------------------------------------------------------------------------------


def twin_network(structure: StructuralModel, law, do=None):
    """pgmpy's network of the noises, of the world as it is, and of the world in which `do` has been done, marked *."""
    models = pytest.importorskip("pgmpy.models")
    factors = pytest.importorskip("pgmpy.factors.discrete")
    network = models.DiscreteBayesianNetwork()
    for noise, values in structure.exogenous.items():
        network.add_node(noise)
        network.add_cpds(factors.TabularCPD(noise, len(values), [[p] for p in law[noise]]))
    for mark in ("", "*") if do else ("",):
        for name in structure.order:
            indicator = structure.indicators[name]  # [parents…, value]
            parents = [p if p in structure.exogenous else p + mark for p in structure.mechanisms[name].parents]
            if mark and name in do:
                parents, indicator = [], np.eye(2)[do[name]]
            network.add_node(name + mark)
            network.add_edges_from((p, name + mark) for p in parents)
            sizes = indicator.shape[:-1]
            table = indicator.reshape(-1, 2).T.astype(float)
            network.add_cpds(factors.TabularCPD(name + mark, 2, table, parents or None, list(sizes) or None))
    return network


@pytest.mark.parametrize("ask", [observe, imagine])
def bench_forty_variables_in_pgmpy(benchmark, model, ask):
    inference = pytest.importorskip("pgmpy.inference")
    structure = model.structure
    law = {noise: model.distribution(noise) for noise in structure.exogenous}
    network = twin_network(structure, law, DO if ask is imagine else None)
    target = "V30*" if ask is imagine else "V30"

    def theirs():
        return inference.VariableElimination(network).query([target], evidence=GIVEN, show_progress=False).values[1]

    assert benchmark.pedantic(theirs, rounds=3) == pytest.approx(ask(model), rel=1e-9)
