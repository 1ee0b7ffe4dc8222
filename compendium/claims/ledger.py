"""The ledger: every checkable item of the four papers, each with what is printed, what is derived, and a verdict.

Beside the papers' items stand the theorems of this book's own, ids ``new:…``: what is printed is there what the book
states, and is put to the same test.

The authored half is ``data/claims.yml``; the derived half is made by the chapters. A chapter derives an item and calls
`check`, which compares (see `compendium.claims.printed`), refuses anything but the verdict that ``claims.yml`` states,
puts every mutant of the printed item to the same comparison and refuses a check that lets one through, and displays a
card. The card carries the record, so the executed chapters *are* the store of all records: `collate` reads them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from compendium import paths
from compendium.claims import printed

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
OWN = "new"  # the key of what no paper says and this book proves
SOURCES = PAPERS | {OWN: "This book"}
ID = rf"^({'|'.join(SOURCES)}):[a-z0-9-]+$"
UNDELIMITED = r"^[^$]*$"  # a formula by itself, without the signs that begin and end one
MIME = "application/vnd.compendium.claim+json"


class LedgerError(Exception):
    """A claim and what is derived for it do not stand to each other as ``claims.yml`` says."""


def _transcription(value: object) -> object:
    """The value, if it is what a transcription may be: `compendium.claims.printed` knows nothing else."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, list):
            _transcription(item)
        elif not isinstance(item, bool) and not (isinstance(item, str) and item.strip()):
            raise ValueError(f"{item!r} should be a text in quotation marks, true, false, or a list of these")
    return value


Transcription = Annotated[Any, AfterValidator(_transcription)]


class Correction(BaseModel):
    """What is true instead of a printed item.

    statement : one sentence. argument : why, for a reader who wants to be convinced. tex : what is true, as a displayed
    formula, where it is one.
    values : the printed keys that are wrong, with the true value of each, transcribed as printed items are. Empty
    where print and derivation differ and no true value can be given (verdict ``not-reproducible``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    statement: str = Field(min_length=1)
    argument: str = Field(min_length=1)
    tex: str = Field(default="", pattern=UNDELIMITED)
    values: dict[str, Transcription] = Field(default_factory=dict)


class Claim(BaseModel):
    """One item of a paper, or a theorem of this book, as authored in ``claims.yml``.

    tex : the printed item as a displayed formula, where it is one. uses : the ids of the claims that it rests on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(pattern=ID)
    item: str = Field(min_length=1)
    where: str = Field(min_length=1)
    kind: Literal["definition", "equation", "theorem", "figure", "table", "number"]
    statement: str = Field(min_length=1)
    tex: str = Field(default="", pattern=UNDELIMITED)
    printed: dict[str, Transcription] = Field(min_length=1)
    names: dict[str, str] = Field(default_factory=dict)
    uses: list[Annotated[str, Field(pattern=ID)]] = Field(default_factory=list)
    chapter: str = Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")
    verdict: Verdict
    correction: Correction | None = None

    @model_validator(mode="after")
    def _correction_belongs_to_verdict(self) -> Claim:
        needs = self.verdict in ("corrected", "not-reproducible")
        if needs != (self.correction is not None):
            raise ValueError(f"verdict {self.verdict!r} {'needs a' if needs else 'takes no'} correction")
        true = self.correction.values if self.correction else {}
        if (self.verdict == "corrected") != bool(true):
            raise ValueError(f"verdict {self.verdict!r} {'takes no' if true else 'needs'} values in its correction")
        if self.paper == OWN and self.verdict not in ("confirmed", "open"):
            raise ValueError(f"a theorem of this book is confirmed or open, not {self.verdict!r}: state it as it is")
        if unknown := set(true) - set(self.printed):
            raise ValueError(f"correction of keys that are not printed: {', '.join(sorted(unknown))}")
        return self

    @property
    def paper(self) -> str:
        """The key of its source: wz, kang, pc, sfc, or new for this book."""
        return self.id.split(":")[0]

    @property
    def anchor(self) -> str:
        """The HTML id of the claim's card."""
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

    Raises ``LedgerError`` naming the entry that is malformed, or what stands there twice, or a file that is not there.

    >>> load()["wz:true-ace"].kind
    'number'
    """
    path = path or paths.CLAIMS
    if not path.exists():
        raise LedgerError(
            f"{path} is not there; the ledger is a part of the project's directory: install with --editable"
        )
    return dict(_load(path, path.stat().st_mtime_ns))


class _Loader(yaml.CSafeLoader):
    """YAML in which no mapping has a key twice: of two equal keys the plain loader drops the first in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := [key for k, key in enumerate(keys) if key in keys[:k]]:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice[0]!r} stands there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


