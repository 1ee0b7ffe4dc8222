"""Figures of the chapters on Bell tests as causal tests: data in, Figure out, in the style of this room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from compendium.figures.drawn import Drawn, describe, hatched_band, level, line, name_places, points, strokes
from compendium.figures.style_and_graphs import BLACK, BLUE, GREEN, ORANGE, PHONE, VERMILLION, subplots

MARKS = ((BLUE, "o", "-"), (VERMILLION, "s", "--"), (GREEN, "^", ":"), (ORANGE, "D", "-."))


def entanglement_and_strength(
    visibility: ArrayLike, concurrence: ArrayLike, strength: ArrayLike, thresholds: Mapping[str, float]
) -> Drawn:
    """Concurrence and confounding strength of a family of noisy states, and the visibilities where something begins.

    visibility, concurrence, strength : one entry a state. thresholds : what begins → visibility.
    """
    figure, ax = subplots(figsize=(PHONE, 4.0))
    v = np.asarray(visibility)
    line(ax, v, strength, color=BLUE, label="CS at the best settings")
    line(ax, v, concurrence, color=VERMILLION, linestyle="--", label="concurrence")
    level(ax, y=1, color=BLACK, linewidth=0.8)
    ax.text(0.01, 1.02, "classical bound", fontsize=9)
    for k, (what, at) in enumerate(thresholds.items()):
        level(ax, x=at, color="#777777", linewidth=0.9, linestyle=":")
        ax.annotate(
            what, (at, 1.34 - 0.11 * k), xytext=(-4, 0), textcoords="offset points", ha="right", fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    describe(ax, x="visibility of the Bell state", y="concurrence, CS")
    ax.set(xlim=(0, 1), ylim=(0, 1.45))
    ax.legend(loc="center left", bbox_to_anchor=(0, 0.5), fontsize=9)
    return figure


def detection_power(
    shift: ArrayLike, predicted: Mapping[str, ArrayLike], simulated: Mapping[str, ArrayLike], alarm: float
) -> Drawn:
    """How often a test finds a signal, by the signal's size, for several ways to tally.

    shift : change of a probability. predicted : name → probability of detection, drawn as lines. simulated : name →
    relative frequency, drawn as marks. alarm : the false-alarm probability.
    """
    figure, ax = subplots(figsize=(PHONE, 3.8))
    x = 100 * np.asarray(shift)
    for (name, chance), (colour, mark, dashes) in zip(predicted.items(), MARKS, strict=False):
        line(ax, x, chance, color=colour, linestyle=dashes, label=name)
        points(ax, x, simulated[name], mark, color=colour, markersize=5)
    level(ax, y=alarm, color=BLACK, linewidth=0.8)
    ax.text(x[-1], alarm + 0.04, f"false alarms, {alarm:g}", ha="right", fontsize=9)
    describe(ax, x="shift of $P(A=0)$ by a measurement of $B$\n(percentage points)", y="chance of detection")
    ax.set_ylim(0, 1.03)
    ax.legend(loc="upper left")
    return figure


def strength_by_parties(parties: Sequence[int], strengths: Mapping[str, ArrayLike]) -> Drawn:
    """Quantum confounding strength by the number of parties, on a logarithmic scale; the classical bound is one.

    strengths : name of a family of tests → its strengths.
    """
    figure, ax = subplots(figsize=(PHONE, 3.6))
    for (name, values), (colour, mark, dashes) in zip(strengths.items(), MARKS, strict=False):
        line(ax, parties, values, marker=mark, color=colour, linestyle=dashes, label=name)
    level(ax, y=1, color=BLACK, linewidth=0.8)
    ax.text(parties[-1], 1.04, "classical bound", ha="right", fontsize=9)
    ax.set_yscale("log", base=2)
    ax.set_xticks(list(parties))
    ax.yaxis.set_major_formatter("{x:g}")
    describe(ax, x="parties", y="quantum maximum of CS")
    ax.legend(loc="upper left")
    return figure


def bell_tests_by_scale(names: Sequence[str], scales: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Drawn:
    """Bell tests on several scales, one panel below another: the classical bound and the quantum maximum of every test.

    scales : title → (classical, quantum), one entry a test in each.
    """
    figure, axes = subplots(len(scales), 1, figsize=(PHONE, (0.6 * len(names) + 0.7) * len(scales) + 0.4))
    y = np.arange(len(names))[::-1]
    for ax, (title, (classical, quantum)) in zip(np.atleast_1d(axes), scales.items(), strict=True):
        low, high = np.asarray(classical, dtype=float), np.asarray(quantum, dtype=float)
        strokes(ax, y, low, high, color="#BBBBBB", linewidth=2)
        points(ax, low, y, color=BLACK, markerfacecolor="white", label="classical bound")
        points(ax, high, y, "D", color=BLUE, label="quantum maximum")
        for value, at in zip(high, y, strict=True):
            ax.annotate(f"{value:.3g}", (value, at), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=9)
        name_places(ax, "y", y, names)
        describe(ax, x=title)
        ax.set_ylim(-0.6, len(names) - 0.3)
        ax.margins(x=0.12)
    figure.legend(*np.atleast_1d(axes)[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def where_it_begins(
    groups: Mapping[str, Mapping[str, float | tuple[float, float]]], xlabel: str, threshold: tuple[float, str]
) -> Drawn:
    """From which value of a parameter between 0 and 1 on something holds: one bar each, by groups that share a colour.

    groups : name → what holds → where that begins; two values, if it is known only to begin between them, which is
    drawn paler. threshold : a value that all are compared with, and its name. The names stand above the bars.
    """
    rows = [(k, name, at) for k, group in enumerate(groups.values()) for name, at in group.items()]
    figure, ax = subplots(figsize=(PHONE, 0.56 * (len(rows) + 0.7 * len(groups)) + 1.1))
    level(ax, x=threshold[0], color=BLACK, linewidth=0.9, linestyle=":")
    y, names = 0.0, []
    for k, (title, group) in enumerate(groups.items()):
        colour = MARKS[k % len(MARKS)][0]
        ax.annotate(title, (0, y), fontsize=10, fontweight="bold", va="center")
        y -= 0.75
        for name, at in group.items():
            surely, perhaps = (at, at) if isinstance(at, float) else (at[1], at[0])
            if perhaps < surely:
                strokes(ax, [y], [perhaps], [surely], color=colour, linewidth=7, alpha=0.35, label=f"{name}, perhaps")
            strokes(ax, [y], [surely], [1.0], color=colour, linewidth=7, label=name)
            number = f"{surely:.3f}" if perhaps == surely else f"{perhaps:.3f} or a little later"
            ax.annotate(f"{name}: {number}", (0, y + 0.42), fontsize=9, va="center")
            names.append((y, name))
            y -= 1
    name_places(ax, "y", [at for at, _ in names], [name for _, name in names])
    ax.text(threshold[0], y + 0.3, threshold[1], fontsize=9, ha="center", va="top")
    ax.set(xlim=(0, 1), ylim=(y - 0.25, 0.5))
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    describe(ax, x=xlabel)
    return figure


def contradiction_by_strength(
    strength: ArrayLike, single: ArrayLike, average: ArrayLike, marks: Mapping[str, tuple[float, float]]
) -> Drawn:
    """By how much experiments contradict a bound on one probability, and on an average effect, by confounding strength.

    strength, single, average : one entry an experiment. marks : name → (strength, contradiction of the average effect).
    """
    figure, ax = subplots(figsize=(PHONE, 3.8))
    points(ax, strength, average, "o", color=BLUE, markersize=2, alpha=0.5, label="average effect")
    points(ax, strength, single, "s", color=VERMILLION, markersize=2, label="single probability")
    for (name, (x, y)), (_, mark, _) in zip(marks.items(), MARKS[2:] + MARKS[:1], strict=False):
        points(ax, [x], [y], mark, color=BLACK, markersize=7, label=name)
    describe(ax, x="confounding strength CS", y="contradiction\n(difference of probabilities)")
    ax.legend(loc="upper left", fontsize=9)
    return figure


def ranges_and_answers(
    x: ArrayLike,
    ranges: Mapping[str, tuple[ArrayLike, ArrayLike]],
    lines: Mapping[str, ArrayLike],
    xlabel: str,
    ylabel: str,
    threshold: tuple[float, str],
) -> Drawn:
    """What models of several kinds may answer, as bands, and what single models answer, as lines, over a parameter.

    ranges : name → (low, high). lines : name → answers. threshold : a value of the parameter, and its name.
    """
    figure, ax = subplots(figsize=(PHONE, 4.3))
    for (name, (low, high)), (colour, _, _), hatch in zip(ranges.items(), MARKS, ("//", "..", "xx"), strict=False):
        hatched_band(ax, x, low, high, label=name, colour=colour, hatch=hatch)
    for (name, values), (_, _, dashes) in zip(lines.items(), MARKS, strict=False):
        line(ax, x, values, color=BLACK, linestyle=dashes, label=name)
    level(ax, x=threshold[0], color=BLACK, linewidth=0.8, linestyle=":")
    ax.annotate(threshold[1], (threshold[0], 0.02), xytext=(-3, 0), textcoords="offset points", ha="right", fontsize=9)
    describe(ax, x=xlabel, y=ylabel)
    ax.set(xlim=(np.min(x), np.max(x)), ylim=(0, 1))
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, fontsize=9)
    return figure
