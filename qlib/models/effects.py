"""Bounds on causal effects from a table of instrument, treatment and outcome, however many values each has.

What is asked is a :class:`Query`: a sum of probabilities of events such as {X=x, Y(t)=y}, or a quotient of two. What is
assumed is named:

* "joint exogeneity": Z is independent of all Y(t) together, as if it had been drawn by lot. "single-world exogeneity":
  of each pair (X(z), Y(t)) by itself; it says nothing about two worlds at once. The bounds on what Y does under
  intervention, and on the effect on the treated, are the same: under either, the law of all X(z) and Y(t) *given Z=z*,
  for one z, is a law of response types that gives the whole table. "marginal exogeneity": of each Y(t) by itself; the
  bounds are then those of Robins (1989) and Manski (1990) for each Y(t), however Y(0) and Y(1) go together.
* "individual exclusion": Y(t, z) is the same for every z and everybody. "stratified exclusion": only its law given X
  and Z is. For what Y does under intervention the bounds are the same: with one z0 held fixed, Y'(t) = Y(t, z0) fulfils
  the stronger assumption, gives the same table, and has the law of Y(t, z0).
* "monotonicity": no one's treatment falls as the instrument rises, X(z) ≤ X(z') for z < z' in the table's order.
* "one-sided noncompliance": with the first value of the instrument everybody has the first value of the treatment.

That several assumptions of independence are equivalent is proved by Richardson & Robins (2024, arXiv:2401.13758) for
two treatments and outcomes, and by Song, Guo, Chan & Richardson (arXiv:2405.09510) for any number. The program has the
unknowns q[x,y0,y1,…|z] = P(X=x, Y(0)=y0, Y(1)=y1, … | Z=z). That X, too, responds to Z as a function restricts them no
further (:func:`qlib.models.potential_outcomes.couple`); with monotonicity it does, in the way of Strassen's theorem:
P(X ≥ x | Y(0), Y(1), …, Z=z) rises with z. Bounds are sharp, and proved by exact multipliers.

Of two samples, one with treatments and one with outcomes, sums of the q are known instead, P(X=x | Z=z) and
P(Y=y | Z=z). All that has been said holds of them, too: assumptions that allow the same tables p with the same effects
allow the same sums with the same effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, product
from typing import Any, Literal, TypeAlias

import numpy as np
import sympy as sp

from qlib.models.instrument_tables import InstrumentalTable, TwoSampleTable, instrumental_table
from qlib.numbers import linear_programs as lp
from qlib.numbers.arguments import all_of, one_of, real_number, require, several, show
from qlib.numbers.exact_arrays import ROUNDING, Array, number

Latent: TypeAlias = Literal["classical", "no-signalling"]
Table: TypeAlias = InstrumentalTable | TwoSampleTable
EXOGENEITY = ("joint exogeneity", "single-world exogeneity", "marginal exogeneity")
EXCLUSION = ("individual exclusion", "stratified exclusion")
RESTRICTIONS = ("monotonicity", "one-sided noncompliance")
INDEPENDENCE = (
    "an instrument that is independent of the common cause, and acts on the outcome through the treatment alone"
)
ASSUMED = (EXOGENEITY[0], EXCLUSION[0])
MOST_UNKNOWNS = 20_000
OBSERVED = "observation"


# --- queries ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OutcomeTerm:
    """weight · P(X=treatment, Y(t)=y for each (t, y) of `outcomes`); all are indices, treatment None for any."""

    weight: Fraction
    outcomes: tuple[tuple[int, int], ...]
    treatment: int | None = None


@dataclass(frozen=True)
class Query:
    """What is asked: the sum of some terms, divided by the sum of others if there are such.

    name : how an answer calls it. As `query` of :func:`effect_bounds` it may ask what no name stands for.
    """

    name: str
    numerator: tuple[OutcomeTerm, ...]
    denominator: tuple[OutcomeTerm, ...] = ()

    def __post_init__(self) -> None:
        require(str, name=self.name)
        all_of(OutcomeTerm, self.numerator, "numerator")
        all_of(OutcomeTerm, self.denominator, "denominator")

    @property
    def terms(self) -> tuple[OutcomeTerm, ...]:
        """Those of the numerator and of the denominator."""
        return (*self.numerator, *self.denominator)

    @property
    def crosses_worlds(self) -> bool:
        """Whether it asks what Y would be under two treatments at once."""
        return any(len(term.outcomes) > 1 for term in self.terms)

    @property
    def asks_treatment(self) -> bool:
        """Whether it depends on the treatment that was taken, and so on how often each instrument was drawn."""
        return any(term.treatment is not None for term in self.terms)


def _do(table: Table, t: int, b: int, y: int) -> Query:
    return Query("P({Y}={y} | do {X}={t})", (OutcomeTerm(Fraction(1), ((t, y),)),))


def _contrast(table: Table, t: int, b: int, y: int) -> Query:
    return Query(
        "P({Y}={y} | do {X}={t}) − P({Y}={y} | do {X}={b})",
        (OutcomeTerm(Fraction(1), ((t, y),)), OutcomeTerm(Fraction(-1), ((b, y),))),
    )


def _average(table: Table, t: int, b: int, y: int, given: int | None = None) -> tuple[OutcomeTerm, ...]:
    scores = _scores(table, y)
    return tuple(
        OutcomeTerm(sign * score, ((treated, k),), given)
        for treated, sign in ((t, 1), (b, -1))
        for k, score in scores.items()
    )


def _scores(table: Table, y: int) -> dict[int, Fraction]:
    """What each outcome counts for in a mean: itself if all are numbers, else one for `y` and zero for the others."""
    values = table.values[2]
    if len(values) > 2 and all(isinstance(v, int | float | Fraction) and not isinstance(v, bool) for v in values):
        return {k: Fraction(v) for k, v in enumerate(values) if v}
    return {y: Fraction(1)}


def _ace(table: Table, t: int, b: int, y: int) -> Query:
    return Query("the average effect of {X}={t} against {b} on {Y}", _average(table, t, b, y))


def _risk_ratio(table: Table, t: int, b: int, y: int) -> Query:
    return Query(
        "P({Y}={y} | do {X}={t}) / P({Y}={y} | do {X}={b})",
        (OutcomeTerm(Fraction(1), ((t, y),)),),
        (OutcomeTerm(Fraction(1), ((b, y),)),),
    )


def _on_treated(table: Table, t: int, b: int, y: int) -> Query:
    everyone = tuple(OutcomeTerm(Fraction(1), ((t, k),), t) for k in range(len(table.values[2])))
    name = "the average effect of {X}={t} against {b} on {Y} where {X}={t}"
    return Query(name, _average(table, t, b, y, given=t), everyone)


def _others(table: Table, y: int) -> list[int]:
    return [k for k in range(len(table.values[2])) if k != y]


def _necessity(table: Table, t: int, b: int, y: int) -> Query:
    name = "P({Y}≠{y} had {X} been {b} | {X}={t}, {Y}={y})"
    would = tuple(OutcomeTerm(Fraction(1), ((t, y), (b, k)), t) for k in _others(table, y))
    return Query(name, would, (OutcomeTerm(Fraction(1), ((t, y),), t),))


def _sufficiency(table: Table, t: int, b: int, y: int) -> Query:
    name = "P({Y}={y} had {X} been {t} | {X}={b}, {Y}≠{y})"
    others = _others(table, y)
    would = tuple(OutcomeTerm(Fraction(1), ((b, k), (t, y)), b) for k in others)
    return Query(name, would, tuple(OutcomeTerm(Fraction(1), ((b, k),), b) for k in others))


def _both(table: Table, t: int, b: int, y: int) -> Query:
    name = "P({Y}={y} under {X}={t}, and not under {X}={b})"
    return Query(name, tuple(OutcomeTerm(Fraction(1), ((t, y), (b, k))) for k in _others(table, y)))


def _observed_table(data: Any) -> Table:
    """A table of two samples as it is, else :func:`qlib.models.instrument_tables.instrumental_table` of the data."""
    return data if isinstance(data, TwoSampleTable) else instrumental_table(data)


QUERIES: Mapping[str, Callable[[Table, int, int, int], Query]] = {
    "P(Y | do X)": _do,
    "contrast": _contrast,
    "ACE": _ace,
    "risk ratio": _risk_ratio,
    "ETT": _on_treated,
    "PN": _necessity,
    "PS": _sufficiency,
    "PNS": _both,
}


def causal_query(data: Any, query: str, *, treatment: Any = None, baseline: Any = None, outcome: Any = None) -> Query:
    """The query of a name, for the values of a table: treatment against baseline, by default the last and the first.

    Names: "P(Y | do X)", the probability of the outcome under the treatment; "contrast", its difference to that under
    the baseline; "ACE", the difference of means where the outcome has more than two values that are numbers, else the
    same as "contrast"; "risk ratio"; "ETT", the average effect on those who took the treatment; "PN", "PS" and "PNS",
    the probabilities of necessity, of sufficiency, and of both (Tian & Pearl 2000). The outcome is by default the last.
    ``ValueError`` for another name or a value that the table does not have.

    >>> causal_query([[[1, 2], [3, 4]], [[1, 1], [1, 1]]], "PNS").name
    'P(Y=1 under X=1, and not under X=0)'
    """
    table = _observed_table(data)
    one_of(query, "query", QUERIES)
    t, b, y = (
        default if value is None else table.place("outcome" if role == "outcome" else "treatment", value)
        for role, value, default in (
            ("treatment", treatment, len(table.values[1]) - 1),
            ("baseline", baseline, 0),
            ("outcome", outcome, len(table.values[2]) - 1),
        )
    )
    if t == b and query != "P(Y | do X)":
        raise ValueError(f"baseline: {table.values[1][b]!r} is the treatment itself; it should be another value")
    found = QUERIES[query](table, t, b, y)
    (_, X, Y), (_, xs, ys) = table.names, table.values
    return replace(found, name=found.name.format(X=X, Y=Y, t=xs[t], b=xs[b], y=ys[y]))


# --- programs --------------------------------------------------------------------------------------------------------


def _has(outcomes: tuple[tuple[int, int], ...]) -> Callable[[tuple[int, ...]], bool]:
    return lambda ys: all(ys[t] == y for t, y in outcomes)


def _unknown(x: int, ys: Sequence[int], z: int) -> str:
    return f"q[{','.join(map(str, (x, *ys)))}|{z}]"


@dataclass(frozen=True)
class _Unknowns:
    """The points (x, (y0, y1, …), z) of a table's shape, and the conditions on the q of each."""

    shape: tuple[int, int, int]  # of X, Y and Z

    def responses(self) -> Iterator[tuple[int, ...]]:
        return product(range(self.shape[1]), repeat=self.shape[0])

    def points(self) -> Iterator[tuple[int, tuple[int, ...], int]]:
        for z, x in product(range(self.shape[2]), range(self.shape[0])):
            for ys in self.responses():
                yield x, ys, z

    def exogeneity(self, kind: str) -> Iterator[lp.Constraint]:
        X, Y, Z = self.shape
        if kind == "marginal exogeneity":
            for t, y in product(range(X), range(Y - 1)):
                for z in range(1, Z):
                    yield self._same(f"{kind}: Y({t})={y}, Z={z} as Z=0", z, _has(((t, y),)))
        else:
            for those in self.responses():
                written = ", ".join(f"Y({t})={y}" for t, y in enumerate(those))
                for z in range(1, Z):
                    yield self._same(f"{kind}: {written}, Z={z} as Z=0", z, _has(tuple(enumerate(those))))

    def _same(self, name: str, z: int, chosen: Callable[[tuple[int, ...]], bool]) -> lp.Constraint:
        wanted = [ys for ys in self.responses() if chosen(ys)]
        return lp.Constraint(
            name, {_unknown(x, ys, w): s for w, s in ((0, 1), (z, -1)) for x in range(self.shape[0]) for ys in wanted}
        )

    def monotone(self) -> Iterator[lp.Constraint]:
        """P(X ≥ x, Y(·) | Z=z) rises with z; the difference is a further unknown."""
        X, _, Z = self.shape
        for (low, high), x, ys in product(pairwise(range(Z)), range(1, X), self.responses()):
            name = f"monotonicity: X≥{x}, {','.join(map(str, ys))}, Z={high} over Z={low}"
            rise = {_unknown(k, ys, z): s for z, s in ((high, 1), (low, -1)) for k in range(x, X)}
            yield lp.Constraint(name, rise | {f"rise of {name}": -1})

    def observation(self, x: int, y: int, z: int) -> dict[str, int]:
        return {_unknown(x, ys, z): 1 for ys in self.responses() if ys[x] == y}

    def objective(self, terms: Iterable[OutcomeTerm], law: Sequence[Fraction]) -> dict[str, Fraction]:
        found: dict[str, Fraction] = {}
        kept = tuple(terms)
        for x, ys, z in self.points():
            weight = sum(
                (t.weight for t in kept if t.treatment in (None, x) and _has(t.outcomes)(ys)),
                Fraction(0),
            )
            if weight and law[z]:
                found[_unknown(x, ys, z)] = weight * law[z]
        return found


