"""What a trial with an instrument has counted: a table of instrument, treatment and outcome with named values.

The instrument Z was assigned at random, the treatment X was taken, the outcome Y was seen. A table is an array
``[x, y, z]`` of counts, or of probabilities p[x, y, z] = P(X=x, Y=y | Z=z), with the treatment first and the instrument
last, whatever the order of the columns in a file. From counts come exact frequencies, and whatever is computed of them
is exact.

Sometimes the treatment is known of some people and the outcome of others, as in two-sample Mendelian randomisation:
then only P(X=x | Z=z) and P(Y=y | Z=z) are, a :class:`TwoSampleTable`. Each sample is a table whose other axis has
length one, so that a cell of a sample is a sum of cells of the table that nobody has seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qlib.numbers.arguments import distinct, numbers, one_of, require, several, show, whole
from qlib.numbers.exact_arrays import Array, exact_sign, is_exact, number

Column = tuple[Any, ...]
ROLES = ("instrument", "treatment", "outcome")
SUMS = 1e-9  # how far the sums of rounded probabilities may be from one
UNTOLD = "not told"  # the name, and the one value, of what a sample does not tell
Index: TypeAlias = tuple[int, int, int]


class _Named:
    """What tables of one and of two samples share: `names` and `values` of instrument, treatment and outcome."""

    names: tuple[str, str, str]
    values: tuple[Column, Column, Column]

    @property
    def samples(self) -> tuple[InstrumentalTable, ...]:
        """What was counted in each sample; an axis of length one is what the sample does not tell."""
        raise NotImplementedError

    @property
    def shape(self) -> Index:
        """How many treatments, outcomes and instruments there are."""
        Z, X, Y = map(len, self.values)
        return X, Y, Z

    @property
    def instrument_law(self) -> tuple[Fraction, ...] | None:
        """The frequency of each value of the instrument; None where nobody was counted, or in two samples."""
        return None

    @property
    def n(self) -> int | None:
        """How many individuals were counted, in all samples together, or None."""
        counted = [sample.counts.sum() for sample in self.samples if sample.counts is not None]
        return int(sum(counted)) if len(counted) == len(self.samples) else None

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

    def cells(self) -> Iterator[tuple[str, int, Index, list[Index]]]:
        """Each cell of each sample: its name, the sample, its index there, and the cells [x, y, z] that it sums.

        >>> [name for name, *_ in two_sample_table([[1, 1], [1, 1]], [[1, 1], [1, 1]]).cells()][:2]
        ['X=0, Z=0', 'X=0, Z=1']
        """
        for k, sample in enumerate(self.samples):
            for index in np.ndindex(*sample.shape):
                here = [
                    range(whole) if size < whole else (i,)
                    for size, whole, i in zip(sample.shape, self.shape, index, strict=True)
                ]
                told = zip("XYZ", index, here, strict=True)
                name = ", ".join(f"{letter}={i}" for letter, i, those in told if len(those) == 1)
                yield name, k, (index[0], index[1], index[2]), list(product(*here))


@dataclass(frozen=True, eq=False)
class InstrumentalTable(_Named):
    """A table of an instrument, a treatment and an outcome, as :func:`instrumental_table` makes it.

    p : P(X=x, Y=y | Z=z) as an array [x, y, z], exact (SymPy) where it comes from counts. counts : they themselves,
    [x, y, z], or None. names : of instrument, treatment and outcome. values : of each of these, in the array's order.
    """

    p: Array
    counts: NDArray[np.int64] | None
    names: tuple[str, str, str]
    values: tuple[Column, Column, Column]

    @property
    def samples(self) -> tuple[InstrumentalTable, ...]:
        """The table itself: all was counted in one sample."""
        return (self,)

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

    def __str__(self) -> str:
        (z, x, y), (zs, xs, ys) = self.names, self.values
        cells = self.p if self.counts is None else self.counts
        rows = [[z, x, *(f"{y}={value}" for value in ys)]]
        rows += [
            [str(value), str(taken), *(_written(cells[i, j, k]) for j in range(len(ys)))]
            for k, value in enumerate(zs)
            for i, taken in enumerate(xs)
        ]
        return _aligned(rows, 2)


def _written(value: Any) -> str:
    return f"{int(value):,}" if isinstance(value, np.integer) else f"{float(value):.4f}"


@dataclass(frozen=True, eq=False)
class TwoSampleTable(_Named):
    """How often treatments are taken in one sample and outcomes found in another; :func:`two_sample_table` makes it.

    treatments : of shape (X, 1, Z), P(X=x | Z=z). outcomes : of shape (1, Y, Z), P(Y=y | Z=z). names, values : of
    instrument, treatment and outcome. How often the instrument is drawn may differ between the samples, so there is no
    `instrument_law`.
    """

    treatments: InstrumentalTable
    outcomes: InstrumentalTable
    names: tuple[str, str, str]
    values: tuple[Column, Column, Column]

    @property
    def samples(self) -> tuple[InstrumentalTable, ...]:
        """That of the treatments and that of the outcomes."""
        return self.treatments, self.outcomes

    def __str__(self) -> str:
        return f"{_of_one_sample(self.treatments, 1)}\n\n{_of_one_sample(self.outcomes, 2)}"


def _of_one_sample(sample: InstrumentalTable, role: int) -> str:
    """With a row for each value of the instrument."""
    cells = sample.p if sample.counts is None else sample.counts
    flat = cells.reshape(-1, cells.shape[2])
    rows = [[sample.names[0], *(f"{sample.names[role]}={value}" for value in sample.values[role])]]
    rows += [[str(z), *map(_written, column)] for z, column in zip(sample.values[0], flat.T, strict=True)]
    return _aligned(rows, 1)


def _aligned(rows: list[list[str]], left: int) -> str:
    """Columns of the same width, so many to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join((f.ljust if c < left else f.rjust)(w) for c, (f, w) in enumerate(zip(row, widths, strict=True)))
             for row in rows]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)


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
    if isinstance(data, TwoSampleTable):
        raise ValueError(
            "data: two samples do not tell how often a treatment and an outcome are found together, which is needed "
            "here; effect_bounds, effect_interval and instrumental_test take them"
        )
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


