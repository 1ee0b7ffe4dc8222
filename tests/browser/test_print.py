"""The printed book: every formula, claim and explorable is in it, and a reader finds the way through it.

A few pages stand for all: the whole takes minutes (``make pdf``).
"""

import json
import re

import chromium
import pytest
from published_book import PLAN
from pypdf import PdfReader

from compendium.build import pdf
from compendium.pages import formulas

PAGES = {"explore", "ladder/bell", "reference/citing"}


@pytest.fixture(scope="module")
def chromium_or_skip() -> None:
    chromium.needed()


@pytest.fixture(scope="module")
def printed(chromium_or_skip, book, tmp_path_factory) -> PdfReader:
    """The printed book of some pages."""
    file = tmp_path_factory.mktemp("print") / "book.pdf"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "LEFT_OUT", tuple(slug for slug in PLAN.pages if slug not in PAGES))
        patch.setattr(pdf, "pdf_file", lambda plan: file)
        return PdfReader(pdf.make_pdf(PLAN))


@pytest.fixture(scope="module")
def text(printed) -> str:
    return " ".join(" ".join(page.extract_text() for page in printed.pages).split())


def bare(text: str) -> str:
    """A text without what its extraction from a PDF may lose: spaces, and lines below the line."""
    return re.sub(r"[\s_]", "", text)


def titles(outline: list) -> list[str]:
    """The words of all bookmarks."""
    return [t for item in outline for t in (titles(item) if isinstance(item, list) else [item.title])]


def test_it_says_by_whom_it_is_and_what_it_is_about(printed):
    about = printed.metadata
    assert all([about.title, about.author, about.subject, about["/Keywords"]])
    assert printed.trailer["/Root"]["/Lang"] == "en"


def test_pages_are_labelled_as_they_are_printed(printed):
    assert printed.page_labels[:3] == ["Cover", "2", "3"]
    assert printed.page_labels[-1] == str(len(printed.pages))


def test_bookmarks_are_the_headings_each_said_once(printed):
    found = titles(printed.outline)
    assert {"Explore", "Exercises", "How to cite"} <= set(found)
    assert [title for title in found if re.fullmatch(r"(.{2,}?)\1+", title)] == []


def test_the_source_of_each_formula_can_be_searched(text):
    page = (PLAN.html / "book/ladder/bell.html").read_text(encoding="utf-8")
    in_lines = [formula[2:-2] for formula in formulas.typed(formulas.as_typed(page)) if formula.startswith(r"\(")]
    assert len(in_lines) > 20
    found = bare(text)
    assert [formula for formula in in_lines if bare(formula) not in found] == []


def test_claims_are_open(text):
    records = json.loads(PLAN.ledger.read_text(encoding="utf-8"))
    shown = [record for record in records if record["chapter"] == "ladder/bell"]
    assert shown
    assert text.count("altered transcriptions were put to the same comparison") == len(shown)


def test_the_explorables_say_what_they_show_for_their_first_setting(text):
    """What is written below a picture comes from the script that draws it."""
    assert "more than any classical common cause can" in text
    assert re.search(r"Given a = .*would be . with probability", text)
