"""Figures of quantum processes: what is drawn is what the graph holds."""

import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Wedge

from compendium.figures.processes import layout, node_with_instrument, process_graphs, solved_against_exact
from qlib.graphs.graphs import CausalGraph

CHAIN = CausalGraph(dict.fromkeys(["A1", "A2", "Λ_1"], "observed"), [("A1", "A2"), ("Λ_1", "A1")])


def patches(ax, kind):
    return [patch for patch in ax.patches if type(patch) is kind]


def test_every_node_has_two_halves_and_every_arrow_is_drawn() -> None:
    (ax,) = process_graphs([CHAIN], exogenous=["Λ_1"]).axes
    assert len(patches(ax, Wedge)) == 2 * len(CHAIN.kinds)
    assert len(patches(ax, FancyArrowPatch)) == len(CHAIN.edges)
    assert sorted(text.get_text() for text in ax.texts) == ["$A_{1}$", "$A_{2}$", r"$\Lambda _{1}$"]
    dashed = [wedge for wedge in patches(ax, Wedge) if wedge.get_linestyle() == "--"]
    assert len(dashed) == 2


def test_instruments_stand_between_the_halves_and_a_do_instrument_is_closed() -> None:
    (ax,) = process_graphs([CHAIN], instruments={"A1": "z"}, do=["A2"]).axes
    colours = [patch.get_facecolor()[:3] for patch in patches(ax, FancyBboxPatch)]
    assert sorted(colours) == [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)]
    assert "z" in [text.get_text() for text in ax.texts]


def test_time_runs_upwards_and_given_places_are_kept() -> None:
    places = layout(CHAIN)
    assert places["Λ_1"][1] < places["A1"][1] < places["A2"][1]
    moved = CausalGraph(CHAIN.kinds, CHAIN.edges, positions={"A2": (3.0, 7.0)})
    assert layout(moved)["A2"] == (3.0, 7.0)


def test_one_node_names_its_spaces_its_setting_and_its_outcome() -> None:
    (ax,) = node_with_instrument("A", "z", "a").axes
    words = " ".join(text.get_text() for text in ax.texts)
    assert all(part in words for part in ("in", "out", "$z$", "$a$", "a|z"))


def test_the_solvers_points_and_the_exact_curve_are_both_drawn() -> None:
    (ax,) = solved_against_exact([0, 1], [0.5, 1.5], [0.5, 1.5], "x", "y").axes
    assert [list(line.get_ydata()) for line in ax.lines[1:]] == [[0.5, 1.5], [0.5, 1.5]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_titles_are_one_for_each_graph_or_none() -> None:
    with pytest.raises(ValueError, match="1 graphs with 2 titles"):
        process_graphs([CHAIN], ["a", "b"])
