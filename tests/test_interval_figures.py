"""Figures of intervals: what is handed over is what is drawn."""

import numpy as np
import pytest

from compendium import figures

X = np.linspace(0, 1, 5)


def test_each_kind_has_a_bar_in_each_row_and_one_entry_in_the_legend():
    rows = {"one": {"a": (0.0, 1.0), "b": (-0.5, 1.0)}, "two": {"a": (0.25, 0.25), "b": (0.0, 0.5)}}
    figure = figures.grouped_intervals(rows, "effect")
    (ax,) = figure.axes
    bars = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() != "None"]
    assert bars == [(0, 1), (0.25, 0.25), (-0.5, 1), (0, 0.5)]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["one", "two"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"one": {"a": (1.0, 0.0)}}, "begins at 1.0, above its end 0.0"),
        ({"one": {"a": (0.0, 1.0)}, "two": {"b": (0.0, 1.0)}}, "'two' has the kinds"),
    ],
)
def test_an_interval_turned_round_and_other_kinds_are_refused(rows, said):
    with pytest.raises(ValueError, match=said):
        figures.grouped_intervals(rows, "effect")


def test_moving_intervals_are_bands_between_their_ends_and_lines():
    figure = figures.moving_intervals(X, {"all": (X * 0, X)}, "v", "answer", {"half": X / 2})
    (ax,) = figure.axes
    (plain, hatched) = ax.collections
    assert np.array_equal(plain.get_paths()[0].vertices, hatched.get_paths()[0].vertices)
    assert (plain.get_hatch(), hatched.get_hatch()) == (None, "//")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["all", "half"]
    assert np.array_equal(ax.lines[0].get_ydata(), X / 2)
    assert {row["mark"] for row in figure.data} == {"band", "line"}


def test_clouds_stand_beside_a_diagonal_as_long_as_they_are():
    (ax,) = figures.scatter_below({"tables": (X, X**2)}, "x", "y", diagonal="equal").axes
    assert np.array_equal(ax.lines[0].get_ydata(), X**2)
    assert list(ax.lines[1].get_xdata()) == [0, 1]
