"""The ledger: what a claim may say, what a check finds, and what the chapters have to leave behind."""

import ast
import html.parser
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import nbformat
import numpy as np
import pytest
import sympy as sp
import yaml
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pydantic import ValidationError

from compendium import paths
from compendium.claims import cards, ledger
from compendium.claims.ledger import Claim, Correction, LedgerError, Record, examine
from compendium.claims.printed import ForAll
from compendium.claims.typeset import formula_tex
from compendium.claims.vocabulary import tex_names
from compendium.pages import formulas

BITS = (0, 1)
HALF = sp.Rational(1, 2)
x = sp.Symbol("x")


def claim(verdict: str = "confirmed", printed: dict[str, Any] | None = None, **more: Any) -> Claim:
    """A claim with an id of its own and nothing particular about it."""
    fields = {"id": "wz:test", "item": "Eq. (0)", "where": "Sec. 0", "kind": "number", "statement": "A statement."}
    fields |= {"printed": {"p": "0.5"} if printed is None else printed, "chapter": "part/slug", "verdict": verdict}
    return Claim.model_validate(fields | more)


def correction(**values: Any) -> dict[str, Any]:
    return {"statement": "It should read otherwise.", "argument": "Because.", "values": values}


# ── data/claims.yml ─────────────────────────────────────────────────────────────────────────────────────────────────

CLAIMS = ledger.load()


NUMBERED_OR_NAMED = {"wz": 25, "kang": 35, "pc": 49, "sfc": 126}  # sentences of the text come on top


def test_the_items_of_the_four_papers_are_there_in_the_order_of_the_papers() -> None:
    papers = [claim.paper for claim in CLAIMS.values()]
    assert Counter(papers) >= Counter(NUMBERED_OR_NAMED)
    assert papers == sorted(papers, key=list(ledger.SOURCES).index)


def test_a_theorem_of_the_book_is_confirmed_or_still_open() -> None:
    claim("confirmed", id="new:test")
    with pytest.raises(ValueError, match="confirmed or open, not 'modelled'"):
        claim("modelled", id="new:test")
    with pytest.raises(ValueError, match="confirmed or open, not 'corrected'"):
        claim("corrected", id="new:test", correction=correction(p="0.6"))


def stored(folder: Path, *claims: Claim) -> Path:
    file = folder / "claims.yml"
    file.write_text(yaml.safe_dump([c.model_dump(exclude_none=True) for c in claims]), encoding="utf-8")
    return file


def test_what_a_claim_rests_on_is_in_the_ledger(tmp_path: Path) -> None:
    ground, theorem = claim("confirmed"), claim("confirmed", id="new:theorem", uses=["wz:test"])
    assert ledger.load(stored(tmp_path, ground, theorem))["new:theorem"].uses == ["wz:test"]
    with pytest.raises(ledger.LedgerError, match="new:theorem uses wz:test, which is not an id"):
        ledger.load(stored(tmp_path, theorem))


def test_no_claim_rests_on_itself(tmp_path: Path) -> None:
    first = claim("confirmed", id="new:a", uses=["new:b"])
    second = claim("confirmed", id="new:b", uses=["new:a"])
    with pytest.raises(ledger.LedgerError, match="in a circle: new:"):
        ledger.load(stored(tmp_path, first, second))


