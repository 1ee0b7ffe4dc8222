"""Figures of Experiments 2 and 3 show what they are given, and refuse what does not fit together."""

import numpy as np
import pytest

from compendium import figures


@pytest.fixture(autouse=True)
def style() -> None:
    figures.use_style()


GRID = np.linspace(0, 1, 20)
LAWS = {"No Confounding": (GRID, 1 + GRID), "Quantum": (GRID, GRID)}


def test_the_hierarchy_has_a_violin_and_points_for_each_scenario() -> None:
    samples = {name: np.linspace(0.2, 0.4, 7) for name in LAWS}
    figure = figures.hierarchy(samples, LAWS, {"Quantum": {"s.d.": (0.8, 0.9, 1.1)}}, {"bound": 1.0})
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_xticklabels()] == ["No\nConfounding", "Quantum"]
    points = [line for line in ax.lines if line.get_marker() == "." and len(line.get_ydata()) == 7]
    assert [np.round(line.get_ydata(), 12).tolist() for line in points] == [
        np.linspace(0.2, 0.4, 7).round(12).tolist()
    ] * 2
    violins = [collection for collection in ax.collections if len(collection.get_paths()) == 1]
    assert any(np.isclose(violin.get_paths()[0].vertices[:, 0].max(), 1.32) for violin in violins)  # one width


def test_a_scenario_without_a_law_and_a_point_without_a_scenario_are_refused() -> None:
    with pytest.raises(ValueError, match="have laws"):
        figures.hierarchy({"Quantum": [1.0]}, LAWS, {}, {})
    with pytest.raises(ValueError, match="hardware \\['IonQ'\\]"):
        figures.hierarchy({name: [1.0] for name in LAWS}, LAWS, {"IonQ": {"s.d.": (1, 1, 1)}}, {})


def test_a_hardware_point_has_one_bar_for_each_meaning_and_each_meaning_one_legend() -> None:
    samples = {name: [0.3] for name in LAWS}
    hardware = {
        "No Confounding": {"drawn": (0.0, 0.2, 0.5)},
        "Quantum": {"printed": (1.3, 1.4, 1.5), "drawn": (1, 1.4, 2)},
    }
    figure = figures.hierarchy(samples, LAWS, hardware, {})
    drawn = {bar.get_label(): bar for bar in figure.axes[0].containers}
    assert set(drawn) == {"hardware: drawn", "hardware: printed"}
    ends = [segment[:, 1].tolist() for segment in drawn["hardware: drawn"].lines[2][0].get_segments()]
    assert np.allclose(ends, [[0.0, 0.5], [1.0, 2.0]])


def test_strength_and_entanglement_names_its_axes_and_draws_the_fit() -> None:
    theta = np.linspace(0, np.pi / 2, 5)
    figure = figures.strength_and_entanglement(theta, theta, (theta, theta), (0.5, 2.0))
    left, right, bar = figure.axes
    assert [left.get_xlabel(), right.get_xlabel(), bar.get_ylabel()] == ["θ (rad)", "C", "θ (rad)"]
    assert right.lines[0].get_ydata().tolist() == [0.5, 2.5]
    np.testing.assert_allclose(np.asarray(right.collections[0].get_offsets())[:, 0], np.sin(2 * theta), atol=1e-12)


def test_a_density_and_a_sample_share_their_area() -> None:
    sample = np.random.default_rng(1).uniform(size=5000)
    (ax,) = figures.densities({"law": (GRID, np.ones(20))}, sample, {"mean": 0.5}, "x", bins=10).axes
    assert np.isclose(sum(patch.get_height() * patch.get_width() for patch in ax.patches), 1)
    assert ax.get_xlabel() == "x"


def test_noise_lowers_a_curve_through_the_band() -> None:
    figure = figures.strength_under_noise(GRID, {"law": 1.4 - GRID}, (1.3, 1.35, 1.4), {"bound": 1.0})
    (ax,) = figure.axes
    assert {line.get_label() for line in ax.lines} >= {"law"}
    assert ax.get_ylabel() == "confounding strength CS"


def test_exceedance_runs_from_loose_to_strict_thresholds() -> None:
    (ax,) = figures.exceedance(1 - np.geomspace(1e-4, 1e-2, 5), {"r": np.ones(5)}, {"printed": 0.999}, "x").axes
    assert ax.get_xlim()[0] > ax.get_xlim()[1]


def test_a_measure_is_drawn_against_concurrence() -> None:
    (ax,) = figures.is_it_a_measure(GRID, GRID, 1 + GRID, {"family": (GRID, GRID)}).axes
    assert len(ax.lines) == 3
    assert ax.get_xlabel() == "concurrence C"
