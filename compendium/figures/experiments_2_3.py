"""Figures of Experiments 2 and 3: the hierarchy of strengths, laws and samples, strength and entanglement."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from compendium.figures import drawn
from compendium.figures.drawn import Drawn, belt, describe, histogram, level, line, name_places, points, shaded_points
from compendium.figures.style_and_graphs import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PHONE,
    PURPLE,
    SKY,
    VERMILLION,
    subplots,
)

SERIES = (BLUE, ORANGE, GREEN, PURPLE)


def hierarchy(
    samples: Mapping[str, ArrayLike],
    laws: Mapping[str, tuple[ArrayLike, ArrayLike]],
    hardware: Mapping[str, Mapping[str, tuple[float, float, float]]],
    bounds: Mapping[str, float],
) -> Drawn:
    """Violins of exact laws with measured trials beside them, hardware points with intervals, and bounds.

    samples : scenario → strengths of its trials. laws : scenario → (strengths, density); each violin is scaled to one
    width. hardware : scenario → what an interval is → (low, value, high). bounds : label → strength.
    Raises ``ValueError`` if a scenario of the samples has no law, or a hardware point no scenario.
    """
    if set(samples) != set(laws) or not set(hardware) <= set(samples):
        raise ValueError(f"scenarios: {list(samples)} have laws {list(laws)}, hardware {list(hardware)}")
    figure, ax = subplots(figsize=(PHONE, 5.2))
    for label, height in bounds.items():
        level(ax, y=height, color=BLACK, linewidth=0.9, linestyle="--", zorder=1)
        ax.annotate(
            label, (0.4, height), xytext=(0, 2), textcoords="offset points", ha="center", va="bottom",
            fontsize=9,
        )  # fmt: skip
    for place, name in enumerate(samples):
        _violin(ax, place, samples[name], laws[name])
    ax.plot([], [], "s", color="#CFE5F3", markeredgecolor=BLUE, label="exact distribution")
    ax.plot([], [], ".", color=BLUE, label="trials")
    kinds = list(dict.fromkeys(kind for points in hardware.values() for kind in points))
    for k, kind in enumerate(kinds):
        places = [place for place, name in enumerate(samples) if kind in hardware.get(name, {})]
        low, value, high = np.transpose([hardware[list(samples)[place]][kind] for place in places])
        at = np.array(places) + 0.3 + 0.1 * (k - (len(kinds) - 1) / 2)
        drawn.points_with_errors(
            ax, at, value, low, high, fmt="os^"[k % 3], color=(VERMILLION, GREEN, PURPLE)[k % 3],
            linestyle="none", capsize=4, markersize=6, zorder=5, label=f"hardware: {kind}",
        )  # fmt: skip
    name_places(ax, "x", range(len(samples)), [name.replace(" ", "\n", 1) for name in samples])
    describe(ax, y="confounding strength CS")
    ax.set(xlim=(-0.5, len(samples) - 0.5), ylim=(-0.12, 2.25))
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper left", fontsize=9)
    return figure


def _violin(ax: Axes, place: int, sample: ArrayLike, law: tuple[ArrayLike, ArrayLike]) -> None:
    """One exact law as a violin, and trials as points beside its axis."""
    grid, density = (np.asarray(values, dtype=float) for values in law)
    width = 0.32 * density / density.max()
    drawn.upright_band(ax, grid, place - width, place + width, color="#CFE5F3", linewidth=0, zorder=2)
    ax.fill_betweenx(grid, place - width, place + width, facecolor="none", edgecolor=BLUE, linewidth=0.9, zorder=3)
    values = np.asarray(sample, dtype=float)
    jitter = np.random.default_rng(place)  # places the points; carries no data
    points(ax, place + jitter.uniform(-0.1, 0.1, len(values)), values, ".", color=BLUE, markersize=3, zorder=4)


def densities(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    samples: ArrayLike | None,
    marks: Mapping[str, float],
    xlabel: str,
    bins: int = 60,
) -> Drawn:
    """Densities as curves, one sample as a histogram behind them, and marked values."""
    figure, ax = subplots(figsize=(PHONE, 3.6))
    if samples is not None:
        histogram(ax, samples, bins, label="simulated", color="#CFE5F3", alpha=1, linewidth=0)
    for colour, stroke, (name, (x, y)) in zip(SERIES, ("-", "--", "-.", ":"), curves.items(), strict=False):
        line(ax, x, y, color=colour, linestyle=stroke, label=name)
    for k, (label, value) in enumerate(marks.items()):
        level(ax, x=value, color=VERMILLION, linewidth=1.1, linestyle=("--", ":", "-.")[k % 3], label=label)
    describe(ax, x=xlabel, y="density")
    figure.legend(fontsize=9, ncols=2, loc="outside upper left")
    return figure


def strength_under_noise(
    multiples: ArrayLike, curves: Mapping[str, ArrayLike], band: tuple[float, float, float], bounds: Mapping[str, float]
) -> Drawn:
    """Strength against the size of error rates as a multiple of the published ones, and a measured value with interval.

    curves : name → strengths. band : (low, value, high) of the measured one. bounds : label → strength.
    """
    figure, ax = subplots(figsize=(PHONE, 3.8))
    low, value, high = band
    belt(ax, low, high, color="#F6D9C8", label="measured, 95 % interval")
    level(ax, y=value, color=VERMILLION, linewidth=1.2)
    for k, (colour, (name, values)) in enumerate(zip(SERIES, curves.items(), strict=False)):
        line(ax, multiples, values, color=colour, linestyle=("-", "--", ":")[k % 3], label=name)
    for label, height in bounds.items():
        level(ax, y=height, color=BLACK, linewidth=0.9, linestyle="--")
        ax.annotate(label, (np.max(np.asarray(multiples)), height), ha="right", va="bottom", fontsize=9)
    describe(ax, x="error rates, multiple of the published", y="confounding strength CS")
    ax.legend(fontsize=9, loc="lower left")
    return figure


def strength_and_entanglement(
    theta: ArrayLike, measured: ArrayLike, law: tuple[ArrayLike, ArrayLike], fitted: tuple[float, float]
) -> Drawn:
    """Strength by the angle of the state, and below it by its concurrence, with law and fitted line.

    theta, measured : of each state. law : (angles, strengths), a fine grid. fitted : intercept and slope of the fit.
    """
    figure, (left, right) = subplots(2, 1, figsize=(PHONE, 7.0))
    angles, strengths = (np.asarray(values, dtype=float) for values in law)
    x, y = np.asarray(theta, dtype=float), np.asarray(measured, dtype=float)
    line(left, angles, strengths, color=BLUE, label="theory")
    points(left, x, y, color=VERMILLION, markersize=4, label="simulated")
    describe(left, x="θ (rad)", y="CS", title="(a) by the angle of the state")
    left.legend(fontsize=9)
    C = np.array([0.0, 1.0])
    line(right, C, fitted[0] + fitted[1] * C, color="#888888", linewidth=3, label="fitted line")
    line(right, abs(np.sin(2 * angles)), strengths, color=BLUE, linestyle="--", label="theory")
    states = shaded_points(right, abs(np.sin(2 * x)), y, x, cmap="cividis", s=22, zorder=3)
    describe(right, x="C", y="CS", title="(b) by its concurrence C")
    right.legend(fontsize=9)
    figure.colorbar(states, ax=right, label="θ (rad)")
    return figure


def is_it_a_measure(
    concurrence: ArrayLike, fixed: ArrayLike, optimal: ArrayLike, families: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> Drawn:
    """Strength against concurrence: random states at fixed and at optimal settings, families of states as curves."""
    figure, ax = subplots(figsize=(PHONE, 4.6))
    C = np.asarray(concurrence, dtype=float)
    points(ax, C, fixed, ".", color=SKY, markersize=3, rasterized=True, label="random states, fixed settings")
    points(ax, C, optimal, ".", color=ORANGE, markersize=3, rasterized=True, label="the same, best settings")
    for colour, style, (name, (x, y)) in zip(
        (BLUE, VERMILLION, BLACK, GREEN), ("-", "--", ":", "-."), families.items(), strict=False
    ):
        line(ax, x, y, color=colour, linestyle=style, label=name)
    describe(ax, x="concurrence C", y="confounding strength CS")
    ax.set_ylim(-0.03, 1.45)
    figure.legend(fontsize=9, loc="outside upper left")
    return figure


def exceedance(
    thresholds: ArrayLike, curves: Mapping[str, ArrayLike], marks: Mapping[str, float], xlabel: str
) -> Drawn:
    """Probability that a statistic exceeds a threshold, against one minus the threshold (logarithmic), and marks.

    thresholds : values below one. curves : name → probabilities. marks : label → threshold.
    """
    figure, ax = subplots(figsize=(PHONE, 3.6))
    x = 1 - np.asarray(thresholds, dtype=float)
    for colour, style, (name, values) in zip(SERIES, ("-", "--", "-.", ":"), curves.items(), strict=False):
        line(ax, x, values, color=colour, linestyle=style, label=name)
    for k, (label, threshold) in enumerate(marks.items()):
        level(ax, x=1 - threshold, color=VERMILLION, linewidth=1, linestyle=("--", ":")[k % 2], label=label)
    ax.set_xscale("log")
    ax.invert_xaxis()
    describe(ax, x=xlabel, y="probability to exceed it")
    ax.set_ylim(-0.03, 1.03)
    figure.legend(fontsize=9, loc="outside upper left")
    return figure
