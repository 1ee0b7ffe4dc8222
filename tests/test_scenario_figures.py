"""Figures of the chapter on scenarios: they show what they are given."""

from __future__ import annotations

import numpy as np
import pytest

from compendium import figures


def test_the_reach_is_drawn_scenario_by_scenario_and_cycle_by_cycle():
    n = np.arange(3, 9)
    noise = {"one": ([0.5, 1], [0, 0.4]), "other": ([0.5, 1], [0, 1])}
    figure = figures.reach_of_quantum_theory({"first": 0.25, "second": 1.0}, (n, n / 10), noise)
    bars, lengths, visibility = figure.axes
    assert [bar.get_width() for bar in bars.patches] == [0.25, 1.0]
    assert [tick.get_text() for tick in bars.get_yticklabels()] == ["first", "second"]
    assert [line.get_xdata().tolist() for line in lengths.lines] == [[4, 6, 8], [3, 5, 7]]
    assert [line.get_ydata().tolist() for line in visibility.lines] == [[0, 0.4], [0, 1]]
    assert all(ax.get_xlabel() and ax.get_title() for ax in figure.axes)


def test_a_measure_stands_against_its_disturbance():
    figure = figures.contextuality_under_disturbance({"one": [0, 0.5]}, {"one": [0.4, 0]})
    (ax,) = figure.axes
    assert ax.lines[0].get_xdata().tolist() == [0, 0.5]
    assert ax.lines[0].get_ydata().tolist() == [0.4, 0]
    with pytest.raises(ValueError, match=r"measures of 'one': shape \(1,\) should be \(2,\)"):
        figures.contextuality_under_disturbance({"one": [0, 0.5]}, {"one": [0.4]})