@dataclass(frozen=True)
class _Behaviours:
    """The unknowns P[x,y|z,t] of a common cause of any kind: x taken under z, y found where t is sent on to Y."""

    shape: tuple[int, int, int]

    def name(self, x: int, y: int, z: int, t: int) -> str:
        return f"P[{x},{y}|{z},{t}]"

    def points(self) -> Iterator[tuple[int, int, int, int]]:
        X, Y, Z = self.shape
        return product(range(X), range(Y), range(Z), range(X))

    def no_signalling(self) -> Iterator[lp.Constraint]:
        X, Y, Z = self.shape
        for x, z, t in product(range(X), range(Z), range(1, X)):
            taken = {self.name(x, y, z, s): k for s, k in ((0, 1), (t, -1)) for y in range(Y)}
            yield lp.Constraint(f"no signalling to X: X={x}, Z={z}, do {t} as do 0", taken)
        for y, t, z in product(range(Y), range(X), range(1, Z)):
            found = {self.name(x, y, w, t): k for w, k in ((0, 1), (z, -1)) for x in range(X)}
            yield lp.Constraint(f"no signalling to Y: Y({t})={y}, Z={z} as Z=0", found)
        for z, t in product(range(Z), range(1, X)):
            total = {self.name(x, y, z, s): k for s, k in ((0, 1), (t, -1)) for x in range(X) for y in range(Y)}
            yield lp.Constraint(f"normalisation: Z={z}, do {t} as do 0", total)

    def observation(self, x: int, y: int, z: int) -> dict[str, int]:
        return {self.name(x, y, z, x): 1}

    def objective(self, terms: Iterable[OutcomeTerm], law: Sequence[Fraction]) -> dict[str, Fraction]:
        found: dict[str, Fraction] = {}
        for term, x, z in product(terms, range(self.shape[0]), range(self.shape[2])):
            ((t, y),) = term.outcomes
            if term.treatment in (None, x) and law[z]:
                name = self.name(x, y, z, t)
                found[name] = found.get(name, Fraction(0)) + term.weight * law[z]
        return found


