"""What the course is made of: problems taken from the chapters, claims and pictures on slides, minutes of a lecture.

A problem is an exercise of a chapter, with its solution where the edition has one. The texts are read where Sphinx
reads them, so that an edition without solutions has none here either.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from compendium.claims import cards as claim_cards
from compendium.claims import ledger
from compendium.claims.cards import MARKS, displayed, prose, title, typeset_words, verdict_words
from compendium.pages import reading
from compendium.pages.exercises import BLOCK, LABEL
from compendium.pages.ledger_pages import load_records

KIND = re.compile(r"\A\*(?P<kind>Recall|Derive|Compute|Explore)\.\* *")
OPTIONS = re.compile(r"\A(:[\w-]+:[^\n]*\n)+")
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.M)
SOLUTION_HEAD = re.compile(r"\A(\s*\*Solution\.?\*)?\s*")
NOTES = re.compile(r"^:{3,}\{notes\} (?P<minutes>\d+)$", re.M)
SLIDE = re.compile(r"^## .+$", re.M)
NAMED = re.compile(r"^:::\{problem\} (\S+)\n:points: (\d+)\n:minutes: (\d+)\n(?:(?!:::).*\n)*:::$", re.M)
WEEK = re.compile(r"^### Week \d:.*?(?=^##)", re.M | re.S)
SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"')
UPRIGHT = 1.25  # a picture less wide than so many of its heights has what is said beside it, not below
CARD = re.compile(r"^(?P<fence>:{3,})\{predict\} (?P<body>.*?)^(?P=fence)$", re.M | re.S)


@dataclass(frozen=True)
class Problem:
    """An exercise of a chapter: its label, name and kind, what it asks, and its solution where the edition has one."""

    label: str
    name: str
    kind: str
    chapter: str
    chapter_title: str
    statement: str
    solution: str | None


def problems(book: Path) -> dict[str, Problem]:
    """Label → problem, for every exercise of the pages below a folder, chapters as Markdown or as notebooks."""
    return {problem.label: problem for page in pages(book) for problem in _problems(page, book)}


def pages(book: Path) -> list[Path]:
    """The pages of a book that may have exercises: its chapters, and those of the course."""
    return sorted(path for path in book.glob("*/*") if path.suffix in (".md", ".ipynb"))


def text_of(page: Path) -> str:
    """The Markdown of a page, whether it is stored as such or as a notebook."""
    return _text_of(page, page.stat().st_mtime_ns)


@cache
def _text_of(page: Path, _modified: int) -> str:
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".ipynb":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def offered(page: Path) -> str:
    """All that the course takes of a page: of a chapter its title, its minutes, exercises, solutions and questions.

    As long as it stays the same, no page of the course changes with that one.
    """
    return _offered(page, page.stat().st_mtime_ns)


@cache
def _offered(page: Path, modified: int) -> str:
    text = _text_of(page, modified)
    if page.parent.name == "course":
        return text
    blocks = [block[0] for block in BLOCK.finditer(text)]
    return json.dumps([title_of(text), chapter_minutes(text), blocks, cards(text)])


def _problems(page: Path, book: Path) -> Iterator[Problem]:
    text = text_of(page)
    blocks = list(BLOCK.finditer(text))
    solved = {b["argument"].strip(): without_options(b["body"]) for b in blocks if b["kind"] == "solution"}
    chapter = page.relative_to(book).with_suffix("").as_posix()
    name = title_of(text)
    for block in blocks:
        if block["kind"] != "exercise" or not (label := LABEL.search(block["body"])):
            continue
        body = without_options(block["body"])
        kind = KIND.match(body)
        yield Problem(
            label=label[1],
            name=block["argument"].strip(),
            kind=kind["kind"] if kind else "",
            chapter=chapter,
            chapter_title=name or chapter,
            statement=KIND.sub("", body),
            solution=solved.get(label[1]),
        )


def title_of(source: str) -> str:
    """The title of a page's source, or nothing.

    >>> title_of("(bell)=\\n# Bell\\n")
    'Bell'
    """
    found = HEADING.search(source)
    return found["title"] if found else ""


def without_options(body: str) -> str:
    """A directive's content without its options.

    >>> without_options(":label: ex\\n:class: dropdown\\nShow that.")
    'Show that.'
    """
    return OPTIONS.sub("", body).strip("\n")


def slides(source: str) -> list[int]:
    """The minutes of each slide of a deck's source, in order; 0 for one without notes. The plan is no slide.

    >>> slides("# L\\n\\n## One\\n\\n:::{notes} 4\\nSay it.\\n:::\\n\\n## Two\\n")
    [4, 0]
    """
    parts = [part for part in SLIDE.split(source)[1:] if "{plan}" not in part]
    return [sum(int(m) for m in NOTES.findall(part)) for part in parts]


def named_problems(source: str) -> list[tuple[str, int, int]]:
    """The problems of a sheet's source in their order: label, points, minutes.

    >>> named_problems(":::{problem} ex\\n:points: 5\\n:minutes: 20\\n:::\\n")
    [('ex', 5, 20)]
    """
    return [(label, int(points), int(minutes)) for label, points, minutes in NAMED.findall(source)]


def overview(book: Path) -> list[str]:
    """The table of the course, as Markdown: for each week its lectures, what to read before, its sheet, and minutes.

    Lectures take the minutes of their notes, which the students' edition does not have; chapters those that stand below
    their titles; sheets those of their problems.
    """
    found = {page.relative_to(book).with_suffix("").as_posix(): text_of(page) for page in pages(book)}
    lines = ["| week | lectures | before them | sheet |", "|---|---|---|---|"]
    for week, said in enumerate(WEEK.findall(found["course/teaching"]), 1):
        row = [f"lecture-{n:02}" for n in (2 * week - 1, 2 * week)]
        minutes = sum(sum(slides(found[f"course/{name}"])) for name in row)
        given = "\n".join(line for line in said.splitlines() if line.startswith("| Lecture"))
        chapters = re.findall(r"\{doc\}`\.\./([\w/-]+)`", given)
        read = sum(chapter_minutes(found[chapter]) for chapter in chapters)
        sheet = named_problems(found[f"course/sheet-{week}"])
        points, work = sum(points for _, points, _ in sheet), sum(minutes for *_, minutes in sheet)
        told = f", {minutes} minutes" if minutes else ""
        lines.append(
            f"| {week} | {', '.join(f'{{doc}}`{name}`' for name in row)}{told} "
            f"| {len(chapters)} chapters, {read} minutes | {{doc}}`sheet-{week}`, {points} points, {work} minutes |"
        )
    return lines


def chapter_minutes(source: str) -> int:
    """The minutes that a chapter takes to read: those that the build has noted, or counted here."""
    noted = re.search(r"^:minutes: (\d+)$", source, re.M)
    return int(noted[1]) if noted else reading.minutes(source)


def cards(source: str) -> list[str]:
    """The questions to answer before reading on, of a chapter's source, as the blocks that they are.

    Those that show a number which the chapter computes belong to the chapter, and are left out.

    >>> cards(":::{predict} Why?\\n- [x] so\\n***\\nBecause.\\n:::\\n")
    [':::{predict} Why?\\n- [x] so\\n***\\nBecause.\\n:::']
    """
    return [card[0] for card in CARD.finditer(source) if "{glue:" not in card[0]]


def formula_html(id: str, up: str = "../") -> tuple[str, str]:
    """A line of the formula sheet: a link to the claim's check, named as its paper does, and the formula; where the
    print is corrected, what is true.

    Raises ``ValueError`` for an id that the ledger does not have, or a claim without a formula.
    """
    claims = ledger.load()
    if id not in claims:
        raise ValueError(f"{id!r} is not an id of the ledger")
    claim = claims[id]
    tex = (claim.correction.tex if claim.correction else "") or claim.tex
    if not tex:
        raise ValueError(f"{id!r} has no formula")
    corrected = ", corrected" if claim.correction else ""
    link = f'<a href="{up}{claim.chapter}.html#{claim.anchor}">{typeset_words(title(claim))}{corrected}</a>'
    return link, displayed(tex)


def claim_html(id: str, records: Path, up: str = "../", values: bool = False) -> str:
    """A claim on a slide: the item as a formula or a sentence, and its verdict, with a link to its check.

    values : whether what is printed is listed. Parameters and errors besides are those of `claim_opening`.
    """
    opening = claim_opening(id, records, up)
    claim = ledger.load()[id]
    item = displayed(claim.tex) or f"<p>{prose(claim.statement)}</p>"
    if claim.correction:
        item += f"<p>{prose(claim.correction.statement)}</p>{displayed(claim.correction.tex)}"
    if values:
        rows = (
            f"<li>{typeset_words(key)}: {claim_cards.value(claim.paper, printed)}</li>"
            for key, printed in claim.printed.items()
        )
        item += f"<ul>{''.join(rows)}</ul>"
    return f"{opening}{item}</div>"


def claim_opening(id: str, records: Path, up: str = "../") -> str:
    """The first line of a claim's card on a slide, in a box that is left open: where it is printed, and its verdict.

    records : the file ``ledger.json`` of the build; without it only the authored verdict is told. up : the way from
    the page to the folder of the chapters.
    Raises ``ValueError`` for an id that the ledger does not have.
    """
    claims = ledger.load()
    if id not in claims:
        raise ValueError(f"{id!r} is not an id of the ledger")
    claim = claims[id]
    record = load_records(records).get(id)
    said = verdict_words(record) if record else claim.verdict
    head = f'<a href="{up}{claim.chapter}.html#{claim.anchor}">{typeset_words(title(claim))}</a>'
    mark = f'<span aria-hidden="true">{MARKS[claim.verdict]}</span>'
    return f'<div class="slide-claim claim-{claim.verdict}"><p>{mark} {head} — {html.escape(said)}</p>'


def picture_html(file: Path, name: str, alt: str, address: str) -> str:
    """A picture that a chapter shows, on a slide; a note with its name if it has not been drawn yet.

    file : the picture, in whose first lines its size is. address : where the website has it.
    """
    if not file.is_file():
        return f'<p class="slide-missing">{html.escape(name)} has not been drawn yet: <code>make book</code>.</p>'
    found = SIZE.search(file.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{name}: its first element should be an <svg> with width and height in pt")
    wide, high = (round(float(points) * 4 / 3) for points in found.groups())
    kind = "slide-figure upright" if wide < UPRIGHT * high else "slide-figure"
    return f'<img class="{kind}" src="{address}" width="{wide}" height="{high}" alt="{html.escape(alt)}">'
