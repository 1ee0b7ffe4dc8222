"""What is plotted can be read off the figure again: as rows, with the labels that the figure shows."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from compendium import figures
from compendium.figures.rows import COLUMNS, figure_data, panel_name, write_csv
from qlib.graphs.graphs import instrumental_graph

numbers = st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 2), min_size=1, max_size=8)


def axes():
    """A figure's only axes."""
    return Figure().subplots()


def rows(ax, *columns):
    """What is read off, as tuples of some columns."""
    return [tuple(row.get(column) for column in columns) for row in figure_data(ax.figure)]


@given(numbers)
@settings(max_examples=15)
def test_lines_and_points_give_back_what_was_plotted(points):
    ax = axes()
    x, y = np.array(points).T
    ax.plot(x, y, label="line")
    ax.plot(x, y, "o", label="points")
    ax.scatter(x, y)
    expected = [(*names, a, b) for names in (("line", "line"), ("points", "point"), ("", "point")) for a, b in points]
    found = rows(ax, "series", "mark", "x", "y")
    assert sorted(found) == sorted(expected)


@given(numbers)
@settings(max_examples=15)
def test_error_bars_give_back_their_ends(points):
    ax = axes()
    x, y = np.array(points).T
    ax.errorbar(x, y, yerr=[np.full_like(x, 1), np.full_like(x, 2)], label="e")
    for (a, b), row in zip(points, figure_data(ax.figure), strict=True):
        assert (row["x"], row["y"]) == (a, b)
        assert row["y_low"] == pytest.approx(b - 1)
        assert row["y_high"] == pytest.approx(b + 2)


def test_error_bars_without_points_stand_where_their_strokes_do():
    ax = axes()
    ax.errorbar([1, 2], [3, 4], xerr=0.5, fmt="none")
    assert rows(ax, "x", "y", "x_low", "x_high") == [(1, 3, 0.5, 1.5), (2, 4, 1.5, 2.5)]


def test_bars_have_their_values_and_the_names_of_their_categories():
    ax = axes()
    ax.bar(["a", "b"], [1, 2], label="upright")
    assert rows(ax, "series", "mark", "x", "y", "x_name") == [
        ("upright", "bar", 0, 1, "a"),
        ("upright", "bar", 1, 2, "b"),
    ]
    ax = axes()
    ax.barh([0, 1], [1, -2], left=[1, 0])
    assert rows(ax, "x", "y", "x_low", "x_high") == [(2, 0, 1, 2), (-2, 1, None, None)]


def test_a_histogram_has_its_bins():
    ax = axes()
    counts, edges, _ = ax.hist([1, 2, 2, 4], bins=3)
    assert np.array(rows(ax, "x_low", "x_high", "y")) == pytest.approx(np.array([edges[:-1], edges[1:], counts]).T)


def test_a_map_has_a_row_for_each_cell_that_is_not_masked():
    ax = axes()
    ax.pcolormesh([0, 1, 2], [0, 2], np.ma.masked_equal([[5.0, 7.0]], 7))
    assert rows(ax, "mark", "x", "y", "z") == [("cell", 0.5, 1, 5)]
    ax = axes()
    ax.imshow([[1, 2], [3, 4]])
    assert rows(ax, "x", "y", "z") == [(0, 0, 1), (1, 0, 2), (0, 1, 3), (1, 1, 4)]


def test_smooth_shading_has_its_values_at_the_corners():
    ax = axes()
    ax.pcolormesh([0, 1], [0, 1], [[1, 2], [3, 4]], shading="gouraud")
    assert rows(ax, "x", "y", "z") == [(0, 0, 1), (1, 0, 2), (0, 1, 3), (1, 1, 4)]


def test_contours_have_their_levels():
    ax = axes()
    ax.contour([0, 1], [0, 1], [[0, 1], [1, 2]], levels=[0.5])
    assert {row["z"] for row in figure_data(ax.figure)} == {0.5}
    assert all(row["x"] + row["y"] == pytest.approx(0.5) for row in figure_data(ax.figure))
    ax = axes()
    ax.contourf([0, 1], [0, 1], [[0, 1], [1, 2]], levels=[0, 1, 2])
    assert {(row["z_low"], row["z_high"]) for row in figure_data(ax.figure)} == {(0, 1), (1, 2)}