def effect_program(
    data: Any,
    query: Query,
    assumptions: Iterable[str] = ASSUMED,
    latent: Latent = "classical",
    *,
    instrument_law: Iterable[Any] | None = None,
) -> tuple[lp.LinearProgram, dict[str, Fraction]]:
    """The linear program of a query, and the denominator's coefficients by unknown (empty where there is none).

    The constraints are those of the assumptions, and for each cell "observation: X=…, Y=…, Z=…", with the table's p as
    right-hand side. Arguments and errors as :func:`effect_bounds`.

    >>> table = instrumental_table(np.full((2, 2, 2), 1 / 4))
    >>> program, _ = effect_program(table, causal_query(table, "ACE"))
    >>> len(program.variables), len(program.constraints)
    (16, 12)
    """
    table = _observed_table(data)
    require(Query, query=query)
    chosen = _assumed(assumptions, query, latent)
    one_of(latent, "latent", ("classical", "no-signalling"))
    shape = table.shape
    for t, y in [pair for term in query.terms for pair in term.outcomes]:
        if t >= shape[0] or y >= shape[1]:
            raise ValueError(f"query: {query.name} asks for Y({t})={y}, which a table of shape {shape} does not have")
    if latent == "classical" and shape[2] * shape[0] * shape[1] ** shape[0] > MOST_UNKNOWNS:
        raise ValueError(
            f"data: {shape[0]} treatments, {shape[1]} outcomes and {shape[2]} instruments make more than "
            f'{MOST_UNKNOWNS} unknowns; with latent="no-signalling" there are few, and valid, if wider, bounds. '
            "Classes (`pandas.cut`) of what was measured on a scale are fewer values"
        )
    kind = next((name for name in chosen if name in EXOGENEITY), "")
    unknowns = _Unknowns(shape) if latent == "classical" else _Behaviours(shape)
    rows = list(unknowns.exogeneity(kind) if isinstance(unknowns, _Unknowns) else unknowns.no_signalling())
    rises: list[lp.Constraint] = []
    if "monotonicity" in chosen and isinstance(unknowns, _Unknowns):
        rises = list(unknowns.monotone())
    if "one-sided noncompliance" in chosen:
        rows += [
            lp.Constraint(f"one-sided noncompliance: X={x}, Y={y}", unknowns.observation(x, y, 0))
            for x, y in product(range(1, shape[0]), range(shape[1]))
        ]
    p = [_right_hand_sides(sample) for sample in table.samples]
    for name, sample, index, cells in table.cells():
        seen: dict[str, int] = {}
        for cell in cells:
            seen |= unknowns.observation(*cell)
        rows.append(lp.Constraint(f"{OBSERVED}: {name}", seen, p[sample][index]))
    names = [_unknown(*v) for v in unknowns.points()] if isinstance(unknowns, _Unknowns) else [
        unknowns.name(*v) for v in unknowns.points()
    ]  # fmt: skip
    law = _instrument_law(table, query, kind, instrument_law)
    variables = (*names, *(f"rise of {row.name}" for row in rises))
    program = lp.LinearProgram(variables, unknowns.objective(query.numerator, law), (*rows, *rises))
    return program, unknowns.objective(query.denominator, law)


