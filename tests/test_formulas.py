"""Formulas that are set while the book is built: what is drawn, what stays as it was typed, what is kept."""

import json
import multiprocessing
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_book import PLAN

from compendium.pages import formulas

SETTINGS = {"tex": {"macros": {"ket": [r"\left|#1\right\rangle", 1]}}}
SAID = [r"\(x^2\)", r"\(a < b\)", r"\[\ket{0} = \frac{1}{2}\]", r"\(\text{a \"word\"}\)"]


@pytest.fixture(scope="module")
def drawings() -> dict:
    return formulas.draw(SAID, SETTINGS)


def test_a_formula_is_drawn_and_said_in_mathml(drawings):
    square = drawings["drawn"][r"\(x^2\)"]
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in square
    assert formulas.REFERRED.findall(square) == ["TEX-I-1D465", "TEX-N-32"]
    assert "<mo>&lt;</mo>" in drawings["drawn"][r"\(a < b\)"]
    assert {r for s in drawings["drawn"].values() for r in formulas.REFERRED.findall(s)} == {*drawings["glyphs"]}


def test_macros_are_those_of_the_settings_and_display_is_display(drawings):
    state = drawings["drawn"][r"\[\ket{0} = \frac{1}{2}\]"]
    assert "⟩" in state
    assert 'display="true"' in state
    assert 'display="true"' not in drawings["drawn"][r"\(x^2\)"]
    with pytest.raises(formulas.FormulaError, match=r"^Undefined control sequence \\kett in \\\(\\kett\\\)$"):
        formulas.draw([r"\(x\)", r"\(\kett\)"], {})


def test_what_cannot_be_read_is_told_by_another_process_too():
    with multiprocessing.get_context("spawn").Pool(1) as pool, pytest.raises(formulas.FormulaError, match="brace"):
        pool.apply(formulas.draw, ([r"\(\frac{1\)"], {}))


def test_a_page_has_each_outline_once_and_every_one_that_it_needs(drawings):
    page = "<html><head></head><body><p>\\(x^2\\) and \\(x^2\\), if \\(a &lt; b\\)</p></body></html>"
    shown = formulas.with_formulas(page, drawings["drawn"], drawings["glyphs"])
    defined = re.findall(r'<path id="([^"]*)"', shown)
    assert len(defined) == len({*defined})
    assert {*formulas.REFERRED.findall(shown)} == {*defined}
    assert shown.index("<path") < shown.index("<use"), "what is read first can be drawn first"
    assert formulas.typed(shown) == []


@pytest.mark.parametrize(
    "page",
    [
        r"<title>\(x^2\)</title>",
        r"<head><meta content='\(x^2\)'></head>",
        r"<code>\(x^2\)</code>",
        r"<pre class='x'><span>\(x^2\)</span></pre>",
        r"<script>\(x^2\)</script>",
        r"<img alt='\(x^2\)'>",
        r"<p>\(x^2</p><p>\)</p>",
    ],
)
def test_code_scripts_and_attributes_stay_as_they_are(page, drawings):
    if page.startswith("<title>"):
        page = f"<head>{page}</head>"
    assert formulas.typed(page) == []
    assert formulas.with_formulas(page, drawings["drawn"], drawings["glyphs"]) == page


PIECES = ["<p>", "</p>", " so ", ", then", r"\(x^2\)", r"\(a &lt; b\)", r"\[\ket{0} = \frac{1}{2}\]", "&amp;"]
PIECES += [
    r"<code>\(x^2\)</code>",
    r'<img alt="\(x^2\)">',
    '<span class="math">',
    "</span>",
    r"\(\text{a \&quot;word\&quot;}\)",
]


@given(st.lists(st.sampled_from(PIECES)))
def test_what_was_set_can_be_had_as_typed(drawings, pieces):
    page = f"<head></head><body>{''.join(pieces)}</body>"
    shown = formulas.with_formulas(page, drawings["drawn"], drawings["glyphs"])
    assert formulas.as_typed(shown) == page
    drawn, glyphs = formulas.already_set(shown)
    assert drawn == {formula: drawings["drawn"][formula] for formula in formulas.typed(page)}
    assert formulas.with_formulas(page, drawn, glyphs) == shown


def test_what_is_drawn_is_kept_until_the_settings_change(tmp_path, monkeypatch):
    asked = []
    draw = formulas.draw
    monkeypatch.setattr(formulas, "draw", lambda said, settings: asked.append(said) or draw(said, settings))
    file = tmp_path / "formulas.json"

    def drawings(*said: str, settings=SETTINGS) -> set[str]:
        return {*formulas.drawings([f"<p>{text}</p>" for text in said], file, settings)["drawn"]}

    assert drawings(r"\(x\)", r"\(y\)") == {r"\(x\)", r"\(y\)"}
    assert drawings(r"\(y\)", r"\(z\) \(z\)") >= {r"\(y\)", r"\(z\)"}
    assert drawings(r"\(z\)") >= {r"\(z\)"}
    assert asked == [[r"\(x\)", r"\(y\)"], [r"\(z\)"]]
    assert drawings(r"\(z\)", settings={}) == {r"\(z\)"}
    assert asked[2:] == [[r"\(z\)"]]


def test_what_is_no_longer_said_is_forgotten_when_something_is_drawn(tmp_path):
    file = tmp_path / "formulas.json"
    for said in (r"\(x\)", r"\(y\)"):
        formulas.drawings([said], file, {})
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert {*kept["drawn"]} == {r"\(y\)"}
    assert "TEX-I-1D465" not in kept["glyphs"]


def test_many_formulas_are_drawn_side_by_side_and_are_the_same(tmp_path):
    said = [rf"\(x_{{{number}}}\)" for number in range(2 * formulas.WORTHWHILE)]
    lists = []

    def several(function, parts):
        lists.extend(parts)
        return [function(part) for part in parts]

    together = formulas.drawings([" ".join(said)], tmp_path / "formulas.json", {}, several)
    assert [len(part) for part in lists] == [formulas.WORTHWHILE] * 2
    assert together["drawn"] == formulas.draw(said, {})["drawn"]


def test_every_formula_of_the_book_is_set(book):
    pages = [path.read_text(encoding="utf-8") for path in (PLAN.html / "book").rglob("*.html")]
    assert [formula for page in pages for formula in formulas.typed(page)] == []
    assert sum(len(formulas.SET.findall(page)) for page in pages) > 10_000
