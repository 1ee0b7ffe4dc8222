"""A figure carries its data: as rows, exactly what it was given, with the labels that it shows."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from compendium import figures
from compendium.figures import drawn
from compendium.figures.drawn import COLUMNS, Drawn, write_csv
from qlib.graphs.graphs import instrumental_graph

numbers = st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 2), min_size=1, max_size=8)


def axes():
    """A figure's only axes."""
    return Drawn().subplots()


def rows(ax, *columns):
    """What is noted, as tuples of some columns."""
    return [tuple(row.get(column) for column in columns) for row in ax.figure.data]


@given(numbers)
@settings(max_examples=15)
def test_lines_and_points_have_what_was_plotted(given_points):
    ax = axes()
    x, y = np.array(given_points).T
    drawn.line(ax, x, y, label="line")
    drawn.points(ax, x, y, label="points")
    drawn.shaded_points(ax, x, y, x + y)
    expected = [
        (*names, a, b) for names in (("line", "line"), ("points", "point"), ("", "point")) for a, b in given_points
    ]
    assert rows(ax, "series", "mark", "x", "y") == expected
    assert rows(ax, "z")[-len(x) :] == [(value,) for value in (x + y).tolist()]


@given(numbers)
@settings(max_examples=15)
def test_what_is_noted_is_what_is_drawn(given_points):
    ax = axes()
    x, y = np.array(given_points).T
    assert drawn.line(ax, x, y).get_xydata().tolist() == [[a, b] for a, b in rows(ax, "x", "y")]


def test_points_with_errors_have_their_value_and_their_ends_even_if_it_is_not_between_them():
    ax = axes()
    drawn.points_with_errors(ax, [0, 1], [2, 5], [1, 1], [4, 4], label="e")
    assert rows(ax, "series", "mark", "x", "y", "y_low", "y_high") == [
        ("e", "point", 0, 2, 1, 4),
        ("e", "point", 1, 5, 1, 4),
    ]
    (container,) = ax.containers
    first, second = container.lines[2][0].get_segments()
    assert first.tolist() == [[0, 1], [0, 4]]
    assert second.tolist() == [[1, 1], [1, 5]]  # a stroke never begins beyond its value


def test_bars_have_their_values_and_the_names_of_their_categories():
    ax = axes()
    drawn.bars(ax, [0, 1], [1, 2], label="upright")
    drawn.name_places(ax, "x", [0, 1], ["a", "b"])
    assert rows(ax, "series", "mark", "x", "y", "x_name") == [
        ("upright", "bar", 0, 1, "a"),
        ("upright", "bar", 1, 2, "b"),
    ]
    ax = axes()
    drawn.flat_bars(ax, [0, 1], [1, -2], [1, 0])
    assert rows(ax, "x", "y", "x_low", "x_high") == [(2, 0, 1, 2), (-2, 1, None, None)]


def test_a_number_is_no_name():
    ax = axes()
    drawn.bars(ax, [0, 1], [1, 2])
    drawn.name_places(ax, "x", [0, 1], ["7", "seven"])
    assert rows(ax, "x_name") == [(None,), ("seven",)]


def test_a_histogram_has_its_bins():
    ax = axes()
    drawn.histogram(ax, [1, 2, 2, 4], 3)
    heights, edges = np.histogram([1, 2, 2, 4], bins=3, density=True)
    assert np.array(rows(ax, "x_low", "x_high", "y")) == pytest.approx(np.array([edges[:-1], edges[1:], heights]).T)
    assert [patch.get_height() for patch in ax.patches] == pytest.approx(heights)


def test_a_map_has_a_row_for_each_place():
    for draw in (drawn.cells, drawn.shades):
        ax = axes()
        draw(ax, [0, 1], [0, 2], [[5.0, 7.0], [6.0, 8.0]])
        assert rows(ax, "mark", "x", "y", "z") == [
            ("cell", 0, 0, 5),
            ("cell", 1, 0, 7),
            ("cell", 0, 2, 6),
            ("cell", 1, 2, 8),
        ]


def test_a_band_has_its_edges_at_each_place():
    for draw, along, other in ((drawn.band, "x", "y"), (drawn.upright_band, "y", "x")):
        ax = axes()
        draw(ax, [0, 1, 2], [0, 1, 0], [2, 3, 4])
        assert rows(ax, along, f"{other}_low", f"{other}_high") == [(0, 0, 2), (1, 1, 3), (2, 0, 4)]


def test_an_area_has_its_corners_and_is_closed():
    for corners in ([0, 1, 1], [0, 1, 1, 0]):
        ax = axes()
        drawn.area(ax, corners, corners[::-1] if len(corners) == 3 else [1, 1, 0, 1])
        assert rows(ax, "x", "y") == [(0, 1), (1, 1), (1, 0), (0, 1)]


def test_lines_and_bands_across_the_panel_have_one_coordinate():
    ax = axes()
    drawn.level(ax, y=2, label="two")
    drawn.level(ax, x=3)
    drawn.belt(ax, 1, 2)
    assert rows(ax, "mark", "series", "x", "y", "y_low", "y_high") == [
        ("reference", "two", None, 2, None, None),
        ("reference", "", 3, None, None, None),
        ("band", "", None, None, 1, 2),
    ]
    with pytest.raises(ValueError, match="x=1, y=2: a line across a panel has one of them"):
        drawn.level(ax, x=1, y=2)


def test_strokes_have_their_ends():
    ax = axes()
    drawn.strokes(ax, [1], [0], [2])
    assert rows(ax, "x_low", "x_high", "y") == [(0, 2, 1)]


def test_gaps_are_left_out():
    ax = axes()
    drawn.line(ax, [0, 1, 2], [0, np.nan, 2])
    assert rows(ax, "x") == [(0,), (2,)]


def test_panels_are_told_apart_by_title_and_labels():
    upper, lower = Drawn().subplots(2)
    for ax in (upper, lower):
        drawn.line(ax, [0], [0])
        drawn.describe(ax, x="angle", y="law")
    assert [row["panel"] for row in upper.figure.data] == ["law against angle", "law against angle (2)"]
    drawn.describe(upper, title="Before")
    assert [row["panel"] for row in upper.figure.data] == ["Before", "law against angle"]


def test_what_only_decorates_is_no_data():
    ax = axes()
    mesh = drawn.cells(ax, [0, 1], [0, 1], np.eye(2))
    ax.figure.colorbar(mesh)
    ax.annotate("here", (0, 0))
    assert {row["mark"] for row in ax.figure.data} == {"cell"}


def test_axes_of_another_figure_are_refused():
    with pytest.raises(TypeError, match="the axes belong to Figure, which keeps no data"):
        drawn.line(Figure().subplots(), [0], [0])


def test_a_saved_figure_has_its_data_beside_it_the_same_bytes_each_time(tmp_path):
    figure, ax = figures.subplots()
    drawn.line(ax, [0, 1 / 3], [0.1, -0.0], label='a "name", with a comma')
    drawn.describe(ax, x="angle / °")
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
