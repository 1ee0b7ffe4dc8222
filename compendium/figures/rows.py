"""The data behind a figure, read off its axes: what is plotted there as rows that a spreadsheet or pandas reads.

Every figure is saved with these rows (`compendium.figures.style_and_graphs.save`), so that a picture can be drawn
again, in any hand. Drawings without axes (graphs, circuits) have none.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.category import StrCategoryFormatter
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import FixedFormatter, FuncFormatter

Row = dict[str, Any]
COLUMNS = (
    "panel", "series", "mark",
    "x", "x_low", "x_high", "x_name", "y", "y_low", "y_high", "y_name", "z", "z_low", "z_high",
)  # fmt: skip
COLORBAR = "<colorbar>"  # how matplotlib labels such axes


def figure_data(figure: Figure) -> list[Row]:
    """Everything plotted in a figure's coordinates, a row for each point, bar or cell, in the order of drawing.

    panel : the axes, by title or labels. series : the label in the legend, empty if there is none. mark : line, point,
    step, bar, band, area, reference (a line across the axes), segment, contour or cell. x, y, z : coordinates, z the
    value of a cell; x_low, x_high and so on : ends of an error bar, a band, a bin. x_name, y_name : a category's name.

    >>> figure = Figure()
    >>> _ = figure.subplots().plot([0, 1], [2, 3], label="f")
    >>> [(row["series"], float(row["x"]), float(row["y"])) for row in figure_data(figure)]
    [('f', 0.0, 2.0), ('f', 1.0, 3.0)]
    """
    rows: list[Row] = []
    seen: Counter[str] = Counter()
    for ax in _panels(figure):
        drawn = [row for row in _axes_rows(ax) if _finite(row)] if _has_data(ax) else []
        if drawn:
            name = panel_name(ax) or "panel"
            seen[name] += 1
            panel = f"{name} ({seen[name]})" if seen[name] > 1 else name
            names = [_names(axis) for axis in (ax.xaxis, ax.yaxis)]
            rows += [{"panel": panel, **row, **_named(row, names)} for row in drawn]
    return rows


def _panels(figure: Figure) -> Iterator[Any]:
    for ax in figure.axes:
        yield ax
        yield from (child for child in ax.child_axes if isinstance(child, Axes))  # insets; not second scales


def write_csv(rows: Iterable[Row], path: Path) -> Path:
    """Write rows with the columns that are used, numbers to seven digits: the same bytes for the same rows."""
    rows = list(rows)
    columns = [name for name in COLUMNS if any(row.get(name, "") != "" for row in rows)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name, "")) for name in columns] for row in rows)
    return path


def panel_name(ax: Axes) -> str:
    """What a panel shows: its title, or else its axes' labels, those of panels that share them included."""
    shared = ((ax.get_shared_x_axes(), "get_xlabel"), (ax.get_shared_y_axes(), "get_ylabel"))
    labels = [[getattr(each, get)() for each in (ax, *group.get_siblings(ax))] for group, get in shared]
    x, y = (next(filter(None, texts), "") for texts in labels)
    title = next(filter(None, (ax.get_title(loc=at) for at in ("center", "left", "right"))), "")
    return " ".join((title or " against ".join(filter(None, [y, x]))).split())


def _has_data(ax: Axes) -> bool:
    return bool(ax.axison and ax.get_visible() and ax.get_label() != COLORBAR)


def _finite(row: Row) -> bool:
    numbers = [value for value in row.values() if not isinstance(value, str)]
    return bool(numbers) and all(map(np.isfinite, numbers))


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else format(float(value) + 0.0, ".7g")


def _names(axis: Axis) -> dict[float, str]:
    """Position → name, where an axis has categories in place of numbers."""
    formatter, ticks = axis.get_major_formatter(), axis.get_majorticklocs()
    if not isinstance(formatter, FixedFormatter | FuncFormatter | StrCategoryFormatter):
        return {}
    names, places = formatter.format_ticks(list(ticks)), (round(float(tick), 9) for tick in ticks)
    return {p: n for p, n in zip(places, names, strict=False) if n and not _is_number(n)}


def _is_number(text: str) -> bool:
    try:
        float(text.strip("$%").replace("−", "-"))
    except ValueError:
        return False
    return True


