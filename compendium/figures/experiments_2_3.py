"""Figures of Experiments 2 and 3: the hierarchy of strengths, laws and samples, strength and entanglement."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from compendium.figures.style_and_graphs import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, subplots

SERIES = (BLUE, ORANGE, GREEN, PURPLE)


def hierarchy(
    samples: Mapping[str, ArrayLike],
    laws: Mapping[str, tuple[ArrayLike, ArrayLike]],
    hardware: Mapping[str, Mapping[str, tuple[float, float, float]]],
    bounds: Mapping[str, float],
) -> Figure:
    """Violins of exact laws with measured trials beside them, hardware points with intervals, and bounds.

    samples : scenario → strengths of its trials. laws : scenario → (strengths, density); each violin is scaled to one
    width. hardware : scenario → what an interval is → (low, value, high). bounds : label → strength.
    Raises ``ValueError`` if a scenario of the samples has no law, or a hardware point no scenario.
    """
    if set(samples) != set(laws) or not set(hardware) <= set(samples):
        raise ValueError(f"scenarios: {list(samples)} have laws {list(laws)}, hardware {list(hardware)}")
    figure, ax = subplots(figsize=(7.4, 4.6))
    for label, level in bounds.items():
        ax.axhline(level, color=BLACK, linewidth=0.9, linestyle="--", zorder=1)
        ax.annotate(
            label, (0.4, level), xytext=(0, 2), textcoords="offset points", ha="center", va="bottom",
            fontsize=9,
        )  # fmt: skip
    for place, name in enumerate(samples):
        _violin(ax, place, samples[name], laws[name])
    ax.plot([], [], "s", color="#CFE5F3", markeredgecolor=BLUE, label="exact law")
    ax.plot([], [], ".", color=BLUE, label="trials")
    kinds = list(dict.fromkeys(kind for points in hardware.values() for kind in points))
    for k, kind in enumerate(kinds):
        places = [place for place, name in enumerate(samples) if kind in hardware.get(name, {})]
        low, value, high = np.transpose([hardware[list(samples)[place]][kind] for place in places])
        at = np.array(places) + 0.3 + 0.1 * (k - (len(kinds) - 1) / 2)
        ax.errorbar(
            at, value, [value - low, high - value], fmt="os^"[k % 3], color=(VERMILLION, GREEN, PURPLE)[k % 3],
            linestyle="none", capsize=4, markersize=6, zorder=5, label=f"hardware: {kind}",
        )  # fmt: skip
    ax.set_xticks(range(len(samples)), [name.replace(" ", "\n", 1) for name in samples])
    ax.set(ylabel="confounding strength CS", xlim=(-0.5, len(samples) - 0.5), ylim=(-0.12, 1.95))
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper left", fontsize=9, ncols=2)
    return figure


def _violin(ax: Axes, place: int, sample: ArrayLike, law: tuple[ArrayLike, ArrayLike]) -> None:
    """One exact law as a violin, and trials as points beside its axis."""
    grid, density = (np.asarray(values, dtype=float) for values in law)
    width = 0.32 * density / density.max()
    ax.fill_betweenx(grid, place - width, place + width, color="#CFE5F3", linewidth=0, zorder=2)
    ax.fill_betweenx(grid, place - width, place + width, facecolor="none", edgecolor=BLUE, linewidth=0.9, zorder=3)
    values = np.asarray(sample, dtype=float)
    jitter = np.random.default_rng(place)  # places the points; carries no data
    ax.plot(place + jitter.uniform(-0.1, 0.1, len(values)), values, ".", color=BLUE, markersize=3, zorder=4)


def densities(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    samples: ArrayLike | None,
    marks: Mapping[str, float],
    xlabel: str,
    bins: int = 60,
) -> Figure:
    """Densities as curves, one sample as a histogram behind them, and marked values."""
    figure, ax = subplots(figsize=(6.8, 3.6))
    if samples is not None:
        import seaborn as sns  # slow to import, and only this figure needs it

        look = {"color": "#CFE5F3", "alpha": 1, "linewidth": 0}
        sns.histplot(x=np.asarray(samples), bins=bins, stat="density", ax=ax, label="simulated", **look)
    for colour, (name, (x, y)) in zip(SERIES, curves.items(), strict=False):
        ax.plot(np.asarray(x), np.asarray(y), color=colour, label=name)
    for k, (label, value) in enumerate(marks.items()):
        ax.axvline(value, color=VERMILLION, linewidth=1.1, linestyle=("--", ":", "-.")[k % 3], label=label)
    ax.set(xlabel=xlabel, ylabel="density", ylim=(0, None))
    ax.legend(fontsize=9)
    return figure


def strength_under_noise(
    multiples: ArrayLike, curves: Mapping[str, ArrayLike], band: tuple[float, float, float], bounds: Mapping[str, float]
) -> Figure:
    """Strength against the size of error rates as a multiple of the published ones, and a measured value with interval.

    curves : name → strengths. band : (low, value, high) of the measured one. bounds : label → strength.
    """
    figure, ax = subplots(figsize=(6.8, 3.6))
    low, value, high = band
    ax.axhspan(low, high, color="#F6D9C8", label="measured, 95 % interval")
    ax.axhline(value, color=VERMILLION, linewidth=1.2)
    for colour, (name, values) in zip(SERIES, curves.items(), strict=False):
        ax.plot(np.asarray(multiples), np.asarray(values), color=colour, label=name)
    for label, level in bounds.items():
        ax.axhline(level, color=BLACK, linewidth=0.9, linestyle="--")
        ax.annotate(label, (np.max(np.asarray(multiples)), level), ha="right", va="bottom", fontsize=9)
    ax.set(xlabel="error rates, multiple of the published", ylabel="confounding strength CS")
    ax.legend(fontsize=9, loc="lower left")
    return figure


def strength_and_entanglement(
    theta: ArrayLike, measured: ArrayLike, law: tuple[ArrayLike, ArrayLike], line: tuple[float, float]
) -> Figure:
    """Two panels: strength by the angle of the state, and by its concurrence, with law and fitted line.

    theta, measured : of each state. law : (angles, strengths), a fine grid. line : of the fit, intercept and slope.
    """
    figure, (left, right) = subplots(1, 2, figsize=(9.4, 3.9))
    angles, strengths = (np.asarray(values, dtype=float) for values in law)
    x, y = np.asarray(theta, dtype=float), np.asarray(measured, dtype=float)
    left.plot(angles, strengths, color=BLUE, label="law")
    left.plot(x, y, "o", color=VERMILLION, markersize=4, label="simulated")
    left.set(xlabel="theta (rad)", ylabel="CS", title="(a) by the angle of the state")
    left.legend(fontsize=9)
    C = np.array([0.0, 1.0])
    right.plot(C, line[0] + line[1] * C, color="#888888", linewidth=3, label="fitted line")
    right.plot(abs(np.sin(2 * angles)), strengths, color=BLUE, linestyle="--", label="law")
    points = right.scatter(abs(np.sin(2 * x)), y, c=x, cmap="cividis", s=22, zorder=3)
    right.set(xlabel="C", ylabel="CS", title="(b) by its concurrence C")
    right.legend(fontsize=9)
    figure.colorbar(points, ax=right, label="theta (rad)")
    return figure


def is_it_a_measure(
    concurrence: ArrayLike, fixed: ArrayLike, optimal: ArrayLike, families: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> Figure:
    """Strength against concurrence: random states at fixed and at optimal settings, families of states as curves."""
    figure, ax = subplots(figsize=(6.8, 4.2))
    C = np.asarray(concurrence, dtype=float)
    ax.plot(C, np.asarray(fixed), ".", color=SKY, markersize=3, rasterized=True, label="random states, fixed settings")
    ax.plot(C, np.asarray(optimal), ".", color=ORANGE, markersize=3, rasterized=True, label="the same, best settings")
    for colour, style, (name, (x, y)) in zip(
        (BLUE, VERMILLION, BLACK, GREEN), ("-", "--", ":", "-."), families.items(), strict=False
    ):
        ax.plot(np.asarray(x), np.asarray(y), color=colour, linestyle=style, label=name)
    ax.set(xlabel="concurrence C", ylabel="confounding strength CS", ylim=(-0.03, 1.9))
    ax.legend(fontsize=9, loc="upper left", ncols=2)
    return figure


def exceedance(
    thresholds: ArrayLike, curves: Mapping[str, ArrayLike], marks: Mapping[str, float], xlabel: str
) -> Figure:
    """Probability that a statistic exceeds a threshold, against one minus the threshold (logarithmic), and marks.

    thresholds : values below one. curves : name → probabilities. marks : label → threshold.
    """
    figure, ax = subplots(figsize=(6.8, 3.6))
    x = 1 - np.asarray(thresholds, dtype=float)
    for colour, style, (name, values) in zip(SERIES, ("-", "--", "-.", ":"), curves.items(), strict=False):
        ax.plot(x, np.asarray(values), color=colour, linestyle=style, label=name)
    for k, (label, threshold) in enumerate(marks.items()):
        ax.axvline(1 - threshold, color=VERMILLION, linewidth=1, linestyle=("--", ":")[k % 2], label=label)
    ax.set_xscale("log")
    ax.invert_xaxis()
    ax.set(xlabel=xlabel, ylabel="probability to exceed it", ylim=(-0.03, 1.03))
    ax.legend(fontsize=9)
    return figure
