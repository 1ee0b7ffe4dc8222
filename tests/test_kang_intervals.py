"""Intervals and tests of proportions, against SciPy's."""

import numpy as np
import pytest
from scipy import stats

from compendium.studies.kang_intervals import pooled_p_value, prints_as, wald_interval, wilson_interval


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("successes", [0, 1, 13, 30, 40])
def test_wilsons_interval_is_scipys(successes, level):
    theirs = stats.binomtest(successes, 40).proportion_ci(level, "wilson")
    assert np.allclose(wilson_interval(successes, 40, level), theirs, rtol=1e-12, atol=1e-15)


def test_the_ends_of_wilsons_interval_are_rejected_at_exactly_its_level():
    for end in wilson_interval(13, 40, 0.9):
        z = (13 / 40 - end) / np.sqrt(end * (1 - end) / 40)
        assert np.isclose(2 * stats.norm.sf(abs(z)), 0.1)


def test_walds_interval_is_a_point_where_nothing_varies():
    low, high = wald_interval([0, 20, 40], 40)
    assert high[0] == low[0] == 0
    assert high[2] == low[2] == 1
    assert np.isclose(high[1] - low[1], 2 * stats.norm.isf(0.025) / np.sqrt(160))


def test_the_pooled_test_is_pearsons_of_the_table_without_correction():
    table = [[13, 27], [21, 19]]
    assert np.isclose(pooled_p_value(13, 21, 40), stats.chi2_contingency(table, correction=False).pvalue)
    assert pooled_p_value([[1], [2]], [3, 4, 5], 9).shape == (2, 3)


def test_a_printed_number_is_a_rounding_at_its_last_digit():
    assert prints_as([0.04, 0.06, 0.1499, 0.151], "0.1").tolist() == [False, True, True, False]
    assert prints_as([0.99985, 0.99984], "0.9999").tolist() == [True, False]


@pytest.mark.parametrize("level", [0, 1])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(ValueError, match=r"^level="):
        wilson_interval(1, 2, level)


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match=r"^successes: from 1 to 3"):
        pooled_p_value([1, 3], 1, 2)
