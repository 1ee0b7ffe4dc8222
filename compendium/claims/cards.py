"""A claim's card: the printed item typeset, the verdict in words, and folded, all that it was compared with."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
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
QUOTED = re.compile(r"(?<![\w)\0])'((?:[^']|(?<=\w)'(?=\w))+)'(?!\w)")  # other single marks are apostrophes
KEPT = re.compile(r"\$[^$]+\$|`[^`]+`")  # formulas and code in a sentence
MATHS = re.compile(r"\$([^$]+)\$")
PLAIN = re.compile(r"-?\d+(\.\d+)?(/\d+)?|[^\W\d_]+( \w+)+")  # what needs no typesetting
LONGEST_FORMULA = 240  # characters; a longer sum is folded
WIDEST_MATRIX = 8  # columns
MOST_INDEPENDENCES = 3  # that are listed in a cell; more are folded
LARGEST_MATRIX = 400  # characters in its entries
ARROWS = {"->": ("→", r" \to "), "<->": ("↔", r" \leftrightarrow ")}
SIGNS = {"->": "→", "<->": "↔", "!=": "≠", "<=": "≤", ">=": "≥"}
LETTER = {"lam": "λ", "lambda": "λ", "rho": "ρ", "tau": "τ", "sigma": "σ", "phi": "φ", "theta": "θ", "psi": "ψ"}
LETTER |= {"Lambda": "Λ", "Phi": "Φ", "Delta": "Δ", "Omega": "Ω"}
LETTERS = re.compile(rf"(?<![A-Za-z])({'|'.join(LETTER)})(?![A-Za-z])")
CODE = re.compile(r"`([^`]+)`")
BRACKETS = r"\((?:[^()]|\([^()]*\))*\)"  # with what is between them, one more pair at most
LETTER_NAME = r"[A-Za-z]+(?:~?'*_\w+'*|[~']+)(?:,(?:in|out)\b)?"  # with an index, a tilde or a prime
CHANNEL = r"rho_[A-Z]+\|[A-Z]+"  # the operator of a channel from what stands after the bar
TERM = rf"(?:(?:card|abs){BRACKETS}|{CHANNEL}|{LETTER_NAME}(?:{BRACKETS})?|[A-Z]{BRACKETS})"
TERMS = re.compile(rf"(?<![\w'|])(?:Sum_\w+'* )?{TERM}(?:\*{TERM})*(?![\w'])")  # formulas in words
TOKEN = re.compile(rf"{CHANNEL}|[A-Za-z]+\d*[~']*(?:_\w+'*)?(?:,(?:in|out)\b)?|->|!=|<=|>=|\||\*|\.\.\.")
TOKENS = {"->": r" \to ", "!=": r"\ne ", "<=": r"\le ", ">=": r"\ge ", "|": r" \mid ", "*": r"\,"}
TOKENS |= {"do": r"\mathrm{do}\,", "...": r"\dots"}
MINUS = re.compile(r"(?<=[(\[ ])-(?=[)\] ]|$)")
KET = re.compile(r"\|([\w+-]+)>")
FOR_ALL = re.compile(r"(holds for all [\d,]+) values of (\w+(?:, \w+)*)")
TERM_SIGNS = re.compile(r" [+-] (?![^(]*\))")  # between terms, not in brackets
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

    >>> prose("If $a<b$ then Bell's `x` & y")
    'If <span class="math tex2jax_process">\\\\(a&lt;b\\\\)</span> then Bell’s <code>x</code> &amp; y'
    """
    kept: list[str] = re.findall(KEPT, escaped := html.escape(text.strip(), quote=False))
    words = iter(typographic(KEPT.sub("\0", escaped)).split("\0"))
    whole = next(words) + "".join(part + following for part, following in zip(kept, words, strict=True))
    marked = MATHS.sub(r'<span class="math tex2jax_process">\\(\1\\)</span>', whole)
    return CODE.sub(r"<code>\1</code>", marked)


def typographic(words: str) -> str:
    """Words with the quotation marks and apostrophes of print.

    >>> typographic("a \\"local\\" model, Bell's 'theory'")
    'a “local” model, Bell’s ‘theory’'
    """
    pieces = QUOTED.sub(r"‘\1’", words).replace("'", "’").split('"')
    return pieces[0] + "".join("“”"[k % 2] + piece for k, piece in enumerate(pieces[1:]))


