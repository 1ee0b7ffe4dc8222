"""Figures of counterfactual queries: what is handed over is what is drawn."""

import numpy as np

from compendium import figures
from qlib.graphs.graphs import CausalGraph, NodeKind
from qlib.quantum.counterfactuals import CounterfactualQuery
from qlib.quantum.instruments import Instrument

Z = Instrument.projective([[[1, 0], [0, 0]], [[0, 0], [0, 1]]], name="z")
GRAPH = CausalGraph(dict.fromkeys("ΛABC", NodeKind.QUANTUM), [("Λ", "A"), ("A", "B"), ("Λ", "C")])
CHAIN = dict.fromkeys("ABC", Z)


def texts(ax):
    return {text.get_text() for text in ax.texts} - {""}


def coloured(ax):
    """The arrows beside those of the process, as (from, to) heights."""
    arrows = [p for p in ax.patches if p.get_edgecolor()[:2] == (0.8352941176470589, 0.3686274509803922)]
    return sorted((round(p._posA_posB[0][1], 1), round(p._posA_posB[1][1], 1)) for p in arrows)


def test_three_steps_show_what_was_found_what_is_changed_and_what_is_asked():
    do = Instrument.do([[1, 0], [0, 0]], 2, outcome=0, name="do(0)")
    figure = figures.three_steps(GRAPH, CounterfactualQuery({"B": 1}, {"A": 0}, {"B": 1}, CHAIN, {"A": do}), ["Λ"])
    abduction, action, prediction = figure.axes
    assert texts(abduction) - texts(action) == {"1"}
    assert texts(action) - texts(abduction) == {"do(0)"}
    assert {"0", "1 ?"} <= texts(prediction)


def test_arrows_lead_from_evidence_down_to_lambda_and_not_through_a_do_instrument():
    do = Instrument.do([[1, 0], [0, 0]], 2, outcome=0, name="do(0)")
    changed, kept = (
        figures.three_steps(GRAPH, CounterfactualQuery({"B": 1}, {"A": 0}, {"B": 1}, CHAIN, change), ["Λ"])
        for change in ({"A": do}, {})
    )
    down, none, up = (coloured(ax) for ax in changed.axes)
    assert len(down) == 2
    assert all(tail > head for tail, head in down)
    assert none == []
    assert len(up) == 1  # from A to B only: what was learnt about Λ does not pass A
    assert all(tail < head for tail, head in up)
    assert len(coloured(kept.axes[2])) == 2


def test_maps_mark_counterpossibles_with_a_star():
    polar, azimuth = np.linspace(0, np.pi, 5), np.linspace(-np.pi, np.pi, 7)
    values = np.cos(polar[:, None] / 2) ** 2 * np.ones(7)
    places = {"north": (0.0, 0.0), "edge": (np.pi / 2, np.pi)}
    figure = figures.sphere_maps(polar, azimuth, {"one": values}, places, {"one": {"north": True, "edge": False}}, "P")
    ax, bar = figure.axes
    assert sorted(t.get_text() for t in ax.texts) == ["edge", "edge", "north: ∗"]
    assert np.allclose(np.sort(ax.collections[0].get_array().ravel()), np.sort(values.ravel()))
    assert bar.get_ylabel() == "P"


def test_answers_that_are_not_defined_are_open_circles_at_their_neighbours_height():
    x = np.linspace(0, 1, 4)
    figure = figures.answers_over(x, {"a": [0, 0.2, 0.4, np.nan], "b": 0.5}, "s")
    (ax,) = figure.axes
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert np.allclose(lines["b"], 0.5)
    (circle,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert (circle.get_xdata()[0], circle.get_ydata()[0]) == (1, 0.4)
    assert [t.get_text() for t in ax.texts] == ["∗"]