def _right_hand_sides(table: InstrumentalTable) -> Array:
    """p in exact numbers."""
    if table.p.dtype == object and any(not value.is_Rational for value in table.p.flat):
        return table.p
    return table.fractions


def _assumed(assumptions: Iterable[str], query: Query, latent: str) -> tuple[str, ...]:
    """The assumptions with what is assumed by default; ``ValueError`` for one that is not known or not meant here."""
    chosen = (assumptions,) if isinstance(assumptions, str) else several(assumptions, "assumptions")
    known = (*EXOGENEITY, *EXCLUSION, *RESTRICTIONS, *(() if latent == "classical" else (INDEPENDENCE,)))
    for name in chosen:
        one_of(name, "assumptions", known)
    for kind in (EXCLUSION, EXOGENEITY):
        chosen = tuple(sorted({*chosen} & {*kind} or {kind[0]})) + tuple(name for name in chosen if name not in kind)
    pairs = (("single-world exogeneity", EXOGENEITY[0]), ("stratified exclusion", EXCLUSION[0]))
    weak = [name for name, strong in pairs if name in chosen and strong not in chosen]
    if query.crosses_worlds and weak:
        raise ValueError(
            f"assumptions: {weak[0]!r} says nothing of two worlds at once, about which {query.name} asks; assume "
            f"{EXOGENEITY[0] if weak[0] in EXOGENEITY else EXCLUSION[0]!r}"
        )
    if "monotonicity" in chosen and "marginal exogeneity" in chosen:
        raise ValueError("assumptions: 'monotonicity' is about X(z), of which 'marginal exogeneity' says nothing")
    if latent != "classical":
        if query.crosses_worlds:
            raise ValueError(
                f"query: {query.name} asks about two worlds at once; without a classical latent what would be found in "
                "them has no joint law"
            )
        if "monotonicity" in chosen:
            raise ValueError(
                "assumptions: 'monotonicity' compares X(z) of one individual, which a classical latent alone fixes"
            )
        return (INDEPENDENCE, *(name for name in chosen if name in RESTRICTIONS))
    return chosen