def test_ids_and_anchors_are_unique() -> None:
    entries = yaml.load(paths.CLAIMS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    assert len({entry["id"] for entry in entries}) == len(entries) == len(CLAIMS)
    assert [entry["id"] for entry in entries] == list(CLAIMS)
    assert len({claim.anchor for claim in CLAIMS.values()}) == len(CLAIMS)


def test_every_claim_that_is_not_open_names_a_chapter_that_is_written() -> None:
    missing = {c.chapter for c in CLAIMS.values() if c.verdict != "open"} - {
        source.relative_to(paths.BOOK).with_suffix("").as_posix() for source in paths.BOOK.glob("*/*.md")
    }
    assert not missing


def test_the_claims_of_a_written_chapter_stand_in_it() -> None:
    for claim in CLAIMS.values():
        if claim.verdict != "open":
            text = (paths.BOOK / f"{claim.chapter}.md").read_text(encoding="utf-8")
            in_a_loop = claim.id.startswith("pc:eq") and re.search(r'check\(f"pc:eq\{\w+\}"', text) is not None
            assert f'"{claim.id}"' in text or in_a_loop


def test_only_the_papers_that_are_not_treated_yet_have_open_claims() -> None:
    assert {c.paper for c in CLAIMS.values() if c.verdict == "open"} <= {"kang", "pc", "sfc"}


def test_every_correction_changes_what_it_corrects() -> None:
    for claim in CLAIMS.values():
        for key, value in (claim.correction.values if claim.correction else {}).items():
            assert value != claim.printed[key], f"{claim.id}, {key}"


# ── the schema ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "xy:eq1"}, "id"),
        ({"id": "wz:Eq1"}, "id"),
        ({"id": "wz eq1"}, "id"),
        ({"kind": "lemma"}, "kind"),
        ({"verdict": "true"}, "verdict"),
        ({"printed": {}}, "printed"),
        ({"printed": {"p": 0.5}}, "0.5 should be a text in quotation marks"),
        ({"printed": {"p": None}}, "None should be a text"),
        ({"printed": {"p": {"q": "1"}}}, "should be a text"),
        ({"printed": {"p": [["1", 2]]}}, "2 should be a text"),
        ({"printed": {"p": ""}}, "'' should be a text"),
        ({"printed": {1: "1"}}, "valid string"),
        ({"chapter": "slug"}, "chapter"),
        ({"chapter": "part/slug.md"}, "chapter"),
        ({"chapter": "../slug"}, "chapter"),
        ({"chapter": "part/sub/slug"}, "chapter"),
        ({"item": ""}, "item"),
        ({"remark": "…"}, "remark"),
        ({"statement": None}, "statement"),
        ({"verdict": "corrected"}, "verdict 'corrected' needs a correction"),
        ({"verdict": "not-reproducible"}, "verdict 'not-reproducible' needs a correction"),
        ({"correction": correction(p="0.6")}, "verdict 'confirmed' takes no correction"),
        ({"verdict": "open", "correction": correction(p="0.6")}, "verdict 'open' takes no correction"),
        ({"verdict": "corrected", "correction": correction()}, "'corrected' needs values in its correction"),
        ({"verdict": "corrected", "correction": correction(q="1")}, "not printed: q"),
        ({"verdict": "corrected", "correction": correction(p=0.6)}, "0.6 should be a text"),
        ({"verdict": "corrected", "correction": {"statement": "…", "values": {"p": "1"}}}, "argument"),
        ({"verdict": "not-reproducible", "correction": correction(p="1")}, "'not-reproducible' takes no values"),
    ],
)
def test_a_malformed_claim_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        claim(**change)


def test_a_well_formed_claim_is_accepted() -> None:
    printed = {"a": "0.5", "b": True, "c": [["1", "x"], ["y", "2"]], "d": []}
    assert claim(printed=printed).printed == printed
    corrected = claim("corrected", correction=correction(p="0.6"))
    assert corrected.correction == Correction(**correction(p="0.6"))
    assert corrected.paper == "wz"
    assert corrected.anchor == "claim-wz-test"