def two_sample_table(
    treatments: Any,
    outcomes: Any,
    *,
    instrument: str | None = None,
    treatment: str | None = None,
    outcome: str | None = None,
    count: str | None = None,
    values: Mapping[str, Sequence[Any]] | None = None,
) -> TwoSampleTable:
    """A table of an instrument and a treatment in one sample, and of the instrument and an outcome in another.

    Both samples are taken to be of one population: what Z does to X, and X to Y, is the same in both.

    treatments : an array [x, z] of counts or of P(X=x | Z=z), or a data frame with the columns of instrument and
    treatment. outcomes : an array [y, z], or a data frame with those of instrument and outcome; one of the two may be
    counts, the other probabilities. The other arguments, and what is refused, as :func:`instrumental_table`; both
    samples should have the same values of the instrument, and treatment and outcome two values at least.

    >>> print(two_sample_table([[290, 265], [10, 35]], [[0.99, 0.97], [0.01, 0.03]]))
    Z  X=0  X=1
    0  290   10
    1  265   35
    <BLANKLINE>
    Z     Y=0     Y=1
    0  0.9900  0.0100
    1  0.9700  0.0300
    """
    first = _one_sample(treatments, "treatments", (instrument, treatment, UNTOLD), count, values)
    second = _one_sample(outcomes, "outcomes", (instrument, UNTOLD, outcome), count, values)
    zs, others = first.values[0], second.values[0]
    if zs != others:
        raise ValueError(f"outcomes: {second.names[0]!r} has the values {_list(others)}, in treatments {_list(zs)}")
    names = (first.names[0], first.names[1], second.names[2])
    distinct(names, "instrument, treatment and outcome")
    for name in values or ():
        if name not in names:
            raise ValueError(f"values: {name!r} should be one of {_list(names)}")
    for argument, name, column in (("treatments", names[1], first.values[1]), ("outcomes", names[2], second.values[2])):
        if len(column) < 2:
            raise ValueError(f"{argument}: {name!r} has no values but {_list(column)}; there should be two at least")
    return TwoSampleTable(first, second, names, (zs, first.values[1], second.values[2]))


def _one_sample(
    data: Any,
    argument: str,
    roles: tuple[str | None, ...],
    count: str | None,
    values: Mapping[str, Sequence[Any]] | None,
) -> InstrumentalTable:
    """The table of one sample, in which one of the roles is not told; refusals name the argument."""
    untold = roles.index(UNTOLD)
    listed = {} if values is None else values
    require(Mapping, values=listed)
    if hasattr(data, "columns") or isinstance(data, Mapping):
        named = {name: data[name] for name in (data.columns if hasattr(data, "columns") else data)}
        there: Any = named | {UNTOLD: [UNTOLD] * len(next(iter(named.values()), ()))}
    else:
        there = np.expand_dims(numbers(data, argument, ("xy"[2 - untold], "z")), untold - 1)
    names = [name or letter for name, letter in zip(roles, "ZXY", strict=True)]
    listed = {name: column for name, column in listed.items() if name in names} | {UNTOLD: (UNTOLD,)}
    try:
        return instrumental_table(there, **dict(zip(ROLES, roles, strict=True)), count=count, values=listed)
    except ValueError as error:
        said = str(error)
        raise ValueError(said.replace("data:", f"{argument}:", 1) if said.startswith("data:") else said) from error


def _of_array(array: Array, names: Any, values: Sequence[Column]) -> InstrumentalTable:
    """Counts, if all are whole and do not sum to one for each z; else probabilities."""
    for name, column, length in zip(names, values, (array.shape[2], *array.shape[:2]), strict=True):
        if len(column) != length:
            raise ValueError(f"values: {name!r} has {length} values, and {len(column)} are listed")
    for index, value in np.ndenumerate(array):
        if exact_sign(value) < 0:
            told = zip("xyz", index, (*names[1:], names[0]), strict=True)
            where = ", ".join(f"{letter}={i}" for letter, i, name in told if name != UNTOLD)
            raise ValueError(f"data: entry [{where}] is {value}; it should be at least 0")
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
