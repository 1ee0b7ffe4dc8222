"""A claim's card: the printed item typeset, the verdict in words, and folded, all that it was compared with."""

from __future__ import annotations

import html
import re
from itertools import pairwise
from typing import Any

from compendium.claims.ledger import OWN, SOURCES, Claim, Means, Record, Verdict, load
from compendium.claims.typeset import formula_tex, name_tex
from compendium.claims.vocabulary import tex_names

MARKS: dict[Verdict, str] = {
    "confirmed": "✓",
    "corrected": "✎",
    "modelled": "◇",
    "not-reproducible": "∅",
    "open": "…",
}
HOLDS: dict[Means, str] = {
    "proof": "proved",
    "exact": "holds exactly",
    "numeric": "holds numerically",
    "statistical": "agrees with its sampling distribution",
    "model": "modelled",
}
BY: dict[Means, str] = {
    "proof": "by proof",
    "exact": "in exact arithmetic",
    "numeric": "numerically",
    "statistical": "by its sampling distribution",
    "model": "by a model",
}
MATHS = re.compile(r"\$([^$]+)\$")
PLAIN = re.compile(r"-?\d+(\.\d+)?(/\d+)?|\w+( \w+)+")  # what needs no typesetting
LONGEST_FORMULA = 240  # characters; what is longer stays as it is
WIDEST_MATRIX = 8  # columns
LARGEST_MATRIX = 400  # characters in its entries
ARROWS = {"->": ("→", r" \to "), "<->": ("↔", r" \leftrightarrow ")}
SIGNS = {"->": "→", "<->": "↔", "!=": "≠", "<=": "≤", ">=": "≥"}
LETTER = {"lam": "λ", "lambda": "λ", "rho": "ρ", "tau": "τ", "sigma": "σ", "phi": "φ", "theta": "θ", "psi": "ψ"}
LETTER |= {"Lambda": "Λ", "Phi": "Φ", "Delta": "Δ", "Omega": "Ω"}
LETTERS = re.compile(rf"(?<![A-Za-z])({'|'.join(LETTER)})(?![A-Za-z])")
CODE = re.compile(r"`([^`]+)`")
NAME = re.compile(r"(?<![\w'])(?:[A-Za-z]+'+(?:_\w+)?(?:,(?:in|out)\b)?|[A-Za-z]+_\w+'*)(?![\w'])")  # in words
HELD = re.compile(r"(\d+)\*(\(.*⊥.*\)|\[.*⊥.*\])")  # in how many cases, and what holds in them


def verdict_words(record: Record) -> str:
    """The verdict as a reader says it.

    >>> verdict_words(Record("wz:eq1", "confirmed", "proof", {}, {}, [], 0, "claim-wz-eq1"))
    'proved'
    """
    if record.verdict == "confirmed":
        return HOLDS[record.how]
    return f"corrected, {BY[record.how]}" if record.verdict == "corrected" else record.verdict.replace("-", " ")


def title(claim: Claim) -> str:
    """Paper and item of a claim.

    >>> from compendium.claims import ledger
    >>> title(ledger.load()["wz:eq4"])
    'Wang & Zhang, Eq. (4)'
    """
    source = SOURCES[claim.paper]
    return f"{source if claim.paper == OWN else source.rsplit(' ', 1)[0]}, {claim.item}"


def plain(claim: Claim, record: Record) -> str:
    """The card as one line of text."""
    return f"{MARKS[record.verdict]} {title(claim)} ({claim.id}): {verdict_words(record)}; {_counted(record)}"


def _counted(record: Record) -> str:
    total, agreeing = len(record.printed), len(record.printed) - len(record.wrong)
    said = word_for_printed(record.id)
    if total == 1:
        return f"the {said} value {'holds' if agreeing else 'does not hold'}"
    if total == agreeing:
        return f"{'both' if total == 2 else f'all {total}'} {said} values hold"
    return f"{agreeing or 'none'} of {total} {said} values {'holds' if agreeing < 2 else 'hold'}"


def word_for_printed(id: str) -> str:
    """What a paper says is printed; what this book says is stated.

    >>> word_for_printed("wz:eq4"), word_for_printed("new:thresholds")
    ('printed', 'stated')
    """
    return "stated" if id.startswith(f"{OWN}:") else "printed"


def inline(tex: str) -> str:
    """A formula in a line, for MathJax.

    >>> inline("a<b")
    '<span class="math tex2jax_process">\\\\(a&lt;b\\\\)</span>'
    """
    return rf'<span class="math tex2jax_process">\({html.escape(tex, quote=False)}\)</span>'