def write(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "claims.yml"
    path.write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
    return path


def entry(**change: Any) -> dict[str, Any]:
    return claim().model_dump(exclude={"correction"}) | change


def test_claims_are_loaded_in_the_order_of_the_file_and_anew_when_it_changes(tmp_path: Path) -> None:
    ids = ["wz:b", "wz:a", "kang:c"]
    path = write(tmp_path, *(entry(id=id) for id in ids))
    assert list(ledger.load(path)) == ids
    ledger.load(path).clear()
    assert list(ledger.load(path)) == ids
    path = write(tmp_path, entry(id="wz:new"))
    assert list(ledger.load(path)) == ["wz:new"]


def test_a_malformed_file_is_refused_by_entry(tmp_path: Path) -> None:
    cases: list[tuple[Callable[[], Path], str]] = [
        (lambda: write(tmp_path, entry(), entry(kind="lemma", id="wz:bad")), r"claims\.yml, entry 'wz:bad': .*kind"),
        (lambda: write(tmp_path, entry(), entry()), r"claims\.yml: wz:test stands there twice"),
        (lambda: write(tmp_path, entry(), "text"), r"claims\.yml, entry number 2: "),  # type: ignore[arg-type]
        (lambda: write(tmp_path, {"kind": "number"}), r"claims\.yml, entry number 1: "),
    ]
    for make, message in cases:
        with pytest.raises(LedgerError, match=f"(?s){message}"):
            ledger.load(make())
    for text, message in (
        ("", "should be a list of claims"),
        ("wz:eq1: {}", "should be a list of claims"),
        ("- [", "claims.yml"),
        ("- id: wz:test\n  printed: {p: '1', q: '2', p: '3'}", "the key 'p' stands there twice"),
        ("- id: wz:test\n  id: wz:other", "the key 'id' stands there twice"),
    ):
        (tmp_path / "claims.yml").write_text(text, encoding="utf-8")
        with pytest.raises(LedgerError, match=message):
            ledger.load(tmp_path / "claims.yml")


# ── examine: verdicts ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["proof", "exact", "numeric", "statistical"])
def test_what_agrees_is_confirmed(how: ledger.Means) -> None:
    record = examine(claim(), {"p": HALF}, how=how)
    assert record == Record("wz:test", "confirmed", how, {"p": "0.5"}, {"p": "1/2"}, [], 2, "claim-wz-test")


def test_what_agrees_with_a_model_is_modelled() -> None:
    assert examine(claim("modelled"), {"p": 0.5}, how="model").verdict == "modelled"
    with pytest.raises(LedgerError, match="says confirmed, but every printed item agrees: the outcome is modelled"):
        examine(claim(), {"p": 0.5}, how="model")
    with pytest.raises(LedgerError, match="says modelled, but every printed item agrees: the outcome is confirmed"):
        examine(claim("modelled"), {"p": 0.5}, how="numeric")


def test_what_does_not_agree_is_not_confirmed() -> None:
    with pytest.raises(LedgerError, match=r"^wz:test: claims.yml says confirmed, but p: printed 0.5, derived 1/3$"):
        examine(claim(), {"p": sp.Rational(1, 3)}, how="proof")
    with pytest.raises(LedgerError, match=r"says confirmed, but b: printed true, derived false$"):
        examine(claim(printed={"a": "1", "b": True}), {"a": 1, "b": False}, how="proof")


def test_an_open_claim_is_not_checked_before_its_verdict_is_written() -> None:
    with pytest.raises(LedgerError, match="says open, but every printed item agrees: the outcome is confirmed"):
        examine(claim("open"), {"p": HALF}, how="proof")
    with pytest.raises(LedgerError, match=r"says open, but p: printed 0.5, derived 1"):
        examine(claim("open"), {"p": 1}, how="proof")


def test_a_correction_is_checked_too() -> None:
    two = {"p": "0.5", "q": "0.3"}
    corrected = claim("corrected", two, correction=correction(q="0.4"))
    record = examine(corrected, {"p": HALF, "q": sp.Rational(2, 5)}, how="exact")
    assert (record.verdict, record.wrong, record.mutants) == ("corrected", ["q"], 5)
    assert record.printed == two
    with pytest.raises(LedgerError, match=r"says corrected, but q: printed 0.3, corrected to 0.4, derived 1/5$"):
        examine(corrected, {"p": HALF, "q": sp.Rational(1, 5)}, how="exact")
    with pytest.raises(LedgerError, match="says corrected, but every printed item agrees"):
        examine(corrected, {"p": HALF, "q": sp.Rational(3, 10)}, how="exact")
    with pytest.raises(
        LedgerError, match=r"says corrected, but p: printed 0.5, derived 1; q: printed 0.3, corrected to"
    ):
        examine(corrected, {"p": 1, "q": sp.Rational(2, 5)}, how="exact")


def test_a_correction_of_something_right_is_refused() -> None:
    both = claim("corrected", {"p": "0.5", "q": "0.3"}, correction=correction(p="0.50", q="0.4"))
    with pytest.raises(LedgerError, match="says corrected"):
        examine(both, {"p": HALF, "q": sp.Rational(2, 5)}, how="exact")


def test_what_cannot_be_reproduced_differs_and_has_no_true_value() -> None:
    lost = claim("not-reproducible", {"p": "0.5", "q": "0.3"}, correction=correction())
    record = examine(lost, {"p": HALF, "q": 1}, how="numeric")
    assert (record.verdict, record.wrong, record.mutants) == ("not-reproducible", ["q"], 2)
    with pytest.raises(LedgerError, match="says not-reproducible, but every printed item agrees"):
        examine(lost, {"p": HALF, "q": sp.Rational(3, 10)}, how="numeric")


@given(st.sets(st.sampled_from("abcd")), st.sampled_from("abcd"))
def test_exactly_the_differing_keys_are_wrong(wrong: set[str], only: str) -> None:
    printed = {key: str(k) for k, key in enumerate("abcd")}
    derived = {key: int(value) + 10 * (key in wrong) for key, value in printed.items()}
    values = {key: str(derived[key]) for key in wrong}
    stated = claim("corrected", printed, correction=correction(**values)) if wrong else claim(printed=printed)
    record = examine(stated, derived, how="proof")
    assert set(record.wrong) == wrong
    assert record.verdict == ("corrected" if wrong else "confirmed")
    if wrong != {only}:
        with pytest.raises(LedgerError, match="says corrected"):
            examine(claim("corrected", printed, correction=correction(**{only: "99"})), derived, how="proof")


# ── examine: refusals ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_printed_item_has_to_be_derived_and_nothing_else() -> None:
    with pytest.raises(LedgerError, match=r"wz:test: nothing derived for \['p'\]; derived but not printed \['q'\]"):
        examine(claim(), {"q": 1}, how="proof")
    with pytest.raises(LedgerError, match=r"nothing derived for \['q'\]; derived but not printed —"):
        examine(claim(printed={"p": "0.5", "q": "1"}), {"p": HALF}, how="proof")


def test_the_means_are_five() -> None:
    assert get_args(ledger.Means) == ledger.MEANS
    assert ledger.VERDICTS == get_args(ledger.Verdict) == tuple(cards.MARKS)
    with pytest.raises(LedgerError, match="wz:test: how='belief' is none of proof, exact, numeric, statistical, model"):
        examine(claim(), {"p": HALF}, how="belief")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("printed", "derived", "message"),
    [
        ("0.5", True, "printed '0.5' should be a bool"),
        ("0.5", [HALF], "should be a list"),
        ("0.5", None, "no comparison is defined for a derived NoneType"),
        ("0.5", "0.5", "is a number"),
        ("0.5", float("nan"), "not a number"),
        ("x/2", 0.5, "is not defined"),
        ("tr(A)", HALF, "the name 'tr' is not defined"),
        ("1 +", HALF, "cannot be read"),
        ("> 0", x, "could not be decided"),
        ("1", ForAll(lambda a: {}[a], {"a": BITS}), "KeyError: 0"),
        ("1", ForAll(lambda b: 1, {"a": BITS}), "unexpected keyword argument 'a'"),
    ],
)
def test_what_cannot_be_compared_names_claim_and_key(printed: Any, derived: object, message: str) -> None:
    with pytest.raises(LedgerError, match=f"^wz:test, 'p': .*{message}"):
        examine(claim(printed={"p": printed}), {"p": derived}, how="proof")


