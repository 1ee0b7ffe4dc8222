"""The ledger's pages as HTML."""

import html
import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser

import pytest

from compendium.claims import ledger
from compendium.claims.cards import derived_value, prose, typeset_words, value
from compendium.claims.ledger import Claim, Correction, Record
from compendium.pages.ledger_pages import corrections_html, ledger_html, link, load_records, unreproduced_html

CLAIM = Claim(
    id="wz:eq13",
    item="Eq. (13) <i>",
    where="Sec. 3",
    kind="number",
    statement="If $a<b$ & `c`",
    printed={"p": "0.5", "q": "0.2"},
    chapter="joint-exogeneity/quantum-violation",
    verdict="corrected",
    correction=Correction(statement="It is $1/4$.", argument="Because <so>.", values={"q": "0.25"}),
)
RECORD = Record(
    id="wz:eq13",
    verdict="corrected",
    how="exact",
    printed={"p": "0.5", "q": "0.2"},
    derived={"p": "1/2", "q": "1/4"},
    wrong=["q"],
    mutants=9,
    anchor="claim-wz-eq13",
)


class Balance(HTMLParser):
    """Raises where a tag is closed that is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in ("br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("records", [{}, {"wz:eq13": RECORD}], ids=["authored", "derived"])
@pytest.mark.parametrize("page", [ledger_html, corrections_html, unreproduced_html])
def test_pages_are_well_formed_and_say_whether_they_are_derived(page, records):
    text = page({"wz:eq13": CLAIM}, records)
    Balance(text)
    assert ("verdicts as authored" in text) == (not records)


def test_every_claim_has_one_row():
    claims = ledger.load()
    rows = re.findall(r'<tr id="row-(claim-[a-z0-9-]+)"', ledger_html(claims, {}))
    assert rows == [claim.anchor for claim in claims.values()]


def test_what_is_printed_and_what_is_true_instead_is_there_for_the_filter_to_find():
    for claim in ledger.load().values():
        words = html.unescape(re.search(r'data-words="([^"]*)"', ledger_html({claim.id: claim}, {}))[1])
        assert json.loads(words)[2] == claim.printed
        assert not claim.correction or claim.correction.statement in json.loads(words)[3]["statement"]


def test_counts_add_up_to_the_number_of_claims():
    claims = ledger.load()
    counts = ledger_html(claims, {}).split("</table>")[0]
    numbers = [[int(n) for n in re.findall(r"<td>(\d+)</td>", row)] for row in counts.split("<tr")[2:]]
    *verdicts, total = numbers
    assert [sum(column) for column in zip(*verdicts, strict=True)] == total
    assert all(sum(row[:-1]) == row[-1] for row in numbers)
    papers = ledger.of_papers(claims.values())
    assert total[-1] == len(papers)
    assert f"Beside them: {len(claims) - len(papers)} statements" in ledger_html(claims, {})


def test_an_open_claim_has_no_link_and_a_checked_one_leads_to_its_badge():
    assert link(CLAIM) == "../joint-exogeneity/quantum-violation.html#claim-wz-eq13"
    assert link(CLAIM.model_copy(update={"verdict": "open"})) is None
    assert link(CLAIM.model_copy(update={"chapter": "no/such-chapter"})) is None


def test_text_is_escaped_and_formulas_are_marked_for_mathjax():
    assert "<i>" not in ledger_html({"wz:eq13": CLAIM}, {})
    assert "\\(a&lt;b\\)" in prose(CLAIM.statement)
    assert "Because &lt;so&gt;." in corrections_html({"wz:eq13": CLAIM}, {})


def dollars(text: str) -> str:
    """With formulas between dollars."""
    return re.sub(r'<span class="math tex2jax_process">\\\((.*?)\\\)</span>', r"$\1$", text)


def bare(text: str) -> str:
    """Without the spans that keep a number on one line, without roles and heads."""
    text = re.sub(r'<span class="claim-number">(.*?)</span>', r"\1", text)
    return re.sub(r' (role|data-head)="[^"]*"', "", text)


def test_a_correction_shows_what_is_printed_what_is_true_and_what_was_derived():
    text = corrections_html({"wz:eq13": CLAIM}, {"wz:eq13": RECORD})
    assert '<th scope="row">q</th><td>0.2</td><td>0.25</td><td>1/4</td>' in bare(text)
    assert '<th scope="row">p</th>' not in text


LOST = CLAIM.model_copy(
    update={
        "verdict": "not-reproducible",
        "correction": Correction(statement="Nothing gives it.", argument="No seed is stated."),
    }
)


def test_what_is_lost_is_shown_with_its_reason_and_its_check():
    text = unreproduced_html({LOST.id: LOST}, {LOST.id: replace(RECORD, verdict="not-reproducible", wrong=["p"])})
    Balance(text)
    assert 'id="unreproduced-wz-eq13"' in text
    assert "Nothing gives it." in text
    assert "No seed is stated." in text
    assert '<th scope="row">p</th><td>0.5</td><td>–</td><td>1/2</td>' in bare(text)
    assert link(LOST) in text


def test_every_claim_that_is_modelled_or_open_is_listed_once_and_no_other():
    claims = ledger.load()
    listed = re.findall(r"<code>([a-z]+:[a-z0-9-]+)</code>", unreproduced_html(claims, {}))
    assert sorted(listed) == sorted(c.id for c in claims.values() if c.verdict not in ("confirmed", "corrected"))


def test_what_holds_in_many_cases_is_read_with_its_count_once_and_not_of_nothing():
    said = "147632*[(A₁ ⊥ ∅ | X₁), (A₁ ⊥ X₂ | X₁), (A₁ ⊥ X₂ | X₁)]"
    record = ledger.Record("pc:step2a", "confirmed", "exact", {}, {"required": said}, [], 0, "")
    assert derived_value(ledger.load()["pc:step2a"], record, "required") == "in 147,632 cases: (A₁ ⊥ X₂ | X₁)"


def test_many_independences_are_folded_behind_their_number():
    said = "60*[" + ", ".join(f"(A₁ ⊥ X{k} | Λ)" for k in range(7)) + "]"
    record = ledger.Record("pc:eq12", "confirmed", "exact", {}, {"implied": said}, [], 0, "")
    shown = derived_value(ledger.load()["pc:eq12"], record, "implied")
    assert "<summary>in 60 cases, 7 independences</summary>" in shown
    assert all(f"(A₁ ⊥ X{k} | Λ)" in shown for k in range(7))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("holds for all 16 values of x, y", "holds for all 16 values of $x$, $y$"),
        ("holds for all 6 values of which, x", "holds in all 6 cases"),
    ],
)
def test_over_what_something_was_checked_is_named_by_its_symbols_or_counted(said, shown):
    record = ledger.Record("wz:eq1", "confirmed", "exact", {}, {"p": said}, [], 0, "")
    assert dollars(derived_value(ledger.load()["wz:eq1"], record, "p")) == shown


def test_quotation_marks_open_and_close_whatever_stands_between_them():
    assert re.sub(r"<[^>]*>", "", prose('had "$b$ been $a$" and "`x`"')) == r"had “\(b\) been \(a\)” and “x”"
    assert prose("the outcomes' weights, if 'Bell's theorem' holds (88)'s way") == (
        "the outcomes’ weights, if ‘Bell’s theorem’ holds (88)’s way"
    )


def test_no_page_of_the_ledger_shows_a_formula_as_it_is_typed_or_a_name_with_an_underscore():
    claims = ledger.load()
    for claim in claims.values():
        for key, printed in claim.printed.items():
            shown = re.sub(r"<(span|code)\b.*?</\1>", "", typeset_words(key) + value(claim.paper, printed))
            assert not re.search(r"\w'*_\w|\*\*|\w\*\w|sqrt\(|~|card\(|\bP\(|'", shown), (claim.id, key, shown)


def test_a_formula_among_words_is_typeset_whole():
    assert dollars(typeset_words("f equals pi_V after f~")) == r"f equals $\pi_{V}$ after $\tilde{f}$"
    assert dollars(typeset_words("CI for P(B=0|do(A=1))")) == r"CI for $P(B=0 \mid \mathrm{do}(A=1))$"
    assert dollars(typeset_words("rho_A|C*rho_B|C")) == r"$\rho_{A|C}\,\rho_{B|C}$"
    assert dollars(typeset_words("P(b' = 1) of Bob's query")) == "$P(b' = 1)$ of Bob’s query"


def test_what_is_too_wide_for_a_table_is_folded_behind_its_size_and_nothing_is_left_out():
    wide = value("sfc", [[f"x_{i}{j}" for j in range(9)] for i in range(9)])
    assert "<summary>a matrix of 9 × 9</summary>" in wide
    assert all(f"x_{i}{j}" in wide for i in range(9) for j in range(9))
    assert value("sfc", [["0"] * 32] * 32) == "the zero matrix of 32 × 32"
    assert "<summary>a sum of 40 terms</summary>" in value("wz", " + ".join(f"q[0,{k}] - 2" for k in range(20)))


def test_nothing_lost_is_said():
    assert "Nothing so far" in unreproduced_html({CLAIM.id: CLAIM}, {})


def test_no_correction_is_said():
    assert "None so far" in corrections_html({}, {})


def test_records_are_read_as_the_pipeline_writes_them(tmp_path, monkeypatch):
    path = tmp_path / "ledger.json"
    record = replace(RECORD, chapter="joint-exogeneity/quantum-violation", seconds=0.5)
    path.write_text(json.dumps([asdict(record)]), encoding="utf-8")
    assert load_records(path) == {"wz:eq13": record}
    monkeypatch.setenv("COMPENDIUM_LEDGER", str(path))
    assert load_records() == {"wz:eq13": record}
    assert load_records(tmp_path / "none.json") == {}
