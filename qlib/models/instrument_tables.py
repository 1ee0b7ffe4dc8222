"""What a trial with an instrument has counted: a table of instrument, treatment and outcome with named values.

The instrument Z was assigned at random, the treatment X was taken, the outcome Y was seen. A table is an array
``[x, y, z]`` of counts, or of probabilities p[x, y, z] = P(X=x, Y=y | Z=z), with the treatment first and the instrument
last, whatever the order of the columns in a file. From counts come exact frequencies, and whatever is computed of them
is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qlib.numbers.arguments import distinct, numbers, one_of, require, several, show, whole
from qlib.numbers.exact_arrays import Array, exact_sign, is_exact, number

Column = tuple[Any, ...]
ROLES = ("instrument", "treatment", "outcome")
SUMS = 1e-9  # how far the sums of rounded probabilities may be from one


@dataclass(frozen=True, eq=False)
class InstrumentalTable:
    """A table of an instrument, a treatment and an outcome, as :func:`instrumental_table` makes it.

    p : P(X=x, Y=y | Z=z) as an array [x, y, z], exact (SymPy) where it comes from counts. counts : they themselves,
    [x, y, z], or None. names : of instrument, treatment and outcome. values : of each of these, in the array's order.
    """

    p: Array
    counts: NDArray[np.int64] | None
    names: tuple[str, str, str]
    values: tuple[Column, Column, Column]

    @property
    def n(self) -> int | None:
        """How many individuals were counted, or None."""
        return None if self.counts is None else int(self.counts.sum())

    @property
    def instrument_law(self) -> tuple[Fraction, ...] | None:
        """The frequency of each value of the instrument, or None where nobody was counted."""
        if self.counts is None:
            return None
        return tuple(Fraction(int(n), int(self.counts.sum())) for n in self.counts.sum(axis=(0, 1)))

    @cached_property
    def fractions(self) -> NDArray[np.object_]:
        """p as Fractions that sum to one for each z; rounded numbers are taken as they are stored, then normalised.

        ``ValueError`` where p is exact, but not rational.
        """
        found = np.empty(self.p.shape, dtype=object)
        for index, value in np.ndenumerate(self.p):
            if isinstance(value, sp.Expr) and not value.is_Rational:
                raise ValueError(f"p: entry {index} is {value}; here it should be rational")
            found[index] = Fraction(int(value.p), int(value.q)) if isinstance(value, sp.Rational) else Fraction(value)
        return np.asarray(found / found.sum(axis=(0, 1)))

    def place(self, role: str, value: Any) -> int:
        """The index of a value of the instrument, the treatment or the outcome; ``ValueError`` if it has no such value.

        >>> instrumental_table([[[1, 2], [3, 4]], [[1, 1], [1, 1]]]).place("treatment", 1)
        1
        """
        one_of(role, "role", ROLES)
        known, name = self.values[ROLES.index(role)], self.names[ROLES.index(role)]
        for k, one in enumerate(known):
            if type(value) is not np.ndarray and value is not None and bool(one == value):
                return k
        raise ValueError(f"{role}: {show(value)} should be a value of {name!r}: {_list(known)}")

    def __str__(self) -> str:
        (z, x, y), (zs, xs, ys) = self.names, self.values
        cells = self.p if self.counts is None else self.counts
        rows = [[z, x, *(f"{y}={value}" for value in ys)]]
        rows += [
            [str(value), str(taken), *(_written(cells[i, j, k]) for j in range(len(ys)))]
            for k, value in enumerate(zs)
            for i, taken in enumerate(xs)
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join((f.ljust if c < 2 else f.rjust)(w) for c, (f, w) in enumerate(zip(row, widths, strict=True)))
                 for row in rows]  # fmt: skip
        return "\n".join(line.rstrip() for line in lines)


def _written(value: Any) -> str:
    return f"{int(value):,}" if isinstance(value, np.integer) else f"{float(value):.4f}"


def _list(values: Iterable[Any]) -> str:
    return ", ".join(map(repr, values))


def instrumental_table(
    data: Any,
    *,
    instrument: str | None = None,
    treatment: str | None = None,
    outcome: str | None = None,
    count: str | None = None,
    values: Mapping[str, Sequence[Any]] | None = None,
) -> InstrumentalTable:
    """A table of counts or probabilities, from an array, from individuals, or from cells with their counts.

    data : an array [x, y, z] of counts (whole numbers) or of P(X=x, Y=y | Z=z); or a data frame, that is anything with
    named columns (of pandas, of another library, a mapping of lists), with one row for each individual, or with a
    column `count` for each cell; or such a table already.
    instrument, treatment, outcome : the names of the columns; for an array, what its axes are called (Z, X, Y).
    values : by such a name the values in their order, for an array, or where sorting (or pandas's order of categories)
    would not give the order that is meant. Values that nobody has are kept if they are listed.
    Raises ``ValueError`` for missing values (how many), an arm in which there is nobody, a negative or fractional
    count, probabilities that do not sum to one for each z, a column or a value that is not there.

    >>> trial = instrumental_table(
    ...     {"offered": ["no", "no", "yes", "yes"], "taken": ["no", "no", "no", "yes"], "alive": [0, 1, 1, 1],
    ...      "children": [74, 11514, 2385, 9663]},
    ...     instrument="offered", treatment="taken", outcome="alive", count="children")
    >>> print(trial)
    offered  taken  alive=0  alive=1
    no       no          74   11,514
    no       yes          0        0
    yes      no           0    2,385
    yes      yes          0    9,663
    >>> trial.p[1, 1, 1]
    3221/4016
    """
    if isinstance(data, InstrumentalTable):
        return data
    listed = {} if values is None else values
    require(Mapping, values=listed)
    given = (instrument, treatment, outcome)
    if hasattr(data, "columns") or isinstance(data, Mapping):
        named = dict(zip(ROLES, given, strict=True)) | ({} if count is None else {"count": count})
        return _of_columns(data, named, listed)
    if count is not None:
        raise ValueError(f"count: {count!r} names a column, but data is an array")
    names = tuple(name or default for name, default in zip(given, "ZXY", strict=True))
    array = numbers(data, "data", ("x", "y", "z"))
    columns = dict(zip(names, (array.shape[2], *array.shape[:2]), strict=True))
    for name in listed:
        if name not in columns:
            raise ValueError(f"values: {name!r} should be one of {_list(columns)}")
    return _of_array(array, names, [tuple(listed.get(name, range(length))) for name, length in columns.items()])


def _of_array(array: Array, names: Any, values: Sequence[Column]) -> InstrumentalTable:
    """Counts, if all are whole and do not sum to one for each z; else probabilities."""
    for (x, y, z), value in np.ndenumerate(array):
        if exact_sign(value) < 0:
            raise ValueError(f"data: entry [{x=}, {y=}, {z=}] is {value}; it should be at least 0")
    sums, kept = array.sum(axis=(0, 1)), (values[0], values[1], values[2])
    if all(value == int(value) for value in array.flat) and any(total != 1 for total in sums):
        counts = np.asarray(np.frompyfunc(int, 1, 1)(array), dtype=np.int64)
        for value, total in zip(values[0], counts.sum(axis=(0, 1)), strict=True):
            if not total:
                raise ValueError(f"data: nobody has {names[0]}={value!r}; leave that value out")
        p = np.frompyfunc(lambda k, n: sp.Rational(int(k), int(n)), 2, 1)(counts, counts.sum(axis=(0, 1)))
        return InstrumentalTable(np.asarray(p), counts, names, kept)
    for z, total in enumerate(sums):
        wrong = exact_sign(total - 1) if is_exact(array) else abs(float(total) - 1) > SUMS
        if wrong:
            raise ValueError(
                f"data: the entries with {names[0]}={values[0][z]!r} sum to {total}; probabilities should sum to 1, "
                "and counts be whole numbers"
            )
    p = np.frompyfunc(number, 1, 1)(array) if is_exact(array) else array.astype(np.float64)
    return InstrumentalTable(np.asarray(p), None, names, kept)


def _of_columns(data: Any, named: Mapping[str, str | None], listed: Mapping[str, Any]) -> InstrumentalTable:
    there = list(data.columns) if hasattr(data, "columns") else list(data)
    for role, name in named.items():
        if name is None:
            raise ValueError(f"{role}: which column is it? There are {_list(there)}")
        if name not in there:
            raise ValueError(f"{role}: {show(name)} should be one of the columns {_list(there)}")
    names = tuple(str(named[role]) for role in ROLES)
    distinct(names, "instrument, treatment and outcome")
    columns = [_entries(data[named[role]], str(named[role])) for role in named]
    if len(lengths := set(map(len, columns))) > 1:
        raise ValueError(f"data: the columns have different lengths {sorted(lengths)}")
    _refuse_missing(dict(zip(named.values(), columns, strict=True)))
    weights = [1] * len(columns[0]) if "count" not in named else [
        whole(k, f"count: column {named['count']!r}", 0) if isinstance(k, int) else _whole(k, named["count"])
        for k in columns[3]
    ]  # fmt: skip
    values = [_ordered(data[name], column, name, listed) for name, column in zip(names, columns, strict=False)]
    cells: Counter[Any] = Counter()
    for z, x, y, k in zip(*columns[:3], weights, strict=True):
        cells[x, y, z] += k
    counts = np.array([[[cells[x, y, z] for z in values[0]] for y in values[2]] for x in values[1]])
    if not counts.size or counts.max() == 0:
        raise ValueError("data: nobody is counted in it")
    if counts.shape[2] == counts.sum() == np.count_nonzero(counts.sum(axis=(0, 1))):
        raise ValueError("data: one individual for each value of the instrument; more are needed")
    return _of_array(counts, names, values)


def _whole(value: Any, column: Any) -> int:
    if not isinstance(value, float | Fraction) or value != int(value) or value < 0:
        raise ValueError(f"count: column {column!r} holds {show(value)}; it should hold whole numbers, at least 0")
    return int(value)


def _entries(column: Any, name: str) -> Column:
    """The entries of a column as Python's objects."""
    return tuple(column.tolist() if hasattr(column, "tolist") else several(column, f"data: column {name!r}"))


def _refuse_missing(columns: Mapping[Any, Column]) -> None:
    rows = list(zip(*columns.values(), strict=True))
    missing = sum(any(map(_is_missing, row)) for row in rows)
    if missing:
        where = [name for name, entries in columns.items() if any(map(_is_missing, entries))]
        raise ValueError(
            f"data: {missing} of {len(rows)} rows miss a value of {_list(where)}; leave them out or fill them in, "
            "knowing that either assumes something of why they miss it"
        )


def _is_missing(entry: Any) -> bool:
    return (
        entry is None or type(entry).__name__ in ("NAType", "NaTType") or (isinstance(entry, float) and entry != entry)
    )


def _ordered(column: Any, entries: Column, name: str, listed: Mapping[str, Any]) -> Column:
    """The values of a column: as listed, else in the order of its categories, else sorted."""
    found = set(entries)
    if name in listed:
        values = several(listed[name], f"values: {name}")
        if unknown := found - set(values):
            raise ValueError(f"values: {name!r} also has {_list(unknown)} in the data")
        return values
    if hasattr(column, "cat"):
        return tuple(value for value in column.cat.categories.tolist() if value in found)
    try:
        return tuple(sorted(found))
    except TypeError:
        return tuple(sorted(found, key=lambda value: (type(value).__name__, str(value))))
