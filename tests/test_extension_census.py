"""All binary models at once: the quantum responses are the classical ones, and the counting is right."""

from __future__ import annotations

from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compendium.studies.sfc_census import (
    boolean_functions,
    canonical_model,
    class_count,
    classical_responses,
    engine_responses,
    family_member,
    labelled_count,
    labelled_models,
    model_responses,
    quantum_responses,
    random_counterfactual,
    random_law,
    random_model,
    variables,
)
from qlib.models.structural_models import ProbabilisticModel, Response, independent
from qlib.quantum.classical_to_quantum import quantum_extension, quantum_query
from qlib.quantum.counterfactuals import evaluate


@pytest.mark.parametrize("n", [1, 2, 3])
def test_all_responses_of_all_binary_models_agree(n):
    assert np.array_equal(quantum_responses(n), classical_responses(n))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_responses_are_what_evaluate_says_of_a_single_model(seed):
    """A query at a law concentrated on one u: evidence and consequent are certain or impossible."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    codes = tuple(int(rng.integers(len(boolean_functions(k + 1)))) for k in range(n))
    structure, names = family_member(codes), variables(n)
    model = independent(structure, {name: rng.dirichlet([1, 1]) for name in structure.exogenous})
    responses = model_responses(model)
    assert np.array_equal(responses, quantum_responses(n)[codes])
    action = {name: int(rng.integers(2)) for name in names[:-1] if rng.random() < 0.5}
    evidence, found = rng.integers(2, size=n), int(rng.integers(2))
    actual = responses[(..., *evidence)] * model.law
    set_or_any = [slice(2 + action[v], 3 + action[v]) if v in action else slice(0, 2) for v in names[:-1]]
    counterfactual = responses[(..., *set_or_any, found)].sum(axis=tuple(range(n, 2 * n - 1)))
    if actual.sum() == 0:
        return
    seen = dict(zip(names, evidence.tolist(), strict=True))
    answer = evaluate(quantum_extension(model), quantum_query(model, seen, action, {names[-1]: found}))
    assert answer.probability == pytest.approx((actual * counterfactual).sum() / actual.sum(), abs=1e-12)


def test_the_canonical_model_stands_for_every_binary_model():
    """The law of the response functions of a model, put into the canonical model, gives its counterfactuals."""
    rng = np.random.default_rng(5)
    canonical, names = canonical_model(3), variables(3)
    for _ in range(5):
        structure = family_member(tuple(int(rng.integers(4 ** (2**k))) for k in range(3)))
        law = rng.dirichlet(np.ones(8)).reshape(2, 2, 2)
        pushed = np.zeros(canonical.shape)
        for u in np.ndindex(law.shape):
            functions = [structure.tables[name][..., u[k]].ravel() for k, name in enumerate(names)]
            pushed[tuple(int("".join(map(str, f)), 2) for f in functions)] += law[u]
        event = {"V3": 1, Response("V3", {"V1": 0}): 0, Response("V2", {"V1": 1}): 1}
        assert ProbabilisticModel(canonical, pushed).probability(event) == pytest.approx(
            ProbabilisticModel(structure, law).probability(event), abs=1e-12
        )


def test_the_extension_of_the_canonical_model_responds_as_it_does():
    structure = canonical_model(3)
    law = np.full(structure.shape, 1 / np.prod(structure.shape))
    assert np.array_equal(model_responses(ProbabilisticModel(structure, law)), engine_responses(structure))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_models_respond_as_their_extensions(seed):
    model = random_model(np.random.default_rng(seed))
    assert np.array_equal(model_responses(model), engine_responses(model.structure))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_counterfactuals_of_random_models_agree(seed):
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    evidence, do, consequent = random_counterfactual(model, rng)
    assert not set(do) & set(consequent)
    answer = evaluate(quantum_extension(model), quantum_query(model, evidence, do, consequent))
    assert answer.probability == pytest.approx(model.counterfactual(consequent, do, evidence), abs=1e-12)


def test_random_laws_are_products_where_they_should_be():
    law = random_law((2, 3), np.random.default_rng(3), independent=True)
    assert np.allclose(law, np.outer(law.sum(1), law.sum(0)))
    assert random_law((2, 3), np.random.default_rng(3)).sum() == pytest.approx(1)


def test_a_binary_variable_is_observed_or_set_to_either_value():
    assert classical_responses(1).shape[-1] == 4


@pytest.mark.parametrize("n", [1, 2, 3])
def test_relabelling_reaches_every_labelled_model(n):
    assert len(np.unique(labelled_models(n))) == labelled_count(n)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_classes_are_counted_by_burnside(n):
    """The number of orbits is the mean number of models that a relabelling leaves as they are."""
    rows, orders = labelled_models(n), list(permutations(range(n)))
    fixed = 0
    for then in orders:
        unchanged = [
            rows[k][rows[k] == rows[orders.index(tuple(first[v] for v in then))]] for k, first in enumerate(orders)
        ]
        fixed += len(np.unique(np.concatenate(unchanged)))
    assert fixed == factorial(n) * class_count(n)
