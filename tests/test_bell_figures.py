"""The figures of the chapters on Bell tests show the data they are given."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from compendium import figures


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with plt.rc_context():
        plt.style.use(str(Path(figures.__file__).with_name("compendium.mplstyle")))
        yield


def test_entanglement_and_strength_shows_both_curves_and_every_threshold() -> None:
    v = np.linspace(0, 1, 5)
    figure = figures.entanglement_and_strength(v, v**2, 1.4 * v, {"first": 0.3, "second": 0.7})
    (ax,) = figure.axes
    strength, concurrence, *_ = ax.lines
    np.testing.assert_array_equal(strength.get_ydata(), 1.4 * v)
    np.testing.assert_array_equal(concurrence.get_ydata(), v**2)
    assert {text.get_text() for text in ax.texts} == {"classical bound", "first", "second"}
    assert [line.get_xdata()[0] for line in ax.lines[-2:]] == [0.3, 0.7]


def test_detection_power_shows_predictions_as_lines_and_simulations_as_marks_in_percentage_points() -> None:
    shift = np.array([0.0, 0.001, 0.002])
    predicted, simulated = {"a": [0.1, 0.2, 0.3], "b": [0, 0, 0]}, {"a": [0.1, 0.1, 0.4], "b": [0.1, 0, 0]}
    (ax,) = figures.detection_power(shift, predicted, simulated, 0.01).axes
    for k, name in enumerate(predicted):
        line, marks = ax.lines[2 * k : 2 * k + 2]
        np.testing.assert_allclose(line.get_xdata(), 100 * shift)
        np.testing.assert_array_equal(line.get_ydata(), predicted[name])
        np.testing.assert_array_equal(marks.get_ydata(), simulated[name])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert "percentage points" in ax.get_xlabel()


def test_strengths_by_parties_are_on_a_logarithmic_scale() -> None:
    (ax,) = figures.strength_by_parties([2, 3, 4], {"one": [1, 2, 4], "two": [1, 1, 2]}).axes
    assert ax.get_yscale() == "log"
    assert ax.get_xticks().tolist() == [2, 3, 4]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, 2, 4])


def test_bell_tests_by_scale_have_a_panel_for_each_scale_and_a_row_for_each_test() -> None:
    scales = {"first": ([1, 0], [1.5, 0.2]), "second": ([0, 0], [0.5, 0.5])}
    figure = figures.bell_tests_by_scale(["A", "B"], scales)
    assert [ax.get_xlabel() for ax in figure.axes] == list(scales)
    for ax, (classical, quantum) in zip(figure.axes, scales.values(), strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), classical)
        np.testing.assert_array_equal(ax.lines[1].get_xdata(), quantum)
        assert [text.get_text() for text in ax.texts] == [f"{value:.3g}" for value in quantum]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["A", "B"]


def test_any_number_of_scales_is_shown() -> None:
    assert len(figures.bell_tests_by_scale(["A"], {"only": ([0], [1])}).axes) == 1


def test_where_it_begins_has_a_bar_from_there_to_one_and_a_paler_one_where_that_is_open() -> None:
    groups = {"first": {"a": 0.25}, "second": {"b": 0.5, "c": (0.6, 0.75)}}
    figure = figures.where_it_begins(groups, "v", (0.7, "threshold"))
    (ax,) = figure.axes
    bars = [strokes.get_segments()[0][:, 0].tolist() for strokes in ax.collections]
    assert bars == [[0.25, 1], [0.5, 1], [0.6, 0.75], [0.75, 1]]
    texts = [text.get_text() for text in ax.texts]
    assert {"first", "second", "a: 0.250", "b: 0.500", "c: 0.600 or a little later", "threshold"} == {*texts} - {
        "c: 0.750"
    }
    assert [row["series"] for row in figure.data if row["mark"] == "segment"] == ["a", "b", "c, perhaps", "c"]


def test_contradictions_by_strength_are_points_and_the_marks_are_named() -> None:
    (ax,) = figures.contradiction_by_strength([1, 1.2], [0, 0.1], [0, 0.05], {"best": (1.2, 0.05)}).axes
    average, single, best = ax.lines
    np.testing.assert_array_equal(average.get_ydata(), [0, 0.05])
    np.testing.assert_array_equal(single.get_ydata(), [0, 0.1])
    assert best.get_xydata().tolist() == [[1.2, 0.05]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["average effect", "single probability", "best"]


def test_ranges_are_bands_and_answers_lines() -> None:
    x = np.array([0.0, 1.0])
    ranges = {"one": (x, x + 0.1), "two": (0 * x, 0.1 + 0 * x)}
    figure = figures.ranges_and_answers(x, ranges, {"alone": 0.5 + 0 * x}, "v", "p", (0.7, "CHSH"))
    (ax,) = figure.axes
    bands = ax.collections
    assert [band.get_label() for band in bands[::2]] == ["one", "two"]
    assert [bool(band.get_hatch()) for band in bands] == [False, True, False, True]
    assert sum(row["mark"] == "band" for row in figure.data) == 4, "each band once, with two points"
    assert ax.lines[0].get_ydata().tolist() == [0.5, 0.5]
    assert ax.lines[1].get_xdata()[0] == 0.7