def wide(text: str, size: str) -> str:
    """What is too wide for a table, as code behind its size."""
    code = html.escape(re.sub(r"\bpi\b", "π", text.replace("'", "")), quote=False)
    return f'<details class="claim-wide"><summary>{size}</summary><code>{code}</code></details>'


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
    """A list of lists as a matrix, if it is one of formulas and not too wide; folded, if it is."""
    lists = [row for row in rows if isinstance(row, list)]
    if not lists or len(lists) < len(rows):
        return None
    names = tex_names(paper)
    entries = [[formula_tex(str(entry), names) for entry in row] for row in lists]
    too_wide = (
        max(map(len, lists)) > WIDEST_MATRIX or sum(len(str(entry)) for row in lists for entry in row) > LARGEST_MATRIX
    )
    if all(entry == "0" for row in entries for entry in row):
        return f"the zero matrix of {len(lists)} × {len(lists[0])}"
    if too_wide or any(entry is None for row in entries for entry in row):
        return wide(str(rows), f"a matrix of {len(lists)} × {max(map(len, lists))}")
    body = r" \\ ".join(" & ".join(map(str, row)) for row in entries)
    return inline(rf"\begin{{pmatrix}} {body} \end{{pmatrix}}")


def typeset_words(key: str) -> str:
    """Words, such as the key of a printed value, with Greek letters, and the formulas among them typeset.

    >>> typeset_words("tau(lam), by (24)"), typeset_words("sigma_Z < 1")
    ('τ(λ), by (24)', '<span class="math tex2jax_process">\\\\(\\\\sigma_{Z}\\\\)</span> &lt; 1')
    """
    return "".join(
        inline(_loose_tex(part)) if k % 2 else html.escape(_signs(part), quote=False)
        for k, part in enumerate(_parted(key))
    )


def _signs(words: str) -> str:
    """Words with Greek letters, arrows, relations, states and apostrophes as signs.

    >>> _signs("lam -> j != k, as |0> in Bell's")
    'λ → j ≠ k, as |0⟩ in Bell’s'
    """
    words = KET.sub(r"|\1⟩", re.sub("<->|->|!=|<=|>=", lambda typed: SIGNS[typed[0]], words))
    return LETTERS.sub(lambda name: LETTER[name[0]], MINUS.sub("−", typographic(words)))


def _parted(words: str) -> list[str]:
    """Words, and between them the formulas.

    >>> _parted("W~_i to S''_i, after (88)"), _parted("Alice's file_name"), _parted("CI for P(B=0|do(A=1))")
    (['', 'W~_i', ' to ', "S''_i", ', after (88)'], ["Alice's file_name"], ['CI for ', 'P(B=0|do(A=1))', ''])
    """
    names = [found for found in TERMS.finditer(words) if _is_formula(found[0])]
    ends = [0, *(end for found in names for end in found.span()), len(words)]
    return [words[start:end] for start, end in pairwise(ends)]


def _is_formula(term: str) -> bool:
    """Whether its name is a letter, of either alphabet, or a capital's word with an index, ``Pa_i``."""
    stem = re.split(r"[~'_(|]", term)[0]
    return term[0].isupper() or stem in ("card", "abs") or not name_tex(stem).startswith(r"\mathrm")


def _loose_tex(term: str) -> str:
    """A formula in words as TeX: names and relations typeset, all else as it stands.

    >>> _loose_tex("P_z'(b' | a' = -)"), _loose_tex("card(S~)"), _loose_tex("rho_A|C")
    ("P_{z'}(b' \\\\mid a' = -)", '|\\\\tilde{S}|', '\\\\rho_{A|C}')
    """
    if size := re.fullmatch(rf"(?:card|abs)({BRACKETS})", term):
        return f"|{_loose_tex(size[1][1:-1])}|"
    return TOKEN.sub(lambda token: TOKENS.get(token[0]) or _name_tex(token[0]), term).replace(r"\,(", "(")