def test_a_formula_that_fails_says_where() -> None:
    stated = claim(printed={"p": "a + b"})
    with pytest.raises(LedgerError, match=r"printed a \+ b, derived 2 for a=1, b=0"):
        examine(stated, {"p": ForAll(lambda a, b: 2 * a + b, {"a": BITS, "b": BITS})}, how="proof")


def test_the_record_of_what_cannot_be_reproduced_does_not_say_that_it_holds() -> None:
    lost = claim("not-reproducible", {"p": "a + b"}, correction=correction())
    record = examine(lost, {"p": ForAll(lambda a, b: 2 * a + b, {"a": BITS, "b": BITS})}, how="proof")
    assert record.derived == {"p": "2 for a=1, b=0"}


# ── examine: a check that cannot fail ───────────────────────────────────────────────────────────────────────────────


class Anything(sp.Symbol):
    """A derived value that equals whatever it is compared with."""

    _op_priority = 1000

    def __sub__(self, other: object) -> sp.Expr:
        return sp.Integer(0)

    __rsub__ = __sub__


@pytest.mark.parametrize(
    ("printed", "derived", "names"),
    [
        ("f(a, b)", ForAll(lambda a, b: 0, {"a": BITS, "b": BITS}), {"f": lambda *_: 0}),
        ("f(a, b)", ForAll(lambda a, b: x, {"a": (0,), "b": (0,)}), {"f": lambda a, b: x + a - b}),
        ("a**2", ForAll(lambda a: a, {"a": BITS}), {}),
        ("p + q", x, {"p": x, "q": 0}),
        ("p/2", Anything("any"), {"p": x}),
    ],
)
def test_a_check_that_cannot_fail_is_refused(printed: str, derived: object, names: dict[str, object]) -> None:
    """Names that are constant, indices that run over too little, a value that equals everything."""
    with pytest.raises(LedgerError, match=r"^wz:test, 'p': the check also accepts .* free symbols, indices"):
        examine(claim(printed={"p": printed}), {"p": derived}, how="proof", names=names)


