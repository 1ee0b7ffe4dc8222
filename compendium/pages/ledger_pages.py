"""The ledger as HTML: the table of all claims, and the list of corrections.

Both are functions of the claims and of the records that the chapters left; neither needs a server or another host.
"""

from __future__ import annotations

import html
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

from compendium import paths
from compendium.claims.cards import (
    MARKS,
    derived_value,
    displayed,
    prose,
    table_row,
    title,
    typeset_words,
    typographic,
    value,
    values_table,
    verdict_words,
)
from compendium.claims.ledger import MEANS, OWN, PAPERS, SOURCES, VERDICTS, Claim, Correction, Record, Verdict

Claims = Mapping[str, Claim]
Records = Mapping[str, Record]
KINDS = ("definition", "equation", "theorem", "figure", "table", "number")
COLUMNS = {
    "item": "Item",
    "paper": "Source",
    "statement": "Statement",
    "kind": "Kind",
    "how": "Means",
    "verdict": "Verdict",
}


def load_records(path: Path | None = None) -> dict[str, Record]:
    """The derived half of the ledger by id; empty when the pipeline has not written it yet.

    path : by default what the environment variable ``COMPENDIUM_LEDGER`` names, else ``data/generated/ledger.json``.
    """
    path = path or Path(os.environ.get("COMPENDIUM_LEDGER") or paths.GENERATED / "ledger.json")
    if not path.is_file():
        return {}
    return {entry["id"]: Record(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))}


def link(claim: Claim) -> str | None:
    """Where the claim is checked, as seen from a page in ``book/reference/``; None while its chapter is not written.

    Only claims that are not `open` are checked anywhere.
    """
    written = claim.verdict != "open" and (paths.BOOK / f"{claim.chapter}.md").is_file()
    return f"../{claim.chapter}.html#{claim.anchor}" if written else None


def linked(claim: Claim, text: str) -> str:
    """Some HTML, as a link to the claim's check if there is one."""
    target = link(claim)
    return f'<a href="{html.escape(target)}">{text}</a>' if target else text


def ledger_html(claims: Claims, records: Records) -> str:
    """All claims as a table that a browser sorts and filters; counts by paper and verdict above it.

    Without records it shows the authored verdicts and says so.
    """
    rows = "\n".join(_row(claim, records.get(claim.id)) for claim in claims.values())
    heads = "".join(
        f'<th scope="col" data-key="{key}"><button type="button">{name}</button></th>' for key, name in COLUMNS.items()
    )
    script = files("compendium.pages").joinpath("ledger_pages.js").read_text(encoding="utf-8")
    return (
        f'<div class="ledger">{_notice(records)}{_counts(claims.values())}{_controls()}'
        f'<p class="ledger-shown" role="status"></p><table class="ledger-table"><thead><tr>{heads}</tr></thead>'
        f"<tbody>\n{rows}\n</tbody></table></div>\n<script>\n{script}</script>"
    )


def _notice(records: Records) -> str:
    if records:
        return ""
    said = "The chapters have left no records yet: these are the verdicts as authored"
    said += " (<code>make book</code> derives them)."
    return f'<p class="ledger-notice">{said}</p>'


def _counts(claims: Iterable[Claim]) -> str:
    counts = Counter((claim.verdict, claim.paper) for claim in claims)
    names = "".join(
        f'<th scope="col"><code>{key}</code> <span>{html.escape(n)}</span></th>' for key, n in PAPERS.items()
    )
    rows = ""
    for verdict in VERDICTS:
        row = [counts[verdict, paper] for paper in PAPERS]
        cells = "".join(f"<td>{n}</td>" for n in [*row, sum(row)])
        rows += f'<tr class="claim-{verdict}"><th scope="row">{MARKS[verdict]} {verdict}</th>{cells}</tr>'
    columns = [sum(counts[verdict, paper] for verdict in VERDICTS) for paper in PAPERS]
    totals = "".join(f"<td>{n}</td>" for n in [*columns, sum(columns)])
    body = f'{rows}<tr><th scope="row">all</th>{totals}</tr>'
    table = f'<table><thead><tr><td></td>{names}<th scope="col">all</th></tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="ledger-counts">{table}{_own(counts)}</div>'


