"""How chapters read: short shown cells, the rest folded, honest minutes."""

from __future__ import annotations

import re

import jupytext
import pytest

from compendium import paths
from compendium.build.plan import Plan
from compendium.pages import reading

PARTS = ("ladder", "fine-tuning", "joint-exogeneity", "counterfactuals", "super-confounding", "together")
CHAPTERS = {
    f"{part}/{file.stem}": file.read_text(encoding="utf-8")
    for part in PARTS
    for file in sorted((paths.BOOK / part).glob("*.md"))
}
MOST_IN_ALL = 2700  # shown lines of the whole book
MOST_CHECKED = 1960  # lines in which the claims of the four papers are checked


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_shown_cell_is_short_and_narrow(chapter: str) -> None:
    for cell in reading.shown(CHAPTERS[chapter]):
        assert cell.lines <= reading.MOST_LINES, cell.code
        assert cell.width <= reading.MOST_COLUMNS, cell.code


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_chapter_shows_few_lines_of_code(chapter: str) -> None:
    assert sum(cell.lines for cell in reading.shown(CHAPTERS[chapter])) <= reading.MOST_SHOWN


def test_the_book_shows_few_lines_of_code() -> None:
    assert sum(cell.lines for text in CHAPTERS.values() for cell in reading.shown(text)) <= MOST_IN_ALL


def test_the_checks_of_the_papers_are_short() -> None:
    papers = [text for chapter, text in CHAPTERS.items() if not chapter.startswith("together/")]
    checks = [cell.lines for text in papers for cell in reading.cells(text) if cell.folded == "claim"]
    assert sum(checks) <= MOST_CHECKED


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_chapter_is_read_in_half_an_hour(chapter: str) -> None:
    assert reading.minutes(CHAPTERS[chapter]) <= reading.LONGEST


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_chapter_asks_its_reader_to_predict(chapter: str) -> None:
    assert 2 <= len(re.findall(r"^:{3,}\{predict\}", CHAPTERS[chapter], re.M)) <= 4


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_question_and_its_answer_stand_in_one_cell_of_the_notebook(chapter: str) -> None:
    cells = jupytext.reads(CHAPTERS[chapter], fmt="md:myst").cells
    assert all(cell.source.count("{predict}") <= len(re.findall(r"^\*\*\*$", cell.source, re.M)) for cell in cells)


CELLS = """
```{code-cell} ipython3
shown = 1
```
```{code-cell} ipython3
:tags: [claim, hide-input]

check("wz:eq1", {})
```
```{code-cell} ipython3
---
mystnb:
  figure:
    name: f
tags: [hide-input]
---
figures.save()
```
"""


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_no_check_and_no_drawing_of_a_figure_is_shown(chapter: str) -> None:
    for cell in reading.shown(CHAPTERS[chapter]):
        assert not re.search(r"\bledger\.(check|ensure)\(|\bfigures\.save\(", cell.code), cell.code


def test_checks_figures_and_what_says_so_are_folded_and_nothing_else() -> None:
    assert [cell.folded for cell in reading.cells(CELLS)] == ["", "claim", "figure"]
    assert [cell.code for cell in reading.shown(CELLS)] == ["shown = 1"]


def test_a_formula_a_check_and_a_shown_line_take_time_and_what_is_folded_takes_none() -> None:
    text = "word " * 130
    assert reading.minutes(text) == 1
    assert reading.minutes(text + "$$x$$" * 6) == 2
    assert reading.minutes(text + CELLS) == 2
    assert reading.minutes(text + "\n## Exercises\n" + "word " * 1000) == 1
    assert reading.minutes(text + "\n:::{dropdown} More\n" + "word " * 1000 + "\n:::\n") == 1
    assert reading.minutes(text + "\n:::{predict} What?\n" + "word " * 130 + "\n:::\n") == 3


def test_only_pages_that_show_the_ledger_wait_for_all_others() -> None:
    plan = Plan()
    assert set(plan.ledger_pages) == {slug for slug, page in plan.notebooks.items() if "ledger_pages" in page.text}
