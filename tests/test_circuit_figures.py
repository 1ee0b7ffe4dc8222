"""Circuits show the boxes and wires that they are given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import Circle, FancyBboxPatch

from compendium.figures.circuits import Box, circuit

LABELS = {"a": "A", "b": "B", "c": "C", "d": "D"}


@pytest.fixture(autouse=True)
def headless():
    plt.switch_backend("agg")


def test_every_box_and_every_free_end_is_shown():
    figure = circuit(["a", "b"], [Box("W", ("a", "b"), ("c", "d"))], LABELS, ["d"])
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.texts] == ["$A$", "$B$", "$W$", "$C$", "$D$"]
    assert sum(isinstance(patch, FancyBboxPatch) for patch in ax.patches) == 1
    assert len(ax.lines) == 5


def test_a_cnot_is_a_dot_on_the_control_and_a_circle_on_the_target():
    figure = circuit(["a", "b"], [Box("CNOT", ("b", "a"), ("b", "a"))], LABELS)
    dot, circle = (patch for patch in figure.axes[0].patches if isinstance(patch, Circle))
    assert (dot.center[1], circle.center[1]) == (-1, 0)


def test_a_wire_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="box 'W' reads the wire 'z'; there are a"):
        circuit(["a"], [Box("W", ("z",), ())], LABELS)