def _instrument_law(table: Table, query: Query, kind: str, given: Iterable[Any] | None) -> Sequence[Fraction]:
    """P(Z=z), or all weight on the first z where the answer does not depend on it."""
    count = table.shape[2]
    if given is not None:
        law = [Fraction(real_number(value, "instrument_law")) for value in several(given, "instrument_law")]
        if (
            len(law) != count
            or min(law, default=Fraction(0)) < 0
            or abs(sum(law, Fraction(0)) - 1) > Fraction(1, 10**9)
        ):
            raise ValueError(f"instrument_law: {list(map(str, law))} should be {count} probabilities that sum to 1")
        return tuple(value / sum(law) for value in law)
    if query.asks_treatment or (query.crosses_worlds and kind == "marginal exogeneity"):
        if table.instrument_law is not None:
            return table.instrument_law
        raise ValueError(
            f"instrument_law: {query.name} depends on how often each value of {table.names[0]!r} is drawn; give "
            + ("their probabilities" if isinstance(table, TwoSampleTable) else "counts, or their probabilities")
        )
    return (Fraction(1), *(Fraction(0) for _ in range(count - 1)))


# --- bounds ----------------------------------------------------------------------------------------------------------


class Contradiction(ValueError):  # noqa: N818
    """The probabilities of a table contradict the assumptions; `certificate` is the proof, by named constraints."""

    def __init__(self, certificate: lp.FarkasCertificate, said: str = "these probabilities contradict") -> None:
        self.certificate = certificate
        hint = "; rounding may have done that: give counts or exact numbers" if certificate.violation < ROUNDING else ""
        super().__init__(f"data: {said} the assumptions{hint}: {certificate}")


