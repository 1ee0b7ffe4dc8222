"""The first page's parts in HTML: the state of the ledger, a gallery of pictures, a map of the papers."""

from __future__ import annotations

import base64
import html
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from compendium.claims.cards import MARKS, typographic
from compendium.claims.ledger import VERDICTS, Claim, of_papers


@dataclass(frozen=True)
class Picture:
    """A picture of the gallery: what it asks, the figure and its description, and the page that it comes from."""

    question: str
    figure: Figure
    alt: str
    page: str
    part: str


def state_html(claims: Iterable[Claim]) -> str:
    """How many items of the papers are confirmed, corrected and so on, each a link to the ledger.

    What the book itself states is counted apart, and leads to the page that tells it.
    """
    everything = list(claims)
    papers = of_papers(everything)
    counts = Counter(claim.verdict for claim in papers)
    items = "".join(
        f'<li class="claim-{verdict}"><a href="reference/{"corrections" if verdict == "corrected" else "ledger"}.html">'
        f"<strong>{counts[verdict]}</strong> "
        f'<span><span aria-hidden="true">{MARKS[verdict]}</span> {verdict}</span></a></li>'
        for verdict in VERDICTS
        if counts[verdict]
    )
    if own := len(everything) - len(papers):
        target = '<li class="part-new"><a href="what-is-new.html">'
        items += f"{target}<strong>{own}</strong> <span>new here</span></a></li>"
    return f'<ul class="state" aria-label="State of the ledger: {counts.total()} items">{items}</ul>'


def lead_html(picture: Picture) -> str:
    """One picture that leads to its chapter."""
    return (
        f'<a class="lead-picture part-{html.escape(picture.part)}" href="{html.escape(picture.page)}">'
        f'<img src="{_source(picture.figure)}" alt="{html.escape(picture.alt)}"></a>'
    )


def gallery_html(pictures: Sequence[Picture]) -> str:
    """The pictures, side by side where there is room, each a link to its chapter."""
    items = "".join(
        f'<li class="part-{html.escape(p.part)}"><a href="{html.escape(p.page)}"><span>{html.escape(p.question)}</span>'
        f'<img src="{_source(p.figure)}" alt="{html.escape(p.alt)}"></a></li>'
        for p in pictures
    )
    return f'<ul class="gallery">{items}</ul>'


def _source(figure: Figure) -> str:
    buffer = io.BytesIO()
    with plt.rc_context({"svg.hashsalt": "qlib"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


@dataclass(frozen=True)
class Paper:
    """A paper on the map: its authors in one or two lines, its statement in a sentence, its part of the book."""

    key: str
    authors: tuple[str, ...]
    statement: str
    page: str


WIDTH, HEIGHT, BOX = 420, 300, (150, 64)  # of the map, and of a paper on it; drawn to be legible on a phone
ASIDE = 8  # how far an arrow is beside the middle
CORNERS = ((85, 42), (335, 42), (85, 258), (335, 258))  # where the papers stand, in their order


def map_html(papers: Sequence[Paper], relations: Mapping[tuple[str, str], str]) -> str:
    """The papers at the corners of a square, an arrow for each thing that one says to another, and below it what.

    papers : four of them, row by row. relations : (from, to) → what is said, at most one for each pair.
    """
    place = dict(zip((p.key for p in papers), CORNERS, strict=True))
    arrows = "".join(_arrow(k, a, place[a], place[b], (b, a) in relations) for k, (a, b) in enumerate(relations, 1))
    boxes = "".join(_box(p, *place[p.key]) for p in papers)
    head = '<marker id="map-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    drawn = (
        f'<svg class="paper-map" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="A map of the four papers; '
        f'what each says to another is listed below it."><defs>{head}<path d="M0 0 8 4 0 8z"/></marker></defs>'
        f"{arrows}{boxes}</svg>"
    )
    names = {p.key: " ".join(p.authors) for p in papers}
    said = "".join(
        f'<li><span class="part-{a}">{html.escape(names[a])}</span> <span aria-hidden="true">→</span>'
        f'<span class="visually-hidden"> to </span> <span class="part-{b}">{html.escape(names[b])}</span>: '
        f"{html.escape(typographic(text), quote=False)}</li>"
        for (a, b), text in relations.items()
    )
    statements = "".join(
        f'<li class="part-{p.key}"><a href="{html.escape(p.page)}">{html.escape(" ".join(p.authors))}</a>: '
        f"{html.escape(typographic(p.statement), quote=False)}</li>"
        for p in papers
    )
    return f'{drawn}<ul class="paper-statements">{statements}</ul><ol class="paper-relations">{said}</ol>'


def _box(paper: Paper, x: float, y: float) -> str:
    """A paper's name in a box that leads to its chapters."""
    wide, high = BOX
    lines = "".join(
        f'<text x="{x}" y="{y + 6 + 18 * (k - (len(paper.authors) - 1) / 2):g}">{html.escape(line)}</text>'
        for k, line in enumerate(paper.authors)
    )
    name = html.escape(" ".join(paper.authors))
    return (
        f'<a href="{html.escape(paper.page)}" class="part-{paper.key}" aria-label="{name}">'
        f'<rect x="{x - wide / 2:g}" y="{y - high / 2:g}" width="{wide}" height="{high}" rx="8"/>{lines}</a>'
    )


def _arrow(number: int, key: str, start: tuple[float, float], end: tuple[float, float], back: bool) -> str:
    """An arrow between two boxes, from edge to edge, with its number at a third of the way; beside an arrow back."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    wide, high = BOX[0] / 2 + ASIDE, BOX[1] / 2 + ASIDE
    cut = min(wide / abs(dx) if dx else 1, high / abs(dy) if dy else 1)  # the share of the way inside a box
    aside = ASIDE / hypot(dx, dy) if back else 0
    (xa, ya), (xb, yb), (x, y) = (
        (x0 + t * dx - aside * dy, y0 + t * dy + aside * dx) for t in (cut, 1 - cut, cut + (1 - 2 * cut) / 3)
    )
    line = f'<path d="M{xa:.1f} {ya:.1f}L{xb:.1f} {yb:.1f}" marker-end="url(#map-head)"/>'
    mark = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="10"/><text x="{x:.1f}" y="{y + 4:.1f}">{number}</text>'
    return f'<g class="part-{key} map-arrow">{line}{mark}</g>'