@pytest.mark.parametrize(
    ("printed", "derived", "names"),
    [
        ("f(a, b)", ForAll(lambda a, b: a - 2 * b, {"a": BITS, "b": BITS}), {"f": lambda a, b: a - 2 * b}),
        ("a**2", ForAll(lambda a: a * a, {"a": (0, 1, 2)}), {}),
        ("p + q", x + 1, {"p": x, "q": 1}),
        ("f(1) - f(0)", 1, {"f": lambda k: [x, x + 1][int(k)]}),
        ("p - q", 0, {"p": x, "q": x}),
        ("A*B + B*A", sp.zeros(2), {"A": sp.Matrix([[0, 1], [1, 0]]), "B": sp.diag(1, -1)}),
        ("<= 2", 2, {}),
        ("0.12", sp.Rational(1, 8), {}),
        ("0", 0, {}),
        ("1/p", 1 / x, {"p": x}),
    ],
)
def test_a_check_that_can_fail_is_accepted(printed: str, derived: object, names: dict[str, object]) -> None:
    record = examine(claim(printed={"p": printed}), {"p": derived}, how="proof", names=names)
    assert record.mutants >= 1


def test_an_alteration_without_meaning_counts_as_refused() -> None:
    """An index out of range, a division by zero, a sum of matrix and number, what a name refuses."""

    def strict(k: sp.Integer) -> sp.Expr:
        if k not in BITS:
            raise ValueError(f"k={k}")
        return [x, x + 1][int(k)]

    for formula, derived, names in (
        ("f(1)", x + 1, {"f": strict}),
        ("f(1)", 1, {"f": lambda k: 1 // (2 - int(k))}),
        ("f(1)", x, {"f": lambda k: {1: x}[int(k)]}),
        ("A + B", sp.eye(2) * 2, {"A": sp.eye(2), "B": sp.eye(2)}),
    ):
        assert examine(claim(printed={"p": formula}), {"p": derived}, how="proof", names=names).mutants >= 1


def test_mutants_are_those_of_the_correction_where_there_is_one() -> None:
    corrected = claim("corrected", {"p": "0.5", "q": "0.3"}, correction=correction(q="0.4"))
    assert list(ledger.alterations(corrected, {"p": HALF, "q": sp.Rational(2, 5)})) == [
        ("p", "0.7"), ("p", "-0.5"), ("q", "0.6"), ("q", "-0.4"),
    ]  # fmt: skip


def test_every_printed_value_of_the_ledger_can_be_altered() -> None:
    """Nothing is printed in the four papers of which a check could not be put to the test."""

    def some_derived(printed: Any) -> object:
        if isinstance(printed, list):
            return [some_derived(item) for item in printed]
        return True if isinstance(printed, bool) else "text"

    for stated in CLAIMS.values():
        derived = {key: some_derived(value) for key, value in stated.printed.items()}
        altered = list(ledger.alterations(stated, derived))
        assert {key for key, _ in altered} == set(stated.printed)
        true = stated.printed | (stated.correction.values if stated.correction else {})
        assert all(value != true[key] for key, value in altered)


# ── card ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Tags(html.parser.HTMLParser):
    """Collects the tags of some HTML, checks that they are nested, and keeps the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.seen: Counter[str] = Counter()
        self.text = ""
        self.feed(text)
        assert not self.opened

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.opened.append(tag)
        self.seen[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


EVIL = "a <script>alert('&')</script> \"quoted\""


def test_a_card_escapes_everything_that_was_written_by_hand() -> None:
    stated = claim(
        "corrected",
        {EVIL: EVIL, "b": [EVIL]},
        item=EVIL,
        correction=correction(b=["other" + EVIL]) | {"statement": EVIL, "tex": "a<b"},
        tex="<script>",
    )
    record = examine(stated, {EVIL: EVIL, "b": {"other" + EVIL}}, how="proof")
    tags = Tags(cards.card(stated, record))
    assert "script" not in tags.seen
    assert (
        tags.text.count(cards.typographic(EVIL)) == 8
    )  # item, correction, key, twice the first row, three times the second
    assert tags.seen["tr"] == 3


def test_a_card_says_what_was_printed_what_was_derived_by_which_means_and_the_verdict() -> None:
    stated = claim("corrected", {"p": "0.5", "q": "0.3"}, correction=correction(q="0.4"))
    record = examine(stated, {"p": HALF, "q": sp.Rational(2, 5)}, how="exact")
    text = Tags(cards.card(stated, record)).text
    for part in ("corrected, in exact arithmetic", "Eq. (0)", "wz:test", "0.3", "2/5", "should read 0.4", "agrees"):
        assert part in text
    assert 'id="claim-wz-test"' in cards.card(stated, record)
    said = "✎ Wang & Zhang, Eq. (0) (wz:test): corrected, in exact arithmetic; 1 of 2 printed values holds"
    assert cards.plain(stated, record) == said


def test_a_card_shows_the_printed_formula_typeset_and_what_is_true_instead() -> None:
    stated = claim("corrected", {"p": "0.5"}, correction=correction(p="0.4") | {"tex": "p=2/5"}, tex="p=1/2")
    shown = cards.card(stated, examine(stated, {"p": sp.Rational(2, 5)}, how="exact"))
    assert shown.index(r"\[p=1/2\]") < shown.index(r"\[p=2/5\]") < shown.index("<details")


# ── typeset ─────────────────────────────────────────────────────────────────────────────────────────────────────────

PHRASES = {"two-sided", "do-interventional"}  # words that read as a difference
UPRIGHT = {"in", "out", "id", "imp", "Pa", "Nd", "Ch", "CNOT", "users"}  # words that are meant to stand in formulas


def strings(transcription: object) -> Iterator[str]:
    """All texts in a transcription."""
    for item in transcription if isinstance(transcription, list) else []:
        yield from strings(item)
    if isinstance(transcription, str):
        yield transcription


def is_formula(text: str) -> bool:
    """Whether a text has the form of a formula with an operation in it."""
    try:
        tree = ast.parse(text.lstrip("<>=~ "), mode="eval")
    except SyntaxError:
        return False
    return text not in PHRASES and any(isinstance(node, ast.Call | ast.BinOp) for node in ast.walk(tree))


def transcribed(stated: Claim) -> Iterator[str]:
    """The texts of a claim's transcriptions and of their corrections."""
    for values in (stated.printed, stated.correction.values if stated.correction else {}):
        yield from strings(list(values.values()))


def test_every_transcription_that_is_a_formula_is_typeset_and_none_shows_a_word_of_the_transcribers() -> None:
    for stated in CLAIMS.values():
        for text in filter(is_formula, transcribed(stated)):
            tex = formula_tex(text, tex_names(stated.paper))
            assert tex, f"{stated.id}: {text}"
            assert set(re.findall(r"\\(?:mathrm|mathit){(\w+)}", tex)) <= UPRIGHT | {"CS", "CH"}, f"{stated.id}: {tex}"
            shown = cards.value(stated.paper, text)
            assert shown.startswith('<span class="math') or cards.PLAIN.fullmatch(text), f"{stated.id}: {text}"


def test_every_equation_and_every_correction_of_a_formula_is_there_typeset() -> None:
    for stated in CLAIMS.values():
        assert stated.tex or stated.kind != "equation", stated.id
        if stated.correction and any(map(is_formula, strings(list(stated.correction.values.values())))):
            assert stated.correction.tex, stated.id


def test_a_vocabulary_prefers_the_signature_that_says_most() -> None:
    names = {"f(_, _)": "any {0} {1}", "f(i, _)": "first {1}", "f(_)": "one {0}"}
    shown = [formula_tex(text, names) for text in ("f(a, b)", "f(i, b)", "f(b)", "f(a, b, c)", "foo(a)")]
    assert shown == ["any a b", "first b", "one b", r"f\left(a, b, c\right)", None]


def test_sums_and_products_keep_their_scope() -> None:
    assert formula_tex("Sum(a + b, i)") == r"\sum_{i} \left(a + b\right)"
    assert formula_tex("Product(a(i), (i, 1, n))*b") == r"\left(\prod_{i=1}^{n} a\left(i\right)\right)\,b"
    assert formula_tex("sum_over(i, j, prod_over(k, a*b))") == r"\sum_{i, j} \prod_{k} a\,b"


def test_mathjax_reads_every_formula_of_the_ledger() -> None:
    """With the macros of the book."""
    said = [formula_tex(text, tex_names(c.paper)) for c in CLAIMS.values() for text in transcribed(c)]
    for c in CLAIMS.values():
        texts = [c.statement, *([c.correction.statement, c.correction.argument] if c.correction else [])]
        said += [tex for text in texts for tex in cards.MATHS.findall(text)]
        said += [c.tex, c.correction.tex if c.correction else ""]
    config = yaml.safe_load((paths.ROOT / "_config.yml").read_text(encoding="utf-8"))
    settings = config["sphinx"]["config"]["mathjax3_config"]
    wanted = {rf"\[{tex}\]" for tex in said if tex}
    assert {*formulas.draw(sorted(wanted), settings)["drawn"]} == wanted
    with pytest.raises(formulas.FormulaError, match=r"Undefined control sequence \\undefinedMacro"):
        formulas.draw([r"\(\undefinedMacro{x}\)"], settings)


# ── check and collate ───────────────────────────────────────────────────────────────────────────────────────────────


def test_check_displays_the_card_with_the_record_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    ledger.check("wz:true-ace", {"ACE": sp.Integer(0)}, how="proof")
    (bundle,) = shown
    assert set(bundle) == {"text/plain", "text/html", ledger.MIME}
    record = Record(**bundle[ledger.MIME])
    assert record == examine(CLAIMS["wz:true-ace"], {"ACE": sp.Integer(0)}, how="proof")


def test_check_shows_nothing_that_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: pytest.fail("a card was shown"))
    with pytest.raises(LedgerError, match=r"wz:true-ace: claims.yml says confirmed, but ACE: printed 0, derived 1"):
        ledger.check("wz:true-ace", {"ACE": 1}, how="proof")
    with pytest.raises(LedgerError, match=r"wz:no-such-item is not an id of claims.yml"):
        ledger.check("wz:no-such-item", {}, how="proof")


def notebook(*records: Record | dict[str, Any], seconds: float | None = 1.5) -> nbformat.NotebookNode:
    """An executed notebook with one cell a record, among cells that are none of the ledger's business."""
    cells = [new_markdown_cell("text"), new_code_cell("1", outputs=[new_output("execute_result", {"text/plain": "1"})])]
    for record in records:
        data = record if isinstance(record, dict) else asdict(record)
        outputs = [new_output("stream", text="…"), new_output("display_data", {ledger.MIME: data, "text/plain": "✓"})]
        cells.append(new_code_cell("check", outputs=outputs, metadata={"papermill": {"duration": seconds}}))
    made = new_notebook(cells=cells)
    return nbformat.reads(nbformat.writes(made), as_version=4)  # as it comes from disk


def record_of(stated: Claim) -> Record:
    return examine(stated, {"p": HALF}, how="exact")


FIRST, SECOND = claim(id="wz:first"), claim(id="wz:second", chapter="part/other")
OPEN = claim("open", id="kang:later", chapter="part/unwritten")
ALL = {c.id: c for c in (FIRST, OPEN, SECOND)}


def test_collate_reads_back_what_was_examined_in_the_order_of_the_claims() -> None:
    notebooks = {"part/other": notebook(record_of(SECOND)), "part/slug": notebook(record_of(FIRST), seconds=None)}
    assert ledger.collate(notebooks, ALL) == [
        replace(record_of(FIRST), chapter="part/slug", seconds=0.0),
        replace(record_of(SECOND), chapter="part/other", seconds=1.5),
    ]


def test_records_survive_the_notebook_whatever_was_derived() -> None:
    """Only texts and numbers are recorded, so that the ledger is JSON whatever object a chapter hands over."""
    printed = {"a": ["a", "b"], "b": "x + k", "c": [["1.0", "0.0"], ["0.0", "1.0"]], "d": True}
    derived = {"a": {"a", "b"}, "b": ForAll(lambda k: x + k, {"k": BITS}), "c": np.eye(2), "d": np.bool_(True)}
    stated = claim(printed=printed, id="wz:first")
    record = examine(stated, derived, how="numeric", names={"x": x})
    (back,) = ledger.collate({"part/slug": notebook(record)}, {"wz:first": stated})
    assert back == replace(record, chapter="part/slug", seconds=1.5)


@pytest.mark.parametrize(
    ("notebooks", "message"),
    [
        ({}, "wz:first is confirmed in claims.yml, but part/slug does not check it"),
        ({"part/slug": [FIRST]}, "wz:second is confirmed in claims.yml, but part/other does not check it"),
        ({"part/slug": [FIRST, FIRST]}, "wz:first is recorded twice, in part/slug and part/slug"),
        ({"part/other": [FIRST]}, "wz:first belongs to part/slug, but part/other records it"),
        ({"part/slug": [claim(id="wz:third")]}, "part/slug records wz:third, which is not an id"),
    ],
)
def test_the_chapters_record_every_claim_once_and_where_it_belongs(
    notebooks: dict[str, list[Claim]], message: str
) -> None:
    executed = {chapter: notebook(*map(record_of, stated)) for chapter, stated in notebooks.items()}
    with pytest.raises(LedgerError, match=message):
        ledger.collate(executed, ALL)


def test_a_record_with_another_verdict_than_the_claim_is_refused() -> None:
    stale = replace(record_of(FIRST), verdict="modelled")
    with pytest.raises(LedgerError, match=r"wz:first is confirmed in claims.yml, but was recorded as modelled"):
        ledger.collate({"part/slug": notebook(stale)}, ALL)
    early = replace(record_of(FIRST), id="kang:later")
    with pytest.raises(LedgerError, match=r"kang:later is open in claims.yml, but was recorded as confirmed"):
        ledger.collate({"part/unwritten": notebook(early)}, ALL)


def test_a_record_of_another_form_is_refused() -> None:
    with pytest.raises(LedgerError, match="part/slug: a record has another form than this ledger's"):
        ledger.collate({"part/slug": notebook({"id": "wz:first", "outcome": "fine"})}, ALL)


def test_open_claims_need_no_record() -> None:
    assert ledger.collate({}, {OPEN.id: OPEN}) == []


def test_a_statement_that_does_not_hold_stops_the_chapter_and_one_in_the_wrong_place_too() -> None:
    ledger.ensure("two is even", 2 % 2 == 0)
    with pytest.raises(ArithmeticError, match="three is even"):
        ledger.ensure("three is even", 3 % 2 == 0)
    with pytest.raises(TypeError, match="False should be a text"):
        ledger.ensure(3 % 2 == 0, "three is even")  # type: ignore[arg-type]