@cache
def _load(path: Path, _modified: int) -> dict[str, Claim]:
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise LedgerError(f"{path.name}: {error}") from error
    if not isinstance(entries, list):
        raise LedgerError(f"{path.name}: should be a list of claims, but is {type(entries).__name__}")
    claims: dict[str, Claim] = {}
    for k, entry in enumerate(entries):
        try:
            claim = Claim.model_validate(entry)
        except ValidationError as error:
            name = repr(entry["id"]) if isinstance(entry, dict) and "id" in entry else f"number {k + 1}"
            raise LedgerError(f"{path.name}, entry {name}: {error}") from error
        if claim.id in claims:
            raise LedgerError(f"{path.name}: {claim.id} stands there twice")
        claims[claim.id] = claim
    _require_ground(claims, path.name)
    return claims


def _require_ground(claims: Mapping[str, Claim], file: str) -> None:
    """What a claim rests on is in the ledger, and nothing rests on itself, by whatever way around."""
    for claim in claims.values():
        if unknown := [id for id in claim.uses if id not in claims]:
            raise LedgerError(f"{file}: {claim.id} uses {', '.join(unknown)}, which is not an id of the ledger")
    try:
        tuple(TopologicalSorter({id: claim.uses for id, claim in claims.items()}).static_order())
    except CycleError as error:
        raise LedgerError(f"{file}: claims that rest on each other in a circle: {' → '.join(error.args[1])}") from error


def of_papers(claims: Iterable[Claim]) -> list[Claim]:
    """The claims that a paper makes, without this book's own."""
    return [claim for claim in claims if claim.paper != OWN]


def check(id: str, derived: Mapping[str, object], *, how: Means, names: printed.Names | None = None) -> None:
    """Compare what a paper prints under `id` with what was derived, show a card, and record the outcome.

    derived : one value for every key under ``printed`` of the claim; `claims.printed` says what agrees with what.
    how : the means by which the derived values were established, one of `MEANS`.
    names : the meaning of the names in printed formulas.

    Raises ``LedgerError`` if the outcome is not the verdict of ``claims.yml``, or if a mutant survives.
    """
    claims = load()
    if id not in claims:
        raise LedgerError(f"{id} is not an id of {paths.CLAIMS.name}")
    record = examine(claims[id], derived, how=how, names=names)
    _display(claims[id], record)


def ensure(statement: str, holds: object) -> None:
    """Stop a chapter whose derivation does not hold: raises ``ArithmeticError`` with the statement that fails.

    ``TypeError`` for a statement that is no text: with the two arguments exchanged every text would hold.

    >>> ensure("two is even", 2 % 2 == 0)
    """
    if not isinstance(statement, str):
        raise TypeError(f"statement: {statement!r} should be a text; what has to hold comes second")
    if not holds:
        raise ArithmeticError(f"this does not hold: {statement}")


def examine(claim: Claim, derived: Mapping[str, object], *, how: Means, names: printed.Names | None = None) -> Record:
    """The comparison behind `check`, without the display: a pure function of a claim and the derived values.

    >>> claim = load()["wz:true-ace"]
    >>> examine(claim, {"ACE": 0}, how="proof").verdict
    'confirmed'
    >>> examine(claim, {"ACE": 1}, how="proof")
    Traceback (most recent call last):
        ...
    compendium.claims.ledger.LedgerError: wz:true-ace: claims.yml says confirmed, but ACE: printed 0, derived 1
    """
    record = compare(claim, derived, how=how, names=names)
    return replace(record, mutants=_refuse_mutants(claim, derived, record, names))


