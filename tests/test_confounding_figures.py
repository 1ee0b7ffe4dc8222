"""Figures of Experiments 4 and 5: they show what they are given, and say what their axes are."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from compendium import figures
from compendium.studies.kang_feature_selection import Design, collapsed_gain, mean_gain, simulate

DESIGN = Design(training=41, strengths=(0.0, 0.5, 1.0), per_domain=40)


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with mpl.rc_context():
        plt.style.use(str(Path(figures.__file__).with_name("compendium.mplstyle")))
        yield


def bars() -> Figure:
    seen, done = [[0.9, 1.0, 1.0], [0.0, 0.0, 0.1]], [[0.4, 0.5, 0.6]] * 2
    return figures.seeing_and_doing(seen, done, ["A = 0", "A = 1"], ("seen", "done"), "probability")


def domains() -> Figure:
    return figures.accuracy_by_domain(simulate(DESIGN, 6, np.random.default_rng(4)))


def comb() -> Figure:
    law = mean_gain([collapsed_gain(DESIGN)] * 4, [0.5] * 4)
    return figures.laws_of_the_mean_gain({"one": law, "same": law}, {"mark": 10.0})


def seeds() -> Figure:
    return figures.collapse_by_seed([1, 2, 3], [0.1, 0.5, 0.9], [False, True, True])


def lines() -> Figure:
    return figures.dashed_curves([0, 1], {"up": [0, 1], "down": [1, 0]}, "x", "y", {"half": 0.5})


@pytest.mark.parametrize("draw", [bars, domains, comb, seeds, lines])
def test_every_panel_says_what_its_axes_are_and_is_drawn_outside_pyplot(draw, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    figure = draw()
    assert plt.get_fignums() == []
    figures.save(figure, tmp_path, "figure")
    assert all(ax.get_ylabel() or ax.get_xlabel() for ax in figure.axes)
    first = (tmp_path / "figure.svg").read_bytes()
    figures.save(draw(), tmp_path, "figure")
    assert (tmp_path / "figure.svg").read_bytes() == first


def test_bars_are_as_high_as_the_estimates_and_their_whiskers_reach_the_intervals_ends() -> None:
    (ax,) = bars().axes
    assert [patch.get_height() for patch in ax.patches] == [1.0, 0.0, 0.5, 0.5]
    whiskers = [segment for container in ax.containers[1::2] for segment in container.lines[2][0].get_segments()]
    ends = [tuple(segment[:, 1]) for segment in whiskers]
    np.testing.assert_allclose(ends, [(0.9, 1.0), (0.0, 0.1), (0.4, 0.6), (0.4, 0.6)])


def test_the_seeds_that_collapsed_are_counted_and_drawn_apart() -> None:
    table = simulate(DESIGN, 6, np.random.default_rng(4), last=41)
    legend = figures.accuracy_by_domain(table).axes[1].get_legend()
    assert legend.get_texts()[0].get_text() == "naive, collapsed (6 seeds)"


def test_the_area_of_a_law_is_one() -> None:
    ax = comb().axes[0]
    (area,) = ax.collections
    vertices = area.get_paths()[0].vertices
    x, y = vertices[:, 0], vertices[:, 1]
    polygon = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    width = np.unique(np.round(np.diff(np.unique(np.round(x, 9))), 9)).max()
    assert polygon / width == pytest.approx(100, abs=1)


def test_what_happened_is_filled() -> None:
    (ax,) = seeds().axes
    filled = {round(p.get_height(), 9): p.get_facecolor()[:3] != (1.0, 1.0, 1.0) for p in ax.patches}
    assert filled == {0.1: False, 0.5: True, 0.9: True}


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: figures.seeing_and_doing([[1, 1]], [[1, 1]], ["A"], ("s", "d"), "y"), "low, estimate"),
        (lambda: figures.collapse_by_seed([1], [0.1, 0.2], [True]), "1 seeds"),
        (lambda: figures.dashed_curves([0, 1], {"up": [0]}, "x", "y"), "curve 'up'"),
    ],
)
def test_data_of_another_shape_are_refused(draw, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        draw()
