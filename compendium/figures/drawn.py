"""Figures that carry their data: what is drawn in a panel is noted with it, as rows that a spreadsheet or pandas reads.

A figure function draws with the verbs of this module (`line`, `points`, `bars`, `band`, …) and names its axes with
`describe`; the `Drawn` that it returns has the rows in its ``data``. Every figure is saved with them
(`compendium.figures.style_and_graphs.save`), so that a picture can be drawn again, in any hand. Drawings of graphs and
circuits have none. What only decorates (a legend, an annotation) is drawn with Matplotlib's own methods.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from IPython.core.pylabtools import print_figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

Row = dict[str, Any]
COLUMNS = (
    "panel", "series", "mark",
    "x", "x_low", "x_high", "x_name", "y", "y_low", "y_high", "y_name", "z", "z_low", "z_high",
)  # fmt: skip


@dataclass
class Panel:
    """What one of a figure's panels shows: its name, the names of places along its axes, its rows."""

    title: str = ""
    x: str = ""
    y: str = ""
    names: dict[str, dict[float, str]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its title, or else what is drawn against what."""
        return " ".join((self.title or " against ".join(filter(None, [self.y, self.x])) or "panel").split())


class Drawn(Figure):
    """A figure and its data.

    >>> figure = Drawn()
    >>> ax = figure.subplots()
    >>> _ = line(ax, [0, 1], [2, 3], label="f")
    >>> [(row["series"], row["x"], row["y"]) for row in figure.data]
    [('f', 0.0, 2.0), ('f', 1.0, 3.0)]
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.panels: dict[Axes, Panel] = {}
        self._svg = ""

    @property
    def svg(self) -> str:
        """The figure as SVG: as it was saved, if it has not changed since then, or else drawn anew."""
        return self._svg or str(print_figure(self, "svg", metadata={"Date": None}))

    def remember(self, svg: str) -> None:
        """Keep what was saved, until something in the figure changes: drawing it again would take as long again."""
        self._svg = svg
        self.stale_callback = self._forget

    def _forget(self, *_: Any) -> None:
        self._svg = ""

    @property
    def data(self) -> list[Row]:
        """A row for each point, bar or cell, panel by panel, in the order of drawing.

        panel : its title or its axes' labels. series : the label in the legend, empty if there is none. mark : line,
        point, bar, band, area, reference (a line across the panel), segment or cell. x, y, z : coordinates, z the value
        at a place; x_low, x_high and so on : ends of an error bar, a band, a bin. x_name, y_name : a category's name.
        """
        rows: list[Row] = []
        seen: Counter[str] = Counter()
        for panel in (self.panels[ax] for ax in self.axes if ax in self.panels):
            if panel.rows:
                seen[panel.name] += 1
                name = f"{panel.name} ({seen[panel.name]})" if seen[panel.name] > 1 else panel.name
                rows += [{"panel": name, **row, **_named(row, panel.names)} for row in panel.rows]
        return rows


def _floats(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=float)


def _panel(ax: Axes) -> Panel:
    figure = ax.get_figure()
    if not isinstance(figure, Drawn):
        raise TypeError(
            f"the axes belong to {type(figure).__name__}, which keeps no data; make them by figures.subplots"
        )
    return figure.panels.setdefault(ax, Panel())


def _named(row: Row, names: Mapping[str, Mapping[float, str]]) -> Row:
    found = {f"{axis}_name": places.get(round(row[axis], 9), "") for axis, places in names.items() if axis in row}
    return {key: name for key, name in found.items() if name}


def note(ax: Axes, mark: str, series: str | None, **columns: ArrayLike) -> None:
    """Note a row for each entry of some columns, numbers broadcast against each other; gaps (NaN, ∞) are left out."""
    rows = _panel(ax).rows
    arrays = np.broadcast_arrays(*(_floats(values) for values in columns.values()))
    for entries in zip(*(array.ravel().tolist() for array in arrays), strict=True):
        if np.all(np.isfinite(entries)):
            rows.append({"series": series or "", "mark": mark, **dict(zip(columns, entries, strict=True))})


def describe(ax: Axes, *, x: str = "", y: str = "", title: str = "", **where: Any) -> None:
    """Title and labels of a panel, by which its rows are known. where : options of Matplotlib's ``set_title``."""
    panel = _panel(ax)
    panel.x, panel.y, panel.title = x or panel.x, y or panel.y, title or panel.title
    if x:
        ax.set_xlabel(x)
    if y:
        ax.set_ylabel(y)
    if title:
        ax.set_title(title, **where)


def name_places(ax: Axes, axis: str, places: ArrayLike, names: Sequence[str], **look: Any) -> None:
    """Ticks with names in place of numbers, along the axis "x" or "y"; each names the rows at its place."""
    at = _floats(places).tolist()
    kept = {round(place, 9): name for place, name in zip(at, names, strict=True) if not _is_number(name)}
    _panel(ax).names[axis] = kept
    {"x": ax.set_xticks, "y": ax.set_yticks}[axis](at, list(names), **look)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# --- verbs: each draws, and notes what it was given -------------------------------------------------------------------


def line(ax: Axes, x: ArrayLike, y: ArrayLike, *, label: str | None = None, **look: Any) -> Any:
    """A line through points; returns Matplotlib's."""
    note(ax, "line", label, x=x, y=y)
    return ax.plot(_floats(x), _floats(y), label=label, **look)[0]


def points(ax: Axes, x: ArrayLike, y: ArrayLike, shape: str = "o", *, label: str | None = None, **look: Any) -> Any:
    """Points, each a mark of one shape."""
    note(ax, "point", label, x=x, y=y)
    return ax.plot(_floats(x), _floats(y), shape, label=label, **look)[0]


def shaded_points(ax: Axes, x: ArrayLike, y: ArrayLike, z: ArrayLike, **look: Any) -> Any:
    """Points whose colour is a value; returns what a colour bar needs."""
    note(ax, "point", None, x=x, y=y, z=z)
    return ax.scatter(_floats(x), _floats(y), c=_floats(z), **look)


def points_with_errors(
    ax: Axes, x: ArrayLike, y: ArrayLike, low: ArrayLike, high: ArrayLike, *, label: str | None = None, **look: Any
) -> None:
    """Points with the ends of their intervals."""
    note(ax, "point", label, x=x, y=y, y_low=low, y_high=high)
    y, low, high = (_floats(values) for values in (y, low, high))
    ax.errorbar(_floats(x), y, np.maximum([y - low, high - y], 0), label=label, **look)


def bars(
    ax: Axes, x: ArrayLike, heights: ArrayLike, bottom: ArrayLike = 0.0, *, label: str | None = None, **look: Any
) -> Any:
    """Upright bars, by the height of their ends (and of where they begin, if not at zero)."""
    return _bars(ax, "x", "y", x, heights, bottom, label, look)


def flat_bars(
    ax: Axes, y: ArrayLike, lengths: ArrayLike, left: ArrayLike = 0.0, *, label: str | None = None, **look: Any
) -> Any:
    """Bars that lie: as `bars`."""
    return _bars(ax, "y", "x", y, lengths, left, label, look)


def _bars(ax: Axes, at: str, along: str, places: Any, sizes: Any, start: Any, label: Any, look: Any) -> Any:
    arrays = np.broadcast_arrays(*(_floats(values) for values in (places, sizes, start)))
    for place, size, begin in zip(*(array.tolist() for array in arrays), strict=True):
        ends = {f"{along}_low": begin, f"{along}_high": begin + size} if begin else {}
        note(ax, "bar", label, **{at: place, along: begin + size}, **ends)
    if at == "x":
        return ax.bar(arrays[0], arrays[1], bottom=arrays[2], label=label, **look)
    return ax.barh(arrays[0], arrays[1], left=arrays[2], label=label, **look)


def histogram(ax: Axes, sample: ArrayLike, bins: int, *, label: str | None = None, **look: Any) -> None:
    """The density of a sample in bins of equal width."""
    import seaborn as sns  # slow to import, and only this needs it

    heights, edges = np.histogram(_floats(sample), bins=bins, density=True)
    low, high = np.transpose([*pairwise(edges.tolist())])
    note(ax, "bar", label, x=(low + high) / 2, y=heights, x_low=low, x_high=high)
    sns.histplot(x=_floats(sample), bins=edges, stat="density", ax=ax, label=label, **look)


def level(ax: Axes, *, x: float | None = None, y: float | None = None, label: str | None = None, **look: Any) -> None:
    """A line across the panel, upright at x or lying at y."""
    if (x is None) == (y is None):
        raise ValueError(f"x={x}, y={y}: a line across a panel has one of them")
    if x is not None:
        note(ax, "reference", label, x=x)
        ax.axvline(x, label=label, **look)
    elif y is not None:
        note(ax, "reference", label, y=y)
        ax.axhline(y, label=label, **look)


def belt(ax: Axes, low: float, high: float, *, label: str | None = None, **look: Any) -> None:
    """A band across the panel between two heights."""
    note(ax, "band", label, y_low=low, y_high=high)
    ax.axhspan(low, high, label=label, **look)


def band(ax: Axes, x: ArrayLike, low: ArrayLike, high: ArrayLike, *, label: str | None = None, **look: Any) -> None:
    """What lies between two curves."""
    note(ax, "band", label, x=x, y_low=low, y_high=high)
    ax.fill_between(_floats(x), _floats(low), _floats(high), label=label, **look)


def hatched_band(
    ax: Axes, x: ArrayLike, low: ArrayLike, high: ArrayLike, *, label: str, colour: str, hatch: str
) -> None:
    """A band that is told from others by more than its colour. The hatch is drawn by itself, or SVG hides it."""
    band(ax, x, low, high, label=label, facecolor=(colour, 0.25), edgecolor=colour, linewidth=0.6)
    ends = _floats(x), _floats(low), _floats(high)
    ax.fill_between(*ends, facecolor="none", edgecolor=(colour, 0.6), linewidth=0, hatch=hatch)


def upright_band(ax: Axes, y: ArrayLike, low: ArrayLike, high: ArrayLike, **look: Any) -> None:
    """What lies between two upright curves."""
    note(ax, "band", None, y=y, x_low=low, x_high=high)
    ax.fill_betweenx(_floats(y), _floats(low), _floats(high), **look)


def area(ax: Axes, x: ArrayLike, y: ArrayLike, *, label: str | None = None, **look: Any) -> None:
    """A polygon, by its corners; noted closed, as it is drawn."""
    corners = np.transpose([_floats(x), _floats(y)])
    closed = corners if np.array_equal(corners[0], corners[-1]) else np.vstack([corners, corners[:1]])
    note(ax, "area", label, x=closed[:, 0], y=closed[:, 1])
    ax.fill(corners[:, 0], corners[:, 1], label=label, **look)


def strokes(ax: Axes, y: ArrayLike, low: ArrayLike, high: ArrayLike, *, label: str | None = None, **look: Any) -> None:
    """Lying strokes, by their height and their ends."""
    note(ax, "segment", label, y=y, x_low=low, x_high=high)
    ax.hlines(_floats(y), _floats(low), _floats(high), label=label or "", **look)


def cells(ax: Axes, x: ArrayLike, y: ArrayLike, z: ArrayLike, **look: Any) -> Any:
    """A map: z[i, j] as the colour at x[j], y[i]; returns what a colour bar needs."""
    note_map(ax, x, y, z)
    return ax.pcolormesh(_floats(x), _floats(y), _floats(z), **look)


def shades(ax: Axes, x: ArrayLike, y: ArrayLike, z: ArrayLike, **look: Any) -> Any:
    """A map in shades, each between two levels; as `cells`."""
    note_map(ax, x, y, z)
    return ax.contourf(_floats(x), _floats(y), _floats(z), **look)


def note_map(ax: Axes, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> None:
    """Note the values of a map, row by row of z."""
    across, up = np.meshgrid(_floats(x), _floats(y))
    note(ax, "cell", None, x=across, y=up, z=z)


# --- as a file --------------------------------------------------------------------------------------------------------


def write_csv(rows: Iterable[Row], path: Path) -> Path:
    """Write rows with the columns that are used, numbers to seven digits: the same bytes for the same rows."""
    rows = list(rows)
    columns = [name for name in COLUMNS if any(row.get(name, "") != "" for row in rows)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name, "")) for name in columns] for row in rows)
    return path


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else format(float(value) + 0.0, ".7g")
