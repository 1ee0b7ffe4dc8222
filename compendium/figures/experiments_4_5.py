"""Figures of Experiments 4 and 5: seeing and doing, accuracies under a shift, and laws of the gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from compendium.figures.drawn import Drawn, band, bars, describe, level, line, name_places, points_with_errors
from compendium.figures.style_and_graphs import BLACK, BLUE, HATCHES, ORANGE, PHONE, VERMILLION, subplots

if TYPE_CHECKING:
    import pandas as pd

    from compendium.studies.kang_feature_selection import GainLaw


def seeing_and_doing(
    seen: ArrayLike, done: ArrayLike, labels: Sequence[str], names: tuple[str, str], ylabel: str, chance: float = 0.5
) -> Drawn:
    """Bars of observed and interventional probabilities side by side, with their intervals.

    seen, done : shape (groups, 3), each (low, estimate, high). labels : of the groups. names : of the two series.
    chance : the probability marked by a dotted line. Raises ``ValueError`` for other shapes.
    """
    figure, ax = subplots(figsize=(5.6, 3.4))
    places = np.arange(len(labels))
    series = (names[0], BLUE, seen), (names[1], ORANGE, done)
    for shift, hatch, (name, colour, values) in zip((-0.19, 0.19), HATCHES, series, strict=False):
        low, estimate, high = _triples(values, len(labels), name)
        look: dict[str, Any] = {"color": colour, "edgecolor": "white", "linewidth": 0, "hatch": hatch}
        bars(ax, places + shift, estimate, width=0.36, label=name, **look)
        points_with_errors(ax, places + shift, estimate, low, high, fmt="none", ecolor=BLACK, capsize=4, linewidth=1.2)
    level(ax, y=chance, color=BLACK, linestyle=":", linewidth=1)
    name_places(ax, "x", places, labels)
    describe(ax, y=ylabel)
    ax.set_ylim(0, 1.25)
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.legend(loc="upper center", ncols=2)
    ax.grid(axis="x", visible=False)
    return figure


def _triples(values: ArrayLike, groups: int, name: str) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.shape != (groups, 3):
        raise ValueError(f"{name}: shape {array.shape} should be {(groups, 3)}, (low, estimate, high) for each group")
    return array.T


def accuracy_by_domain(table: pd.DataFrame) -> Drawn:
    """Accuracy by test domain: above the means over seeds with bands of one standard deviation, below each seed.

    table : as `compendium.studies.kang_feature_selection.simulate` returns it.
    """
    figure, (means, seeds) = subplots(2, 1, figsize=(PHONE, 7.2), sharey=True)
    for name, colour, marker in (("causal", BLUE, "s"), ("naive", VERMILLION, "o")):
        groups = table.groupby("strength")[name]
        mean, spread = groups.mean(), groups.std(ddof=0)
        line(means, mean.index, mean, color=colour, marker=marker, label=f"{name}, mean")
        band(means, mean.index, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
    for _, seed in table.groupby("seed"):
        collapsed = bool((seed.naive < seed.causal - 0.2).any())
        colour, style = (VERMILLION, "-") if collapsed else (BLUE, (0, (4, 2)))
        line(seeds, seed.strength, seed.naive, color=colour, linestyle=style, linewidth=1.1, alpha=0.8)
    loss = (table.causal - table.naive).groupby(table.seed).max()
    count = int((loss > 0.2).to_numpy().sum())
    seeds.plot([], [], color=VERMILLION, label=f"naive, collapsed ({count} seeds)")
    rest = table.seed.nunique() - count
    seeds.plot([], [], color=BLUE, linestyle=(0, (4, 2)), label=f"naive, same as causal ({rest})")
    for ax, title in ((means, "mean over seeds ± s.d."), (seeds, "one line a seed")):
        describe(ax, x="probability s of the CNOT A→C in the test data", y="accuracy", title=title)
        ax.legend(loc="lower right", fontsize=9)
    means.set_ylim(0.4, 1.02)
    return figure


def laws_of_the_mean_gain(laws: Mapping[str, GainLaw], marks: Mapping[str, float]) -> Drawn:
    """The exact laws of a mean gain, one panel each, with reported values marked.

    laws : title → law, in percentage points. marks : label → value.
    """
    figure, axes = subplots(len(laws), 1, figsize=(PHONE, 2.3 * len(laws) + 0.5), sharex=True, squeeze=False)
    for ax, (title, law) in zip(axes[:, 0], laws.items(), strict=True):
        width = 20 * max(1, round(0.1 / (20 * (law.values[1] - law.values[0]))))
        bins = law.probabilities[: len(law.values) // width * width].reshape(-1, width).sum(axis=1)
        places = law.values[: len(bins) * width].reshape(-1, width).mean(axis=1)
        band(ax, places, 0 * bins, 100 * bins, step="mid", color=BLUE, alpha=0.55, linewidth=0)
        describe(ax, y="probability, %", title=title)
        ax.set(xlim=(0, 22.5), ylim=(0, None))
        for (label, value), style in zip(marks.items(), ("-", "--", ":", "-."), strict=False):
            level(ax, x=value, color=VERMILLION, linestyle=style, linewidth=1.4, label=label)
    axes[0, 0].legend(loc="upper right", fontsize=9)
    describe(axes[-1, 0], x="mean gain of a run of 20 seeds, percentage points")
    return figure


def collapse_by_seed(seeds: Sequence[int], chance: ArrayLike, collapsed: ArrayLike) -> Drawn:
    """For each seed the probability of a collapse as a bar, filled where it happened.

    Raises ``ValueError`` if there is not one probability and one truth value for each seed.
    """
    heights, happened = np.asarray(chance, dtype=float), np.asarray(collapsed, dtype=bool)
    if heights.shape != (len(seeds),) or happened.shape != (len(seeds),):
        raise ValueError(f"{len(seeds)} seeds: probabilities {heights.shape} and truth values {happened.shape}")
    figure, ax = subplots(figsize=(PHONE, 3.2))
    places = np.arange(len(seeds))
    for truth, label, face in ((True, "collapsed in the log", VERMILLION), (False, "did not", "white")):
        kept = happened == truth
        bars(
            ax, places[kept], heights[kept], width=0.7, facecolor=face, edgecolor=VERMILLION, linewidth=1.3, label=label
        )
    name_places(ax, "x", places, [str(seed) for seed in seeds], fontsize=9, rotation=90)
    describe(ax, x="seed", y="probability of a collapse")
    ax.set_ylim(0, 1)
    ax.legend(loc="upper right", fontsize=9)
    ax.grid(axis="x", visible=False)
    return figure


def dashed_curves(
    x: ArrayLike, series: Mapping[str, ArrayLike], xlabel: str, ylabel: str, marks: Mapping[str, float] | None = None
) -> Drawn:
    """Named curves over one axis, told apart by colour and dash, with dotted marks on the axis.

    Raises ``ValueError`` for a curve of another length.
    """
    figure, ax = subplots(figsize=(PHONE, 3.8))
    places = np.asarray(x, dtype=float)
    dashes = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 3)))
    for (name, values), dash in zip(series.items(), dashes, strict=False):
        y = np.asarray(values, dtype=float)
        if y.shape != places.shape:
            raise ValueError(f"curve {name!r}: shape {y.shape} should be {places.shape}")
        line(ax, places, y, linestyle=dash, label=name)
    for label, value in (marks or {}).items():
        level(ax, x=value, color=BLACK, linestyle=":", linewidth=1)
        ax.annotate(label, (value, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=9)
    describe(ax, x=xlabel, y=ylabel)
    figure.legend(fontsize=9, loc="outside upper left")
    return figure