def compare(claim: Claim, derived: Mapping[str, object], *, how: Means, names: printed.Names | None = None) -> Record:
    """The record of a claim that stands to what is derived as ``claims.yml`` says; its mutants are not tried yet.

    Raises ``LedgerError`` if it does not.
    """
    if how not in MEANS:
        raise LedgerError(f"{claim.id}: how={how!r} is none of {', '.join(MEANS)}")
    if set(derived) != set(claim.printed):
        missing, extra = set(claim.printed) - set(derived), set(derived) - set(claim.printed)
        raise LedgerError(
            f"{claim.id}: nothing derived for {sorted(missing) or '—'}; derived but not printed {sorted(extra) or '—'}"
        )
    wrong = [key for key, value in claim.printed.items() if not _agrees(claim, key, value, derived[key], names)]
    verdict = _outcome(claim, derived, wrong, how, names)
    if verdict != claim.verdict:
        found = "; ".join(_difference(claim, key, derived[key], names) for key in wrong)
        outcome = found or f"every printed item agrees: the outcome is {verdict or 'confirmed'}"
        raise LedgerError(f"{claim.id}: claims.yml says {claim.verdict}, but {outcome}")
    unlike = wrong if verdict == "not-reproducible" else []  # of the others, print or correction was seen to agree
    return Record(
        id=claim.id,
        verdict=verdict,
        how=how,
        printed={key: printed.readable(value) for key, value in claim.printed.items()},
        derived={
            key: _readable(_true(claim, key), derived[key], names) if key in unlike else printed.readable(derived[key])
            for key in claim.printed
        },
        wrong=wrong,
        mutants=0,
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
    right = set(true) == set(wrong) and all(_agrees(claim, k, true[k], derived[k], names) for k in true)
    return "corrected" if right else None


def _agrees(claim: Claim, key: str, value: printed.Printed, derived: object, names: printed.Names | None) -> bool:
    """Whether the two agree; if they cannot be compared, a ``LedgerError`` says which claim and key it is."""
    try:
        return printed.agrees(value, derived, names)
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise LedgerError(f"{claim.id}, {key!r}: {type(error).__name__}: {error}") from error


def _difference(claim: Claim, key: str, derived: object, names: printed.Names | None) -> str:
    """What is printed for a key that is wrong, what its correction says, and what was derived."""
    true = _true(claim, key)
    corrected = f", corrected to {printed.readable(true)}" if true != claim.printed[key] else ""
    text = f"{key}: printed {printed.readable(claim.printed[key])}{corrected}"
    return f"{text}, derived {_readable(true, derived, names)}"


def _true(claim: Claim, key: str) -> printed.Printed:
    """The transcription that should agree with what is derived: the correction, else the print."""
    values: dict[str, printed.Printed] = claim.printed | (claim.correction.values if claim.correction else {})
    return values[key]


def _readable(true: printed.Printed, derived: object, names: printed.Names | None) -> str:
    """The derived value for people: of one with indices, the first place where it is not what it should be."""
    if isinstance(derived, printed.ForAll) and (at := printed.counterexample(true, derived, names)):
        where = ", ".join(f"{index}={value}" for index, value in at.items())
        return f"{printed.readable(derived.value(**at))} for {where}"
    return printed.readable(derived)


def alterations(claim: Claim, derived: Mapping[str, object]) -> Iterator[tuple[str, printed.Printed]]:
    """Every alteration of one value of a claim, as (key, altered value).

    Of a corrected key it is the correction that is altered.
    """
    for key in claim.printed:
        for altered in printed.altered_transcriptions(_true(claim, key), derived[key]):
            yield key, altered


def blind_spots(claim: Claim, derived: Mapping[str, object], names: printed.Names | None = None) -> list[str]:
    """The formulas with names exchanged or factors dropped that a check accepts in place of what is true.

    Each says the same, or shows that the check looks where the two do not differ.
    """
    return [
        altered if isinstance(altered, str) else repr(altered)
        for key in claim.printed
        if printed.agrees(_true(claim, key), derived[key], names)
        for altered in printed.exchanges(_true(claim, key), derived[key])
        if _accepts(altered, derived[key], names)
    ]


def _refuse_mutants(claim: Claim, derived: Mapping[str, object], record: Record, names: printed.Names | None) -> int:
    """How many mutants are refused; a ``LedgerError`` if one is not."""
    count = 0
    for key, altered in alterations(claim, derived):
        if claim.verdict == "not-reproducible" and key in record.wrong:
            continue  # there is no transcription that the derived value agrees with
        if _accepts(altered, derived[key], names):
            raise LedgerError(
                f"{claim.id}, {key!r}: the check also accepts {altered!r}, so it does not check what is printed; "
                "derive it where the two differ: free symbols, indices over more values, no name that is constant"
            )
        count += 1
    return count + (claim.verdict == "corrected")  # with what is printed, which `compare` has refused


def _accepts(altered: printed.Printed, derived: object, names: printed.Names | None) -> bool:
    """Whether an altered transcription would pass, too; what has no meaning does not."""
    try:
        return printed.agrees(altered, derived, names)
    except (LookupError, ValueError, TypeError, AttributeError, ZeroDivisionError):
        return False  # the alteration has no meaning: an index out of range, a sum of a matrix and a number
    except ArithmeticError:
        return True  # it could not be told from what was derived


def _display(claim: Claim, record: Record) -> None:
    from IPython.display import display  # the only contact with a notebook

    from compendium.claims.cards import card, plain

    bundle = {"text/plain": plain(claim, record), "text/html": card(claim, record), MIME: asdict(record)}
    display(bundle, raw=True)


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
            if MIME not in output.get("data", {}):
                continue
            try:
                record = Record(**output["data"][MIME])
            except TypeError as error:
                raise LedgerError(f"{chapter}: a record has another form than this ledger's ({error})") from error
            yield replace(record, chapter=chapter, seconds=timing.get("duration") or 0.0)


def _require_place(record: Record, claims: Mapping[str, Claim]) -> None:
    if record.id not in claims:
        raise LedgerError(f"{record.chapter} records {record.id}, which is not an id of claims.yml")
    claim = claims[record.id]
    if claim.chapter != record.chapter:
        raise LedgerError(f"{record.id} belongs to {claim.chapter}, but {record.chapter} records it")
    if claim.verdict != record.verdict:
        raise LedgerError(f"{record.id} is {claim.verdict} in claims.yml, but was recorded as {record.verdict}")
