"""Learning from several environments: what the methods find where there is something to be found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compendium.studies.kang_feature_selection import PATTERNS, draw, fit_logistic, law_of_features
from compendium.studies.kang_invariant_learning import invariant_sets, irm_coefficients

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def environments(strengths: list[float], prevalence: list[float], samples: int, rng: np.random.Generator) -> np.ndarray:
    return draw(law_of_features(np.array(strengths), 0.1, np.array(prevalence)), samples, rng)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_the_cause_is_found_where_the_environments_move_it(rng: np.random.Generator) -> None:
    result = invariant_sets(environments([1.0, 0.5], [0.5, 0.3], 4000, rng), level=1e-9)
    assert result.causes == "A"
    assert set(result.accepted) == {"A", "AC"}


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_nothing_is_found_where_the_label_has_one_law_in_all_environments(rng: np.random.Generator) -> None:
    result = invariant_sets(environments([1.0, 0.5], [0.5, 0.5], 4000, rng), level=1e-9)
    assert result.causes == ""
    assert "" in result.accepted
    assert "C" not in result.accepted


def test_one_environment_cannot_tell_a_feature_from_its_copy() -> None:
    counts = np.repeat(draw(law_of_features(1.0), 100, np.random.default_rng(1))[None], 2, axis=0)
    assert invariant_sets(counts).accepted == ("", "A", "C", "AC")


def test_the_likelihood_ratio_test_rejects_as_often_as_its_level_says() -> None:
    rng = np.random.default_rng(7)
    p = [invariant_sets(environments([1.0, 0.5], [0.5, 0.5], 2000, rng)).p_values["A"] for _ in range(400)]
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.06)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_without_weight_on_invariance_the_fit_is_a_logistic_regression(rng: np.random.Generator) -> None:
    counts = environments([0.9, 0.5], [0.5, 0.4], 500, rng)
    expected = fit_logistic(counts.sum(0) / 500, penalty=1e-3)
    np.testing.assert_allclose(irm_coefficients(counts, 0.0), expected, atol=1e-3)


def test_invariance_takes_weight_from_a_feature_whose_relation_to_the_label_changes() -> None:
    """The label causes C here, with another noise in either environment; A predicts worse than C, but always alike."""
    environments = np.zeros((2, 2, 2, 2))
    for k, noise in enumerate((0.1, 0.2)):
        for a, c, b in np.ndindex(2, 2, 2):
            environments[k, a, c, b] = 0.5 * (0.75 if a == b else 0.25) * (1 - noise if c == b else noise)
    regression, invariant = (irm_coefficients(environments, weight) for weight in (0.0, 1e4))
    margins = [PATTERNS @ beta for beta in (regression, invariant)]
    assert (margins[0][[1, 2]] > 0).tolist() == [True, False]  # follows C
    assert (margins[1][[1, 2]] > 0).tolist() == [False, True]  # follows A


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: invariant_sets(np.ones((1, 2, 2, 2))), "environments at least 2"),
        (lambda: invariant_sets(np.ones((2, 2, 2, 2)), level=1.0), "level=1.0"),
        (lambda: invariant_sets(np.zeros((2, 2, 2, 2))), "needs samples"),
        (lambda: irm_coefficients(np.ones((2, 2, 2)), 1.0), "shape"),
        (lambda: irm_coefficients(np.ones((2, 2, 2, 2)), -1.0), "invariance=-1.0"),
    ],
)
def test_bad_input_is_refused_by_name(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