def _own(counts: Mapping[tuple[Verdict, str], int]) -> str:
    """A line on the theorems of this book, which are no part of the papers' count; nothing while there are none."""
    if not (number := sum(n for (_, source), n in counts.items() if source == OWN)):
        return ""
    return f"<p>Beside them: {number} statements of this book's own (<code>{OWN}</code>), put to the same test.</p>"


def _controls() -> str:
    choices: dict[str, tuple[str, list[tuple[str, str]]]] = {
        "Source": ("paper", list(SOURCES.items())),
        "Kind": ("kind", [(kind, kind) for kind in KINDS]),
        "Means": ("how", [(how, how) for how in MEANS]),
        "Verdict": ("verdict", [(verdict, verdict) for verdict in VERDICTS]),
    }
    selects = ""
    for label, (name, values) in choices.items():
        options = "".join(f'<option value="{value}">{html.escape(text)}</option>' for value, text in values)
        selects += f'<label>{label} <select name="{name}"><option value="">all</option>{options}</select></label>'
    search = (
        '<label>Text <input type="search" name="text" autocomplete="off" placeholder="words, printed values"></label>'
    )
    reset = '<button type="reset">Show all</button>'
    return f'<form class="ledger-controls" hidden>{selects}{search}{reset}</form>'


def _row(claim: Claim, record: Record | None) -> str:
    how = record.how if record else ""
    cells = {
        "item": f"{linked(claim, typeset_words(claim.item))}<br><code>{claim.id}</code>",
        "paper": html.escape(SOURCES[claim.paper]),
        "statement": prose(claim.statement),
        "kind": claim.kind,
        "how": how or "–",
        "verdict": f'<span aria-hidden="true">{MARKS[claim.verdict]}</span> {claim.verdict}',
    }
    values = {"paper": claim.paper, "kind": claim.kind, "how": how, "verdict": claim.verdict}
    unseen = [claim.item, claim.where, claim.printed, claim.correction.model_dump() if claim.correction else ""]
    values["words"] = json.dumps(unseen, ensure_ascii=False)  # found by the filter, shown with the check
    data = "".join(f' data-{key}="{html.escape(value)}"' for key, value in values.items())
    first = f'<th scope="row" class="ledger-item">{cells.pop("item")}</th>'
    rest = "".join(f'<td class="ledger-{key}">{cell}</td>' for key, cell in cells.items())
    return f'<tr id="row-{claim.anchor}" class="claim-{claim.verdict}"{data}>{first}{rest}</tr>'


def corrections_html(claims: Claims, records: Records) -> str:
    """Every claim that print and derivation disagree on, paper by paper: what is printed, what is true, and why."""
    groups = {paper: [c for c in claims.values() if c.paper == paper and c.correction] for paper in PAPERS}
    if not any(groups.values()):
        return _notice(records) + "<p>None so far.</p>"
    contents = "".join(_contents(paper, group) for paper, group in groups.items() if group)
    parts = "".join(_part(paper, group, records) for paper, group in groups.items() if group)
    return (
        f'{_notice(records)}<nav class="corrections-contents" aria-label="Corrections by paper">{contents}</nav>{parts}'
    )


def _contents(paper: str, group: list[Claim]) -> str:
    links = ", ".join(f'<a href="#{_place(claim)}">{typeset_words(claim.item)}</a>' for claim in group)
    return f"<p><strong>{html.escape(PAPERS[paper])}</strong> ({len(group)}): {links}.</p>"


def _part(paper: str, group: list[Claim], records: Records) -> str:
    sections = "\n".join(_correction(claim, c, records.get(claim.id)) for claim in group if (c := claim.correction))
    return f'<h2 id="corrections-{paper}">{html.escape(PAPERS[paper])}</h2>{sections}'