@pytest.mark.parametrize("along", ["x", "y"])
def test_a_band_has_its_edges_at_each_place(along):
    ax = axes()
    fill = {"x": ax.fill_between, "y": ax.fill_betweenx}[along]
    fill([0, 1, 2], [0, 1, 0], [2, 3, 4])
    other = {"x": "y", "y": "x"}[along]
    assert rows(ax, along, f"{other}_low", f"{other}_high") == [(0, 0, 2), (1, 1, 3), (2, 0, 4)]


def test_lines_and_bands_across_the_axes_have_one_coordinate():
    ax = axes()
    ax.axhline(2, label="two")
    ax.axvline(3)
    ax.axhspan(1, 2)
    marks = rows(ax, "mark", "series", "x", "y", "y_low", "y_high")
    assert ("reference", "two", None, 2, None, None) in marks
    assert ("reference", "", 3, None, None, None) in marks
    assert ("band", "", None, None, 1, 2) in marks


def test_strokes_have_their_ends():
    ax = axes()
    ax.hlines([1], 0, 2)
    ax.vlines([5], -1, 1)
    assert rows(ax, "x", "x_low", "x_high", "y", "y_low", "y_high") == [
        (None, 0, 2, 1, None, None),
        (5, None, None, None, -1, 1),
    ]


def test_gaps_are_left_out():
    ax = axes()
    ax.plot([0, 1, 2], [0, np.nan, 2])
    assert rows(ax, "x") == [(0,), (2,)]


def test_panels_are_told_apart_by_title_and_labels_even_shared_ones():
    upper, lower = Figure().subplots(2, sharex=True)
    for ax in (upper, lower):
        ax.plot([0], [0])
        ax.set_ylabel("law")
    lower.set_xlabel("angle")
    upper.set_title("Before")
    assert panel_name(upper) == "Before"
    assert panel_name(lower) == "law against angle"
    lower.set_title("Before")
    assert [row["panel"] for row in figure_data(upper.figure)] == [panel_name(upper), f"{panel_name(upper)} (2)"]


def test_insets_are_panels_and_colour_bars_are_none():
    ax = axes()
    mesh = ax.pcolormesh([[1.0]])
    ax.figure.colorbar(mesh)
    ax.inset_axes((0.5, 0.5, 0.2, 0.2)).plot([0], [0])
    assert [row["mark"] for row in figure_data(ax.figure)] == ["cell", "line"]


def test_a_second_scale_is_no_panel_and_a_logarithmic_one_changes_no_value():
    ax = axes()
    ax.loglog([1, 10], [2, 20])
    ax.axvline(3)
    ax.secondary_yaxis("right", functions=(np.log, np.exp))
    assert rows(ax, "x", "y") == [(1, 2), (10, 20), (3, None)]


def test_a_saved_figure_has_its_data_beside_it_the_same_bytes_each_time(tmp_path):
    figure, ax = figures.subplots()
    ax.plot([0, 1 / 3], [0.1, -0.0], label='a "name", with a comma')
    ax.set(xlabel="angle / °")
    assert figures.save(figure, tmp_path, "it") is figure
    first = (tmp_path / "it.data.csv").read_bytes()
    figures.save(figure, tmp_path, "it")
    assert (tmp_path / "it.data.csv").read_bytes() == first
    table = pd.read_csv(tmp_path / "it.data.csv", keep_default_na=False)
    assert list(table.columns) == ["panel", "series", "mark", "x", "y"]
    assert list(table["series"]) == ['a "name", with a comma'] * 2
    assert first.splitlines()[-1].endswith(b",0.3333333,0")


def test_a_drawing_has_no_data(tmp_path):
    figures.save(figures.causal_graphs([instrumental_graph()]), tmp_path, "graph")
    assert [file.name for file in tmp_path.iterdir()] == ["graph.svg"]


def test_columns_have_one_order_and_only_those_used_are_written(tmp_path):
    path = write_csv([{"y": 1, "panel": "p", "x_name": "n"}, {"z": 2.5}], tmp_path / "t.csv")
    with path.open(encoding="utf-8") as stream:
        assert list(csv.reader(stream)) == [["panel", "x_name", "y", "z"], ["p", "n", "1", ""], ["", "", "", "2.5"]]
    assert [*COLUMNS[:4]] == ["panel", "series", "mark", "x"]