def _named(row: Row, names: Iterable[dict[float, str]]) -> Row:
    found = {
        f"{key}_name": each.get(round(row[key], 9), "") for key, each in zip("xy", names, strict=True) if key in row
    }
    return {key: name for key, name in found.items() if name}


# --- what is drawn in one panel ---------------------------------------------------------------------------------------


def _axes_rows(ax: Axes) -> Iterator[Row]:
    owned: set[int] = set()
    for container in ax.containers:
        owned |= {id(artist) for artist in _flat(container)}
        if isinstance(container, BarContainer):
            yield from _bars(container)
        elif isinstance(container, ErrorbarContainer):
            yield from _error_bars(container)
    for artist in (each for each in ax.get_children() if id(each) not in owned and each.get_visible()):
        for row in _artist_rows(ax, artist):
            yield {"series": label_of(artist), **row}


def _flat(container: Any) -> Iterator[Any]:
    for part in container:
        if isinstance(part, tuple | list):
            yield from part
        else:
            yield part


def label_of(artist: Any) -> str:
    """An artist's label, empty where it is one that no legend shows."""
    label = str(artist.get_label() or "")
    return "" if label.startswith("_") else label


def _artist_rows(ax: Axes, artist: Artist) -> Iterator[Row]:
    if isinstance(artist, Line2D):
        yield from _line(artist, *_in_data(artist, ax))
    elif isinstance(artist, QuadMesh):
        yield from _cells(artist.get_coordinates(), artist.get_array())
    elif isinstance(artist, AxesImage):
        yield from _image(artist)
    elif isinstance(artist, ContourSet):
        yield from _contours(artist)
    elif isinstance(artist, Polygon | Rectangle):
        yield from _patch(artist, *_in_data(artist, ax))
    elif isinstance(artist, Collection):
        yield from _collection(artist, ax)


def _in_data(artist: Artist, ax: Axes) -> tuple[bool, bool]:
    """Whether an artist's horizontal and vertical coordinates are those of the data, not fractions of the axes."""
    horizontal, vertical = artist.get_transform().contains_branch_seperately(ax.transData)
    return horizontal, vertical


def _line(line: Line2D, in_x: bool, in_y: bool) -> Iterator[Row]:
    x, y = (np.asarray(values, dtype=float) for values in line.get_data(orig=False))
    if not (in_x and in_y):
        yield from ({"mark": "reference", "x": a} for a in sorted(set(x.tolist())) if in_x)
        yield from ({"mark": "reference", "y": b} for b in sorted(set(y.tolist())) if in_y)
        return
    drawn = str(line.get_linestyle()).lower() not in ("none", "", " ")
    mark = "point" if not drawn else "step" if line.get_drawstyle().startswith("steps") else "line"
    yield from ({"mark": mark, "x": a, "y": b} for a, b in zip(x, y, strict=True))


def _bars(container: BarContainer) -> Iterator[Row]:
    upright = container.orientation != "horizontal"
    at, along = ("x", "y") if upright else ("y", "x")
    edges = []
    for bar in container.patches:
        (x, y), w, h = bar.get_xy(), bar.get_width(), bar.get_height()
        edges.append((x, x + w, y, y + h) if upright else (y, y + h, x, x + w))
    bins = len(edges) > 1 and all(np.isclose(a[1], b[0]) for a, b in pairwise(edges))
    for low, high, base, end in edges:
        row = {"series": label_of(container), "mark": "bar", at: (low + high) / 2, along: end}
        row |= {f"{at}_low": low, f"{at}_high": high} if bins else {}
        yield row | ({f"{along}_low": base, f"{along}_high": end} if base else {})


def _error_bars(container: ErrorbarContainer) -> Iterator[Row]:
    line, _, bars = container.lines
    kinds = [axis for axis, has in (("x", container.has_xerr), ("y", container.has_yerr)) if has]
    segments = {axis: bar.get_segments() for axis, bar in zip(kinds, bars, strict=False)}
    points = None if line is None else np.asarray(line.get_xydata(), dtype=float)
    count = max([len(each) for each in segments.values()], default=0)
    for k in range(count if points is None else len(points)):
        ends = {axis: np.asarray(each[k], dtype=float) for axis, each in segments.items() if k < len(each)}
        any_end = next(iter(ends.values()), np.full((2, 2), np.nan))
        x, y = any_end.mean(axis=0) if points is None else points[k]
        row = {"series": label_of(container), "mark": "point", "x": x, "y": y}
        for axis, end in ends.items():
            if len(end):
                column = end[:, "xy".index(axis)]
                row |= {f"{axis}_low": column.min(), f"{axis}_high": column.max()}
        yield row