def displayed(tex: str) -> str:
    """A formula on a line of its own, for MathJax; nothing for no formula."""
    return (
        rf'<div class="math claim-tex tex2jax_process">\[{html.escape(tex.strip(), quote=False)}\]</div>' if tex else ""
    )


def prose(text: str) -> str:
    """A sentence of ``claims.yml`` as HTML: ``$…$`` for MathJax, backticks as code, all else escaped.

    >>> prose("If $a<b$ then `x` & y")
    'If <span class="math tex2jax_process">\\\\(a&lt;b\\\\)</span> then <code>x</code> &amp; y'
    """
    marked = MATHS.sub(r'<span class="math tex2jax_process">\\(\1\\)</span>', html.escape(text.strip(), quote=False))
    return CODE.sub(r"<code>\1</code>", marked)


def value(paper: str, transcription: object) -> str:
    """A transcription for people: a formula typeset, a matrix as one, words as words.

    >>> value("pc", ["A(i) -> B", "two-sided", "~ 1e-09"]).count("tex2jax"), value("pc", [True, "no confounding"])
    (2, 'yes, no confounding')
    """
    if isinstance(transcription, str):
        return _formula(paper, transcription)
    if isinstance(transcription, list):
        return _matrix(paper, transcription) or ", ".join(value(paper, entry) for entry in transcription) or "none"
    return "yes" if transcription is True else "no" if transcription is False else html.escape(str(transcription))


def _matrix(paper: str, rows: list[object]) -> str | None:
    """A list of lists as a matrix, if it is one of formulas and not too wide; as code, if it is."""
    lists = [row for row in rows if isinstance(row, list)]
    if not lists or len(lists) < len(rows):
        return None
    names = tex_names(paper)
    entries = [[formula_tex(str(entry), names) for entry in row] for row in lists]
    wide = (
        max(map(len, lists)) > WIDEST_MATRIX or sum(len(str(entry)) for row in lists for entry in row) > LARGEST_MATRIX
    )
    if wide or any(entry is None for row in entries for entry in row):
        return f"<code>{html.escape(str(rows).replace(chr(39), ''))}</code>"
    body = r" \\ ".join(" & ".join(map(str, row)) for row in entries)
    return inline(rf"\begin{{pmatrix}} {body} \end{{pmatrix}}")


def typeset_words(key: str) -> str:
    """Words, such as the key of a printed value, with Greek letters, and names with an index or a prime typeset.

    >>> typeset_words("tau(lam), by (24)"), typeset_words("sigma_Z < 1")
    ('τ(λ), by (24)', '<span class="math tex2jax_process">\\\\(\\\\sigma_{Z}\\\\)</span> &lt; 1')
    """
    return "".join(
        inline(str(_name_tex(part))) if k % 2 else html.escape(_signs(part)) for k, part in enumerate(_parted(key))
    )


def _signs(words: str) -> str:
    """Words with Greek letters, arrows and relations as signs.

    >>> _signs("lam -> j != k")
    'λ → j ≠ k'
    """
    words = re.sub("<->|->|!=|<=|>=", lambda typed: SIGNS[typed[0]], words)
    return LETTERS.sub(lambda name: LETTER[name[0]], words)


def _parted(words: str) -> list[str]:
    """Words, and between them the names that are formulas.

    >>> _parted("W~_i to S''_i, after (88)"), _parted("Alice's file_name")
    (['W~_i to ', "S''_i", ', after (88)'], ["Alice's file_name"])
    """
    names = [found for found in NAME.finditer(words) if _name_tex(found[0])]
    ends = [0, *(end for found in names for end in found.span()), len(words)]
    return [words[start:end] for start, end in pairwise(ends)]


def _name_tex(name: str) -> str | None:
    """A name in words as TeX: a letter with an index or a prime, or a capital's word with an index, ``Pa_i``."""
    bare = name.rstrip("'") if "_" in name else name
    tex = formula_tex(bare) or (name_tex(bare) if bare[0].isupper() else None)
    return tex and (f"{tex[:-1]}{name[len(bare) :]}}}" if bare != name else tex)  # the prime is the index's