def _place(claim: Claim) -> str:
    """The HTML id of a correction."""
    return claim.anchor.replace("claim-", "correction-", 1)


def _correction(claim: Claim, correction: Correction, record: Record | None) -> str:
    facts = [claim.where, verdict_words(record) if record else claim.verdict]
    about = html.escape(typographic(" · ".join(facts)), quote=False)
    return (
        f'<section class="correction" id="{_place(claim)}"><h3>{typeset_words(title(claim))}</h3>'
        f'<p class="correction-where">{about} · <code>{claim.id}</code> · {linked(claim, "the check")}</p>'
        f"<p>{prose(claim.statement)}</p>{displayed(claim.tex)}<p><strong>{prose(correction.statement)}</strong></p>"
        f"{displayed(correction.tex)}{_correction_table(claim, correction, record)}"
        f"<p>{prose(correction.argument)}</p></section>"
    )


def _correction_table(claim: Claim, correction: Correction, record: Record | None) -> str:
    rows = ""
    for key in record.wrong if record else correction.values:
        true = value(claim.paper, correction.values[key]) if key in correction.values else "–"
        cells = {"printed": value(claim.paper, claim.printed[key]), "true": true}
        rows += table_row(key, cells | ({"derived here": derived_value(claim, record, key)} if record else {}), False)
    table = values_table(("printed", "true", *(["derived here"] if record else [])), rows)
    label = html.escape(f"{claim.item} ({claim.id}), values")
    return f'<div class="claim-table" tabindex="0" role="region" aria-label="{label}">{table}</div>'


NO_VALUE = (
    "Definitions and drawings say what is meant, not what is the case. The object built here accepts what it should "
    "and refuses near-misses; that it is the right object remains a judgement."
)


def unreproduced_html(claims: Claims, records: Records) -> str:
    """What could not be reproduced, with the reason; what has no value to reproduce; what was not yet tried.

    The first are the claims with verdict ``not-reproducible``, whose correction tells why; the second those that are
    ``modelled``; the third those that are ``open``.
    """
    by_verdict = {verdict: [claim for claim in claims.values() if claim.verdict == verdict] for verdict in VERDICTS}
    lost = "".join(_unreproduced(claim, records.get(claim.id)) for claim in by_verdict["not-reproducible"])
    none = "<p>Nothing so far: every item that was taken up could be derived as printed, or corrected.</p>"
    return (
        f"{_notice(records)}<h2>Not reproducible</h2>{lost or none}"
        f"<h2>No value to reproduce</h2><p>{NO_VALUE}</p>{_listed(by_verdict['modelled'])}"
        "<h2>Not tried yet</h2>" + (_listed(by_verdict["open"]) if by_verdict["open"] else "<p>Nothing is left.</p>")
    )


def _unreproduced(claim: Claim, record: Record | None) -> str:
    reason = claim.correction
    if reason is None:
        raise ValueError(f"{claim.id}: verdict {claim.verdict!r} needs a correction that tells why")
    about = html.escape(typographic(f"{SOURCES[claim.paper]}, {claim.where}"), quote=False)
    return (
        f'<section class="correction claim-{claim.verdict}" id="unreproduced-{claim.anchor.removeprefix("claim-")}">'
        f"<h3>{typeset_words(claim.item)}</h3>"
        f'<p class="correction-where">{about} · <code>{claim.id}</code> · {linked(claim, "the check")}</p>'
        f"<p>{prose(claim.statement)}</p><p><strong>{prose(reason.statement)}</strong></p>"
        f"{_correction_table(claim, reason, record)}<p>{prose(reason.argument)}</p></section>"
    )


def _listed(claims: Iterable[Claim]) -> str:
    items = (
        f"<li>{linked(claim, typeset_words(f'{SOURCES[claim.paper]}, {claim.item}'))} <code>{claim.id}</code>: "
        f"{prose(claim.statement)}</li>"
        for claim in claims
    )
    return f'<ul class="unreproduced">{"".join(items)}</ul>'
