"""The first page's parts in HTML: the state of the ledger, a gallery of pictures, a map of the papers."""

from __future__ import annotations

import base64
import html
import io
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from compendium import paths
from compendium.claims.cards import MARKS
from compendium.claims.ledger import VERDICTS, Claim


@dataclass(frozen=True)
class Picture:
    """A picture of the gallery: what it asks, the figure and its description, and the page that it comes from."""

    question: str
    figure: Figure
    alt: str
    page: str
    part: str


def state_html(claims: Iterable[Claim]) -> str:
    """How many items are confirmed, corrected and so on, each a link to the ledger."""
    counts = Counter(claim.verdict for claim in claims)
    items = "".join(
        f'<li class="claim-{verdict}"><a href="reference/{"corrections" if verdict == "corrected" else "ledger"}.html">'
        f"<strong>{counts[verdict]}</strong> "
        f'<span><span aria-hidden="true">{MARKS[verdict]}</span> {verdict}</span></a></li>'
        for verdict in VERDICTS
        if counts[verdict]
    )
    return f'<ul class="state" aria-label="State of the ledger: {counts.total()} items">{items}</ul>'


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
    """A paper on the map: its authors, its statement in a sentence, its part of the book, its row and column."""

    key: str
    authors: str
    statement: str
    page: str
    place: tuple[int, int]


def map_html(papers: Sequence[Paper], relations: Mapping[tuple[str, str], str]) -> str:
    """The papers as boxes in a grid, and below it what each says to each other, as a list with links."""
    boxes = "".join(
        f'<li class="part-{p.key}" style="grid-row:{p.place[0]};grid-column:{p.place[1]}">'
        f'<a href="{html.escape(p.page)}">'
        f"<strong>{html.escape(p.authors)}</strong> {html.escape(p.statement)}</a></li>"
        for p in papers
    )
    names = {p.key: p.authors for p in papers}
    lines = "".join(
        f'<li><span class="part-{a}">{html.escape(names[a])}</span> <span aria-hidden="true">→</span>'
        f'<span class="visually-hidden"> to </span> <span class="part-{b}">{html.escape(names[b])}</span>: '
        f"{html.escape(text)}</li>"
        for (a, b), text in relations.items()
    )
    return f'<ul class="paper-map">{boxes}</ul><ul class="paper-relations">{lines}</ul>'


def figure_html(name: str, alt: str) -> str:
    """A figure that a chapter of the same build wrote, ``part/slug/name``, embedded; a note if there is none yet.

    It stands where the ledger does: beside the file that the environment variable ``COMPENDIUM_LEDGER`` names, else in
    ``data/generated``.
    """
    ledger = os.environ.get("COMPENDIUM_LEDGER")
    file = (Path(ledger).parent if ledger else paths.GENERATED) / f"{name}.svg"
    if not file.is_file():
        return f'<p class="slide-missing">{html.escape(name)} has not been drawn yet: <code>make book</code>.</p>'
    source = base64.b64encode(file.read_bytes()).decode()
    return f'<img class="slide-figure" src="data:image/svg+xml;base64,{source}" alt="{html.escape(alt)}">'
