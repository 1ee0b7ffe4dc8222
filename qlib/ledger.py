"""The ledger: every checkable item of the four papers, each with what is printed, what is derived, and a verdict.

The authored half is ``data/claims.yml``; the derived half is made by the chapters. A chapter derives an item and calls
`check`, which compares (see `qlib.printed`), refuses anything but the verdict that ``claims.yml`` states, puts every
mutant of the printed item to the same comparison and refuses a check that lets one through, and displays a badge. The
badge carries the record, so the executed chapters *are* the store of all records: `collate` reads them back.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qlib import paths, printed

Verdict = Literal["confirmed", "corrected", "modelled", "not-reproducible", "open"]
Means = Literal["proof", "exact", "numeric", "statistical", "model"]
MEANS: tuple[Means, ...] = ("proof", "exact", "numeric", "statistical", "model")
VERDICTS: tuple[Verdict, ...] = ("confirmed", "corrected", "modelled", "not-reproducible", "open")
PAPERS = {
    "wz": "Wang & Zhang 2025",
    "kang": "Kang 2025",
    "pc": "Pearl & Cavalcanti 2019",
    "sfc": "Suresh, Frembs & Cavalcanti 2023",
}
MIME = "application/vnd.compendium.claim+json"


class LedgerError(Exception):
    """A claim and what is derived for it do not stand to each other as ``claims.yml`` says."""


class Correction(BaseModel):
    """What is true instead of a printed item.

    statement : one sentence. argument : why, for a reader who wants to be convinced.
    values : the printed keys that are wrong, with the true value of each, transcribed as printed items are. Empty
    where print and derivation differ and no true value can be given (verdict ``not-reproducible``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    statement: str
    argument: str
    values: dict[str, Any] = Field(default_factory=dict)


class Claim(BaseModel):
    """One item of a paper, as authored in ``claims.yml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(pattern=r"^(wz|kang|pc|sfc):[a-z0-9-]+$")
    item: str
    where: str
    kind: Literal["definition", "equation", "theorem", "figure", "table", "number"]
    statement: str
    printed: dict[str, Any] = Field(min_length=1)
    names: dict[str, str] = Field(default_factory=dict)
    chapter: str
    verdict: Verdict
    correction: Correction | None = None

    @model_validator(mode="after")
    def _correction_belongs_to_verdict(self) -> Claim:
        needs = self.verdict in ("corrected", "not-reproducible")
        if needs != (self.correction is not None):
            raise ValueError(f"verdict {self.verdict!r} {'needs' if needs else 'takes no'} correction")
        if self.correction and (unknown := set(self.correction.values) - set(self.printed)):
            raise ValueError(f"correction of keys that are not printed: {', '.join(sorted(unknown))}")
        return self

    @property
    def paper(self) -> str:
        """The paper's key: wz, kang, pc or sfc."""
        return self.id.split(":")[0]

    @property
    def anchor(self) -> str:
        """The HTML id of the claim's badge."""
        return "claim-" + self.id.replace(":", "-")


@dataclass(frozen=True)
class Record:
    """What a check found, for one claim: the derived half of the ledger.

    printed, derived : key → readable text. wrong : the keys whose printed value is not the derived one.
    mutants : how many altered transcriptions the same comparison refused (all of them).
    chapter, seconds : where the record was found and how long its cell ran; filled in by `collate`.
    """

    id: str
    verdict: Verdict
    how: Means
    printed: dict[str, str]
    derived: dict[str, str]
    wrong: list[str]
    mutants: int
    anchor: str
    chapter: str = ""
    seconds: float = 0.0


def load(path: Path | None = None) -> dict[str, Claim]:
    """All claims by id, in the order of the file (by default ``data/claims.yml``).

    Raises ``LedgerError`` naming the entry that is malformed or stands there twice.

    >>> load()["wz:true-ace"].kind
    'number'
    """
    path = path or paths.CLAIMS
    return _load(path, path.stat().st_mtime_ns)


@cache
def _load(path: Path, _modified: int) -> dict[str, Claim]:
    claims: dict[str, Claim] = {}
    for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
        try:
            claim = Claim.model_validate(entry)
        except ValidationError as error:
            raise LedgerError(f"{path.name}, entry {entry.get('id', entry)!r}: {error}") from error
        if claim.id in claims:
            raise LedgerError(f"{path.name}: {claim.id} stands there twice")
        claims[claim.id] = claim
    return claims


def check(id: str, derived: Mapping[str, object], *, how: Means, names: printed.Names | None = None) -> None:
    """Compare what a paper prints under `id` with what was derived, show a badge, and record the outcome.

    derived : one value for every key under ``printed`` of the claim; `qlib.printed` says what agrees with what.
    how : the means by which the derived values were established, one of `MEANS`.
    names : the meaning of the names in printed formulas.

    Raises ``LedgerError`` if the outcome is not the verdict of ``claims.yml``, or if a mutant survives.
    """
    claims = load()
    if id not in claims:
        raise LedgerError(f"{id} is not an id of {paths.CLAIMS.name}")
    record = examine(claims[id], derived, how=how, names=names)
    _display(claims[id], record)


def examine(claim: Claim, derived: Mapping[str, object], *, how: Means, names: printed.Names | None = None) -> Record:
    """The comparison behind `check`, without the display: a pure function of a claim and the derived values.

    >>> claim = load()["wz:true-ace"]
    >>> examine(claim, {"ACE": 0}, how="proof").verdict
    'confirmed'
    >>> examine(claim, {"ACE": 1}, how="proof")
    Traceback (most recent call last):
        ...
    qlib.ledger.LedgerError: wz:true-ace: claims.yml says confirmed, but ACE: printed 0, derived 1
    """
    if how not in MEANS:
        raise LedgerError(f"{claim.id}: how={how!r} is none of {', '.join(MEANS)}")
    if set(derived) != set(claim.printed):
        missing, extra = set(claim.printed) - set(derived), set(derived) - set(claim.printed)
        raise LedgerError(
            f"{claim.id}: nothing derived for {sorted(missing) or '—'}; derived but not printed {sorted(extra) or '—'}"
        )
    wrong = [key for key, value in claim.printed.items() if not printed.agrees(value, derived[key], names)]
    verdict = _outcome(claim, derived, wrong, how, names)
    if verdict != claim.verdict:
        found = "; ".join(
            f"{key}: printed {printed.readable(claim.printed[key])}, derived {printed.readable(derived[key])}"
            for key in wrong or claim.printed
        )
        raise LedgerError(f"{claim.id}: claims.yml says {claim.verdict}, but {found}")
    return Record(
        id=claim.id,
        verdict=verdict,
        how=how,
        printed={key: printed.readable(value) for key, value in claim.printed.items()},
        derived={key: printed.readable(derived[key]) for key in claim.printed},
        wrong=wrong,
        mutants=_refuse_mutants(claim, derived, names),
        anchor=claim.anchor,
    )


def _outcome(
    claim: Claim, derived: Mapping[str, object], wrong: list[str], how: Means, names: printed.Names | None
) -> Verdict | None:
    """The verdict that the comparison yields; None if a stated correction is not what was derived."""
    true = claim.correction.values if claim.correction else {}
    if not wrong and not true:
        return "modelled" if how == "model" else "confirmed"
    if not true:
        return "not-reproducible"
    right = set(true) == set(wrong) and all(printed.agrees(true[k], derived[k], names) for k in true)
    return "corrected" if right else None


def mutants(claim: Claim, derived: Mapping[str, object]) -> Iterator[tuple[str, printed.Printed]]:
    """Every alteration of one value of a claim, as (key, altered value).

    Of a corrected key it is the correction that is altered, and the print is also replaced by the correction.
    """
    true = claim.correction.values if claim.correction else {}
    for key, value in (claim.printed | true).items():
        for altered in printed.mutants(value, derived[key]):
            yield key, altered


def _refuse_mutants(claim: Claim, derived: Mapping[str, object], names: printed.Names | None) -> int:
    if claim.verdict == "not-reproducible":
        return 0
    count = 0
    for key, altered in mutants(claim, derived):
        if _accepts(altered, derived[key], names):
            raise LedgerError(f"{claim.id}: the check of {key!r} also accepts {altered!r}: it checks nothing")
        count += 1
    return count


def _accepts(altered: printed.Printed, derived: object, names: printed.Names | None) -> bool:
    try:
        return printed.agrees(altered, derived, names)
    except (IndexError, KeyError, ZeroDivisionError):
        return False  # the alteration left the range of an index or divided by zero: it is refused


def _display(claim: Claim, record: Record) -> None:
    from IPython.display import display  # the only contact with a notebook

    bundle = {"text/plain": plain(claim, record), "text/html": badge(claim, record), MIME: asdict(record)}
    display(bundle, raw=True)


MARKS = {"confirmed": "✓", "corrected": "✎", "modelled": "◇", "not-reproducible": "∅", "open": "…"}


def plain(claim: Claim, record: Record) -> str:
    """The badge as one line of text."""
    return f"{MARKS[record.verdict]} {record.verdict}: {claim.item} ({claim.id}), {_summary(record)}, by {record.how}"


def _summary(record: Record) -> str:
    if len(record.printed) == 1 and not record.wrong:
        return f"printed {next(iter(record.printed.values()))}, derived {next(iter(record.derived.values()))}"
    agreeing = len(record.printed) - len(record.wrong)
    return f"{agreeing} of {len(record.printed)} printed items agree"


def badge(claim: Claim, record: Record) -> str:
    """The badge as HTML: one line, which opens to a table of printed and derived values."""
    true = claim.correction.values if claim.correction else {}
    rows = "".join(_badge_row(key, record, true.get(key)) for key in record.printed)
    correction = f"<p>{html.escape(claim.correction.statement)}</p>" if claim.correction else ""
    return (
        f'<details class="claim claim-{record.verdict}" id="{record.anchor}"><summary>'
        f'<span class="claim-mark" aria-hidden="true">{MARKS[record.verdict]}</span> '
        f'<span class="claim-verdict">{record.verdict}</span> <span class="claim-item">{html.escape(claim.item)}'
        f'</span> <code class="claim-id">{record.id}</code> '
        f'<span class="claim-summary">{html.escape(_summary(record))}</span> '
        f'<span class="claim-how">by {record.how}</span></summary>{correction}'
        f'<div class="claim-table"><table><thead><tr><th scope="col">item</th><th scope="col">printed</th>'
        f'<th scope="col">derived</th><th scope="col">outcome</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f"<p>{record.mutants} altered transcriptions were put to the same check; it refused all of them.</p></details>"
    )


def _badge_row(key: str, record: Record, true: printed.Printed | None) -> str:
    differs = key in record.wrong
    outcome = "agrees" if not differs else "differs" if true is None else f"should read {printed.readable(true)}"
    cells = "".join(f"<td>{html.escape(text)}</td>" for text in (record.printed[key], record.derived[key], outcome))
    return f'<tr class="{"differs" if differs else "agrees"}"><th scope="row">{html.escape(key)}</th>{cells}</tr>'


def collate(notebooks: Mapping[str, Any], claims: Mapping[str, Claim] | None = None) -> list[Record]:
    """The records of all executed chapters, in the order of the claims.

    notebooks : chapter (part/slug) → executed notebook (nbformat).
    Raises ``LedgerError`` if an id that is not `open` has no record, a record has no id or a second one, or a record
    stands in another chapter than the claim says.
    """
    claims = load() if claims is None else claims
    found: dict[str, Record] = {}
    for chapter, notebook in notebooks.items():
        for record in _records(chapter, notebook):
            _require_place(record, claims)
            if record.id in found:
                raise LedgerError(f"{record.id} is recorded twice, in {found[record.id].chapter} and {chapter}")
            found[record.id] = record
    for claim in claims.values():
        if claim.verdict != "open" and claim.id not in found:
            raise LedgerError(f"{claim.id} is {claim.verdict} in claims.yml, but {claim.chapter} does not check it")
    return [found[id] for id in claims if id in found]


def _records(chapter: str, notebook: Any) -> Iterator[Record]:
    for cell in notebook.cells:
        timing = cell.metadata.get("papermill", {})
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                record = Record(**output["data"][MIME])
                yield replace(record, chapter=chapter, seconds=timing.get("duration") or 0.0)


def _require_place(record: Record, claims: Mapping[str, Claim]) -> None:
    if record.id not in claims:
        raise LedgerError(f"{record.chapter} records {record.id}, which is not an id of claims.yml")
    claim = claims[record.id]
    if claim.chapter != record.chapter:
        raise LedgerError(f"{record.id} belongs to {claim.chapter}, but {record.chapter} records it")
    if claim.verdict != record.verdict:
        raise LedgerError(f"{record.id} is {claim.verdict} in claims.yml, but was recorded as {record.verdict}")