def _name_tex(name: str) -> str:
    """A name as TeX: ``tau_tilde`` and ``W~_i`` with a tilde, a sum or trace over its index, else as it is said."""
    name, bar, given = name.partition("|")
    stem, tilde, index = name.replace("_tilde", "~").partition("~")
    if tilde:
        return rf"\tilde{{{name_tex(stem)}}}" + (f"_{{{index.strip('_')}}}" if index else "")
    if over := re.fullmatch(r"Sum_(\w+'*)", name):
        return rf"\sum_{{{over[1]}}}"
    if re.fullmatch("[A-Z]n", name):  # the last of X1, …, Xn
        return f"{name[0]}_n"
    bare = name.rstrip("'") if "_" in name else name
    tex = formula_tex(bare) or name_tex(bare)
    tex = f"{tex[:-1]}{name[len(bare) :]}}}" if bare != name else tex  # the prime is the index's
    return f"{tex[:-1]}|{given}}}" if bar else tex


def _formula(paper: str, text: str) -> str:
    """A formula or an arrow between two typeset, a number or words as text."""
    if PLAIN.fullmatch(text):
        number = f"{int(text):,}" if re.fullmatch(r"-?\d{5,}", text) else text
        return f'<span class="claim-number">{number.replace("-", "−")}</span>' if text[-1].isdigit() else text
    if len(text) > LONGEST_FORMULA:
        terms = len(re.split(TERM_SIGNS, text.lstrip("-")))
        return wide(text, f"a sum of {terms} terms") if terms > 1 else html.escape(text)
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
        f'<span class="claim-item">{typeset_words(title(claim))}</span> <span class="claim-dash">—</span> '
        f'<span class="claim-verdict">{verdict_words(record)}</span></p>{said}{correction}'
        f'<details class="claim-more"><summary>{_counted(record)}</summary>{_folded(claim, record)}</details></section>'
    )


def _folded(claim: Claim, record: Record) -> str:
    true = claim.correction.values if claim.correction else {}
    rows = "".join(_row(claim, key, record, key in true) for key in record.printed)
    statement = f"<p>{prose(claim.statement)}</p>" if claim.tex else ""
    table = values_table((word_for_printed(claim.id), "derived here", ""), rows)
    return (
        f'{statement}<div class="claim-table">{table}</div>'
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
    printed = value(claim.paper, claim.printed[key])
    return table_row(key, {word_for_printed(claim.id): printed, "derived here": derived, "": outcome}, differs)


def table_row(key: str, cells: Mapping[str, str], differs: bool) -> str:
    """A row of a claim's values: cells under their heads, which a phone shows before them, one cell below the other."""
    said = "".join(f'<td role="cell" data-head="{head}">{cell}</td>' for head, cell in cells.items())
    kind = "differs" if differs else "agrees"
    return f'<tr role="row" class="{kind}"><th scope="row" role="rowheader">{typeset_words(key)}</th>{said}</tr>'


def values_table(heads: Iterable[str], rows: str) -> str:
    """A claim's values; the roles say that it is a table where its rows are shown as blocks, too."""
    first = "".join(f'<th scope="col" role="columnheader">{head}</th>' for head in ("", *heads))
    head = f'<thead role="rowgroup"><tr role="row">{first}</tr></thead>'
    return f'<table role="table">{head}<tbody role="rowgroup">{rows}</tbody></table>'


def derived_value(claim: Claim, record: Record, key: str) -> str:
    """A derived value for people."""
    text = {"true": "yes", "false": "no"}.get(record.derived[key], record.derived[key])
    if everywhere := FOR_ALL.fullmatch(text):
        names = tex_names(claim.paper)
        symbols = [formula_tex(name, names) for name in everywhere[2].split(", ")]
        if all(tex and tex != "*" for tex in symbols):
            return f"{everywhere[1]} values of {', '.join(map(inline, filter(None, symbols)))}"
        return everywhere[1].replace("for", "in") + " cases"
    if held := HELD.fullmatch(text):
        said = dict.fromkeys(re.findall(r"\([^()]*\)", held[2]))  # once, and not of nothing
        independences = [s for s in said if "∅" not in s]
        if len(independences) > MOST_INDEPENDENCES:
            return wide(", ".join(independences), f"in {int(held[1]):,} cases, {len(independences)} independences")
        return f"in {int(held[1]):,} cases: {html.escape(', '.join(independences))}"
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