@dataclass(frozen=True, eq=False)
class EffectBounds:
    """The sharp bounds on a query: `lower` and `upper`, with their proofs; `upper` is ∞ where a quotient has no bound.

    query : what was asked, in words. assumptions, latent : under which. program : what the proofs verify against.
    admissible : None, or where the counts contradict the assumptions the nearest table of probabilities that does not;
    the bounds are then those of that table. recoded : how many individuals would have to be counted in another cell to
    get there, at least.
    """

    query: str
    lower: Any
    upper: Any
    assumptions: tuple[str, ...]
    latent: str
    program: lp.LinearProgram
    lower_proof: lp.Certificate | None
    upper_proof: lp.Certificate | None
    n: int | None = None
    admissible: Table | None = None
    recoded: Fraction = Fraction(0)

    def __str__(self) -> str:
        said = f"{self.query}: {_plain(self.lower)} to {_plain(self.upper)}\n  under {', '.join(self.assumptions)}"
        said += "" if self.latent == "classical" else f", for a {self.latent} common cause"
        if self.n is not None:
            said += f"; {self.n:,} individuals"
        if self.admissible is not None:
            said += (
                f"\n  No model fits these counts: {float(self.recoded):.1f} individuals would have to be"
                "\n  counted in other cells. The bounds are those of the nearest table that has a model."
            )
        return said


def _plain(value: Any) -> str:
    return f"{float(value):.4f}".replace("-", "−").replace("inf", "∞")