def _formula(paper: str, text: str) -> str:
    """A formula or an arrow between two typeset, a number or words as text."""
    if PLAIN.fullmatch(text):
        return text.replace("-", "−")
    if len(text) > LONGEST_FORMULA:
        return html.escape(text)
    if arrow := re.fullmatch(r"(.+) (<?->) (.+)", text):
        sides = [formula_tex(arrow[k], tex_names(paper)) for k in (1, 3)]
        plain_arrow, tex_arrow = ARROWS[arrow[2]]
        known = [side for side in sides if side is not None]
        words = f"{arrow[1]} {plain_arrow} {arrow[3]}"
        return inline(tex_arrow.join(known)) if len(known) == len(sides) else html.escape(words)
    tex = formula_tex(text, tex_names(paper))
    return inline(tex) if tex else typeset_words(text)


def card(claim: Claim, record: Record) -> str:
    """The card as HTML."""
    correction = ""
    if claim.correction:
        correction = f"<p>{prose(claim.correction.statement)}</p>{displayed(claim.correction.tex)}"
    said = displayed(claim.tex) or f'<p class="claim-statement">{prose(claim.statement)}</p>'
    return (
        f'<section class="claim claim-{record.verdict}" id="{record.anchor}" aria-label="{html.escape(title(claim))}">'
        f'<p class="claim-head"><span class="claim-mark" aria-hidden="true">{MARKS[record.verdict]}</span> '
        f'<span class="claim-item">{html.escape(title(claim))}</span> <span class="claim-dash">—</span> '
        f'<span class="claim-verdict">{verdict_words(record)}</span></p>{said}{correction}'
        f'<details class="claim-more"><summary>{_counted(record)}</summary>{_folded(claim, record)}</details></section>'
    )


def _folded(claim: Claim, record: Record) -> str:
    true = claim.correction.values if claim.correction else {}
    rows = "".join(_row(claim, key, record, key in true) for key in record.printed)
    statement = f"<p>{prose(claim.statement)}</p>" if claim.tex else ""
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("", word_for_printed(claim.id), "derived here", ""))
    return (
        f'{statement}<div class="claim-table"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="claim-note">{record.mutants} altered transcriptions were put to the same comparison, '
        f'{BY[record.how]}; it refused them all. <code class="claim-id">{record.id}</code></p>{_ground(claim)}'
    )


def _ground(claim: Claim) -> str:
    """What a claim rests on, each with a link to its check; nothing if it names nothing."""
    if not claim.uses:
        return ""
    claims = load()
    links = ", ".join(
        f'<a href="../{claims[id].chapter}.html#{claims[id].anchor}">{html.escape(title(claims[id]))}</a>'
        for id in claim.uses
    )
    return f'<p class="claim-note claim-uses">It rests on {links}.</p>'


def _row(claim: Claim, key: str, record: Record, corrected: bool) -> str:
    differs = key in record.wrong
    if corrected and claim.correction:
        outcome = f"should read {value(claim.paper, claim.correction.values[key])}"
    else:
        outcome = "differs" if differs else "agrees"
    derived = derived_value(claim, record, key)
    cells = f"<td>{value(claim.paper, claim.printed[key])}</td><td>{derived}</td><td>{outcome}</td>"
    return f'<tr class="{"differs" if differs else "agrees"}"><th scope="row">{typeset_words(key)}</th>{cells}</tr>'


def derived_value(claim: Claim, record: Record, key: str) -> str:
    """A derived value for people."""
    text = {"true": "yes", "false": "no"}.get(record.derived[key], record.derived[key])
    if held := HELD.fullmatch(text):
        said = dict.fromkeys(re.findall(r"\([^()]*\)", held[2]))  # once, and not of nothing
        return f"in {int(held[1]):,} cases: {html.escape(', '.join(s for s in said if '∅' not in s))}"
    return value(claim.paper, _read(re.sub(r"√(\d+)", r"sqrt(\1)", text).replace("π", "pi")))


def _read(text: str) -> str | list[Any]:
    """A readable value as the text that it is, or as the list or set that is written out in it.

    >>> _read("[[1, f(0, x)], [0, 2]]"), _read("{A, B}"), _read("[a] + [b]")
    ([['1', 'f(0, x)'], ['0', '2']], ['A', 'B'], '[a] + [b]')
    """
    if text[:1] + text[-1:] not in ("[]", "{}"):
        return text
    parts, depth = [""], 0
    for piece in re.split(r"(, |[][(){}])", text[1:-1]):
        depth += (piece in ("(", "[", "{")) - (piece in (")", "]", "}"))
        if depth < 0:
            return text
        parts = [*parts, ""] if piece == ", " and not depth else [*parts[:-1], parts[-1] + piece]
    return [_read(part) for part in parts if part]