def _unmasked(values: Any) -> Any:
    """An array of numbers, NaN where it is masked."""
    return np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)


def _cells(corners: Any, values: Any) -> Iterator[Row]:
    centres = (corners[:-1, :-1] + corners[:-1, 1:] + corners[1:, :-1] + corners[1:, 1:]) / 4
    shape = centres.shape[:2]
    filled = _unmasked(values)
    if filled.size != shape[0] * shape[1]:
        filled, centres = filled.reshape(corners.shape[:2]), corners  # smooth shading: values at the corners
    for (x, y), z in zip(centres.reshape(-1, 2), filled.ravel(), strict=True):
        yield {"mark": "cell", "x": x, "y": y, "z": z}


def _image(image: AxesImage) -> Iterator[Row]:
    values = _unmasked(image.get_array())
    if values.ndim != 2:  # a picture in colours, no data
        return
    left, right, bottom, top = image.get_extent()
    first, last = (top, bottom) if image.origin == "upper" else (bottom, top)
    x, y = np.linspace(left, right, values.shape[1] + 1), np.linspace(first, last, values.shape[0] + 1)
    yield from _cells(np.stack(np.meshgrid(x, y), axis=-1), values)


def _contours(contours: ContourSet) -> Iterator[Row]:
    levels = np.asarray(contours.levels, dtype=float)
    for k, path in enumerate(contours.get_paths()):
        of = {"z_low": levels[k], "z_high": levels[k + 1]} if contours.filled else {"z": levels[k]}
        yield from ({"mark": "contour", "x": x, "y": y, **of} for x, y in np.asarray(path.vertices, dtype=float))


def _patch(patch: Polygon | Rectangle, in_x: bool, in_y: bool) -> Iterator[Row]:
    """A polygon by its corners; a rectangle that spans the axes by its two ends. Others belong to drawings."""
    if isinstance(patch, Polygon) and in_x and in_y:
        yield from ({"mark": "area", "x": x, "y": y} for x, y in np.asarray(patch.get_xy(), dtype=float))
    elif isinstance(patch, Rectangle) and in_x != in_y:
        at, low, size = ("x", patch.get_x(), patch.get_width()) if in_x else ("y", patch.get_y(), patch.get_height())
        yield {"mark": "band", f"{at}_low": min(low, low + size), f"{at}_high": max(low, low + size)}


def _collection(artist: Collection, ax: Axes) -> Iterator[Row]:
    if isinstance(artist, PathCollection):
        points, values = _unmasked(artist.get_offsets()), artist.get_array()
        shades: list[Row] = [{}] * len(points) if values is None else [{"z": float(z)} for z in _unmasked(values)]
        yield from ({"mark": "point", "x": x, "y": y, **z} for (x, y), z in zip(points, shades, strict=True))
    elif isinstance(artist, LineCollection):
        for segment in artist.get_segments():
            yield from _segment(np.asarray(segment, dtype=float), artist.get_transform() == ax.transData)
    elif isinstance(artist, PolyCollection):
        for path in artist.get_paths():
            yield from _band(np.asarray(path.vertices, dtype=float), getattr(artist, "t_direction", "x"))


def _segment(points: Any, in_data: bool) -> Iterator[Row]:
    """A stroke along one axis by its place and its ends, any other by its points."""
    if len(points) == 2 and in_data:
        for at, along in ((0, 1), (1, 0)):
            if points[0, at] == points[1, at]:
                low, high = sorted(points[:, along])
                a, b = "xy"[at], "xy"[along]
                yield {"mark": "segment", a: points[0, at], f"{b}_low": low, f"{b}_high": high}
                return
    yield from ({"mark": "segment", "x": x, "y": y} for x, y in points if in_data)


def _band(corners: Any, along: str) -> Iterator[Row]:
    """Where a filled band begins and ends at each place of the axis that it runs along, in its order."""
    t, other = ("x", "y") if along == "x" else ("y", "x")
    places, heights = (corners[:, "xy".index(axis)] for axis in (t, other))
    for place in dict.fromkeys(places.tolist()):
        ends = heights[places == place]
        yield {"mark": "band", t: place, f"{other}_low": ends.min(), f"{other}_high": ends.max()}