def effect_bounds(
    data: Any,
    query: str | Query = "ACE",
    assumptions: Iterable[str] = ASSUMED,
    latent: Latent = "classical",
    *,
    treatment: Any = None,
    baseline: Any = None,
    outcome: Any = None,
    instrument_law: Iterable[Any] | None = None,
) -> EffectBounds:
    """The sharp bounds on what is asked, from a table of instrument, treatment and outcome, with exact proofs.

    data : as :func:`qlib.models.instrument_tables.instrumental_table`, or a table of two samples. query, treatment,
    baseline, outcome : as :func:`causal_query`, or a :class:`Query`. assumptions : names, see above; exogeneity and
    exclusion are assumed jointly and individually unless others are named. latent : "classical", what all common causes
    of X and Y together may be, or "no-signalling", whatever does not carry a choice from one side to the other; for
    quantum ones see :func:`qlib.correlations.latent_bounds`. instrument_law : P(Z=z), by default its frequency; only
    queries about those who took a treatment depend on it.

    Quotients are bounded exactly, too (Charnes & Cooper 1962). Counts that contradict the assumptions, as frequencies
    do by chance alone, are answered for the nearest table that some model fits, and the answer says so
    (:func:`qlib.models.effect_intervals.instrumental_test` says how rare that is); probabilities that do raise
    :class:`Contradiction`.
    Raises ``ValueError`` for what is not known, what an assumption or a latent leaves without meaning, or a condition
    of probability zero.

    >>> trial = [[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]]  # [took][survived][offered], Sommer & Zeger (1991)
    >>> print(effect_bounds(trial, "risk ratio"))
    P(Y=1 | do X=1) / P(Y=1 | do X=0): 0.8041 to 1.0054
      under joint exogeneity, individual exclusion; 23,682 individuals
    >>> effect_bounds(trial, latent="no-signalling").upper == effect_bounds(trial).upper
    True
    """
    table = _observed_table(data)
    if latent not in ("classical", "no-signalling"):
        raise ValueError(
            f"latent: {show(latent)} should be 'classical' or 'no-signalling'; for 'quantum', with moment "
            "matrices, there is qlib.correlations.latent_bounds"
        )
    if not isinstance(query, Query):
        query = causal_query(table, query, treatment=treatment, baseline=baseline, outcome=outcome)
    chosen = _assumed(assumptions, query, latent)
    admissible, recoded = None, Fraction(0)
    program, denominator = effect_program(table, query, chosen, latent, instrument_law=instrument_law)
    try:
        lp.certificate(replace(program, objective={}))
    except lp.Infeasible as error:
        if table.n is None:
            raise Contradiction(error.certificate) from error
        admissible, recoded = nearest_admissible(table, chosen, latent)
        law = instrument_law or table.instrument_law
        program, denominator = effect_program(admissible, query, chosen, latent, instrument_law=law)
    lower, lower_proof, solved = _optimum(program, denominator, "min", query)
    upper, upper_proof, _ = _optimum(program, denominator, "max", query)
    return EffectBounds(
        query.name, lower, upper, chosen, latent, solved, lower_proof, upper_proof, table.n, admissible, recoded
    )


def _optimum(
    program: lp.LinearProgram, denominator: Mapping[str, Fraction], sense: lp.Sense, query: Query
) -> tuple[Any, lp.Certificate | None, lp.LinearProgram]:
    solved = lp.charnes_cooper(program, denominator) if query.denominator else program
    try:
        proof = lp.certificate(solved, sense)
    except lp.Unbounded:
        return (sp.oo if sense == "max" else -sp.oo), None, solved
    except lp.Infeasible as error:
        raise ValueError(f"query: in {query.name} the condition has probability zero") from error
    return proof.value, proof, solved


