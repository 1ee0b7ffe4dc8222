"""Figures of the chapters on quantum counterfactuals: what is handed over is what is drawn."""

import numpy as np
import pytest

from compendium import figures

X = np.linspace(0, 1, 5)


def drawn(ax):
    return {line.get_label(): line.get_ydata() for line in ax.lines}


def test_curves_are_drawn_as_they_are_with_their_names_and_a_level():
    figure = figures.curves(X, {"up": X, "down": 1 - X}, "x", "y", level=(0.5, "half"))
    (ax,) = figure.axes
    assert np.array_equal(drawn(ax)["up"], X)
    assert np.array_equal(drawn(ax)["down"], 1 - X)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["up", "down"]
    assert [t.get_text() for t in ax.texts] == ["half"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_curves_are_told_apart_by_dashes_as_well_as_by_colour():
    (ax,) = figures.curves(X, {str(k): X * k for k in range(5)}, "x", "y").axes
    assert len({line.get_linestyle() + str(line._dash_pattern) for line in ax.lines}) == 5
    assert len({line.get_color() for line in ax.lines}) == 5


def test_panels_share_the_parameter_and_have_their_own_scales():
    figure = figures.curve_panels(X, {"small": {"a": X}, "large": {"b": 100 * X}}, "x", ["p", "q"])
    top, bottom = figure.axes
    assert top.get_xlim() == bottom.get_xlim()
    assert bottom.get_ylim()[1] > 50 > top.get_ylim()[1]
    assert (top.get_ylabel(), bottom.get_ylabel(), bottom.get_xlabel()) == ("p", "q", "x")
    with pytest.raises(ValueError, match="zip"):
        figures.curve_panels(X, {"one": {"a": X}}, "x", ["p", "q"])


def test_the_parts_of_a_bar_add_up_to_its_length():
    (ax,) = figures.shares(["first", "second"], {"a": [1, 2], "b": [3, 0.5]}, "count").axes
    ends = [patch.get_x() + patch.get_width() for patch in ax.patches]
    assert ends == [1, 2, 4, 2.5]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["first", "second"]


def test_maps_share_one_symmetric_scale():
    values = np.outer(X, X) - 0.5
    figure = figures.maps(X, X, {"one": values, "two": -values}, "x", "y", "z", 1.0)
    meshes = [ax.collections[0] for ax in figure.axes[:2]]
    assert [mesh.get_clim() for mesh in meshes] == [(-1.0, 1.0)] * 2
    assert np.allclose(meshes[0].get_array(), values)