def effect_expressions(
    data: Any, query: str | Query = "ACE", assumptions: Iterable[str] = ASSUMED, latent: Latent = "classical"
) -> tuple[tuple[sp.Expr, ...], tuple[sp.Expr, ...]]:
    """The bounds in symbols: functions whose greatest value is the lower bound, and those whose least is the upper.

    data : the table; its names and numbers of values count, not what was counted. The symbols are the probabilities of
    its cells, the last of each arm left out, as they sum to one. The functions are all vertices of the dual polyhedron,
    so a few may never be the greatest; where a table fits no model they mean nothing. Other arguments as
    :func:`effect_bounds`; ``ValueError`` for a quotient, a query that depends on how often the instrument is drawn, or
    more vertices than can be enumerated.

    >>> lower, upper = effect_expressions(np.full((2, 2, 2), 1 / 4), "P(Y | do X)", "marginal exogeneity")
    >>> sorted(map(str, upper))
    ['1 - P(X=1, Y=0|Z=0)', '1 - P(X=1, Y=0|Z=1)']
    """
    table = _observed_table(data)
    if not isinstance(query, Query):
        query = causal_query(table, query)
    if query.denominator or query.asks_treatment:
        raise ValueError(f"query: {query.name} should be no quotient and not depend on the treatment that was taken")
    program, _ = effect_program(table, query, assumptions, latent)
    symbols: dict[str, sp.Symbol] = {}
    arms: dict[tuple[int, int], list[sp.Symbol]] = {}
    for name, sample, (x, y, z), _ in table.cells():
        there = table.samples[sample]
        told = zip(there.names[1:], there.values[1:], (x, y), there.shape, strict=False)
        found = ", ".join(f"{role}={values[k]}" for role, values, k, size in told if size > 1)
        symbol = sp.Symbol(f"P({found}|{table.names[0]}={table.values[0][z]})")
        symbols[f"{OBSERVED}: {name}"] = symbol
        arms.setdefault((sample, z), []).append(symbol)
    last = {symbol: 1 - sum(others) for *others, symbol in arms.values()}
    program = program.with_rhs(symbols)
    lower, upper = (
        dict.fromkeys(sp.expand(lp.combine(program, y).subs(last)) for y in lp.dual_vertices(program, sense).vertices)
        for sense in ("min", "max")
    )
    return tuple(lower), tuple(upper)


def nearest_admissible(
    data: Any, assumptions: Iterable[str] = ASSUMED, latent: Latent = "classical"
) -> tuple[Table, Fraction]:
    """The nearest table that some model fits, and how many individuals, at least, it counts in another cell.

    Distances are Σ_z n_z ½ Σ_xy |p − p'|, in two samples the sum of both, and exact; several tables may be equally
    near, of which this is one.
    ``ValueError`` for a table of probabilities instead of counts.

    >>> perfect = [[[9, 0], [0, 9]], [[1, 1], [0, 0]]]  # X is mostly 0, and Y follows Z
    >>> table, recoded = nearest_admissible(perfect)
    >>> str(recoded), effect_bounds(perfect).recoded == recoded
    ('8', True)
    """
    table = _observed_table(data)
    if table.n is None:
        raise ValueError(
            "data: these are probabilities; only counts have individuals who could have been counted elsewhere"
        )
    query = causal_query(table, "P(Y | do X)")
    program, _ = effect_program(table, query, assumptions, latent)
    sizes = [sample.counts.sum(axis=(0, 1)) for sample in table.samples if sample.counts is not None]
    cells = {f"{OBSERVED}: {name}": (sample, index) for name, sample, index, _ in table.cells()}
    rows: list[lp.Constraint] = []
    costs: dict[str, Fraction] = {}
    totals: dict[str, dict[str, int]] = {}
    for row in program.constraints:
        if row.group == OBSERVED:
            sample, (*_, z) = cells[row.name]
            off = {f"more {row.name}": -1, f"less {row.name}": 1}
            row = replace(row, coefficients={**row.coefficients, **off})  # noqa: PLW2901
            costs |= dict.fromkeys(off, Fraction(int(sizes[sample][z]), 2))
            totals.setdefault(f"total: sample {sample}, Z={z}", {}).update(off)
        rows.append(row)
    rows += [lp.Constraint(name, total) for name, total in totals.items()]
    proof = lp.certificate(lp.LinearProgram((*program.variables, *costs), costs, tuple(rows)))
    moved = {name: proof.primal.get(name, 0) for name in costs} if proof.primal is not None else {}
    p = [np.empty(sample.p.shape, dtype=object) for sample in table.samples]
    for name, (sample, index) in cells.items():
        found = number(table.samples[sample].fractions[index])
        p[sample][index] = found + moved[f"more {name}"] - moved[f"less {name}"]
    value = sp.Rational(proof.value)
    return _with(table, p), Fraction(int(value.p), int(value.q))


def _with(table: Table, p: Sequence[Array]) -> Table:
    """The table of other probabilities under the same names."""
    samples = [replace(sample, p=q, counts=None) for sample, q in zip(table.samples, p, strict=True)]
    if isinstance(table, TwoSampleTable):
        return replace(table, treatments=samples[0], outcomes=samples[1])
    return samples[0]
