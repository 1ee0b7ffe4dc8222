"""The book as a course: what every chapter has for a student, and what the syllabus and the notation table name."""

from __future__ import annotations

import io
import json
import os
import pkgutil
import re
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from compendium import paths
from compendium.build import takeaway
from compendium.build.plan import Plan, PlanError, toc_files
from compendium.claims import ledger
from compendium.pages import course
from compendium.pages.exercises import BLOCK, CODE, LABEL, exercises

PARTS = ("ladder", "fine-tuning", "joint-exogeneity", "counterfactuals", "super-confounding", "together")
CHAPTERS = sorted(
    file.relative_to(paths.BOOK).with_suffix("").as_posix()
    for part in PARTS
    for file in (paths.BOOK / part).glob("*.md")
)
KINDS = ("Recall", "Derive", "Compute", "Explore")
TEACHING = paths.BOOK / "course" / "teaching.md"
WEEKS = 6


@cache
def text(chapter: str) -> str:
    return (paths.BOOK / f"{chapter}.md").read_text(encoding="utf-8")


def blocks(chapter: str, kind: str) -> dict[str, re.Match[str]]:
    """Label → exercise or solution of a chapter."""
    found = [block for block in BLOCK.finditer(text(chapter)) if block["kind"] == kind]
    labels = [block["argument"].strip() if kind == "solution" else LABEL.search(block["body"])[1] for block in found]
    assert len(set(labels)) == len(labels)
    return dict(zip(labels, found, strict=True))


def prose(block: re.Match[str]) -> str:
    """What an exercise says, without its options."""
    return re.sub(r"\A(:\w+:.*\n)+", "", block["body"]).lstrip()


def kind(block: re.Match[str]) -> str:
    """Recall, Derive, Compute or Explore; else nothing."""
    said = re.match(r"\*(\w+)\.\*", prose(block))
    return said[1] if said else ""


@cache
def labels() -> frozenset[str]:
    """Every label that a reference may name."""
    pattern = re.compile(r"^\(([\w-]+)\)=$|^:(?:label|name): *(\S+)$|^ +name: *(\S+)$", re.M)
    return frozenset(
        name
        for file in paths.BOOK.rglob("*.md")
        for found in pattern.findall(file.read_text("utf-8"))
        for name in found
    )


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_opens_with_its_paper_what_it_needs_and_what_a_reader_can_do_afterwards(chapter: str) -> None:
    opening = re.search(r"^:::\{chapter\} ([^\n]+)\n:needs: ([^\n]+)\n\n(.+?)^:::$", text(chapter), re.M | re.S)
    assert opening, "no {chapter} below the title"
    assert len(re.split(r",\s|;\s|,?\sand\s|\n- ", opening[3])) >= 2, "one goal is no goals"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_exercises_of_every_kind_and_no_other(chapter: str) -> None:
    found = {label: kind(block) for label, block in blocks(chapter, "exercise").items()}
    assert set(found.values()) == set(KINDS), found


def test_every_exercise_has_a_title_of_its_own_and_no_number_that_an_insertion_would_shift() -> None:
    pages = [file.read_text(encoding="utf-8") for file in sorted(paths.BOOK.rglob("*.md"))]
    found = [block for page in pages for block in BLOCK.finditer(page) if block["kind"] == "exercise"]
    titles = [block["argument"].strip() for block in found]
    assert len(titles) > 100
    assert sorted(title.lower() for title in titles) == sorted({title.lower() for title in titles})
    assert [title for title in titles if not 2 <= len(title.split()) <= 5] == []
    assert [b["argument"] for b in found if ":nonumber:" not in b["body"].split("\n\n")[0].splitlines()[:3]] == []
    assert re.findall(r"\{numref\}`(?:[^`]*<)?((?:ex|fs)-[\w-]+|see-and-do-\w+)>?`", "".join(pages)) == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exercise_has_one_folded_solution(chapter: str) -> None:
    solutions = blocks(chapter, "solution")
    assert set(solutions) == set(blocks(chapter, "exercise"))
    for label, solution in solutions.items():
        assert solution["body"].startswith(":class: dropdown\n"), label
        assert prose(solution).strip(), label


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exercise_is_found_by_the_pattern_that_finds_it(chapter: str) -> None:
    directives = re.findall(r"^[`:]{3,}\{(?:exercise|solution)\}", text(chapter), re.M)
    assert len(directives) == len(blocks(chapter, "exercise")) + len(blocks(chapter, "solution"))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_computation_checks_itself_in_its_last_line(chapter: str) -> None:
    for label, block in blocks(chapter, "exercise").items():
        if kind(block) == "Compute":
            (template,) = CODE.findall(block["body"])
            assert "..." in template, f"{label} has no blank"
            assert re.fullmatch(rf'(\w+\.)?check_answer\("{label}"\)', template.splitlines()[-1]), label
            assert exercises()[label].chapter == chapter


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_imports_what_checks_its_exercises(chapter: str) -> None:
    imports = text(chapter).split("\n## ")[0]  # the cells of the opening
    templates = ["\n".join(CODE.findall(block["body"])) for block in blocks(chapter, "exercise").values()]
    called = set(re.findall(r'^((?:\w+\.)?check_answer)\("', "\n".join(templates), re.M))
    assert called
    for name in called:
        module = r"pages\.exercises import check_answer" if name == "check_answer" else r"pages import .*\bexercises"
        assert re.search(rf"from compendium\.{module}\b", imports), name


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_ends_with_what_to_read_next_and_that_exists(chapter: str) -> None:
    last = text(chapter).rstrip().rpartition("\n\n")[2]
    assert last.startswith("**Read next** {ref}`")
    targets = [target for _, target in re.findall(r"\{ref\}`(?:([^`<]*)<)?([\w-]+)>?`", last)]
    assert targets
    assert set(targets) <= labels()
    assert chapter_label(chapter) not in targets


def chapter_label(chapter: str) -> str:
    """The label of a chapter's title."""
    found = re.search(r"^\(([\w-]+)\)=\n# ", text(chapter), re.M)
    assert found, f"{chapter}: the title has no label"
    return found[1]


def weeks() -> list[str]:
    """The sections of the syllabus."""
    return re.findall(r"^### Week \d:.*?(?=^##)", TEACHING.read_text(encoding="utf-8"), re.M | re.S)


def test_the_syllabus_has_six_weeks_with_lectures_exercises_and_a_goal() -> None:
    assert len(weeks()) == WEEKS
    for week in weeks():
        rows = re.findall(r"^\| ([A-Z]\w+)", week, re.M)
        assert rows.count("Lecture") == 2
        assert "Exercises" in rows
        assert "*After it, a student* can" in week


def test_every_chapter_of_the_book_has_a_place_in_one_week_of_the_syllabus() -> None:
    placed = [
        set(re.findall(r"\{doc\}`\.\./([\w/-]+)`", re.sub(r"^\| To discuss.*$", "", w, flags=re.M))) for w in weeks()
    ]
    times = {chapter: sum(chapter in week for week in placed) for chapter in CHAPTERS}
    assert times == dict.fromkeys(CHAPTERS, 1)


def test_the_syllabus_names_only_what_there_is() -> None:
    said = TEACHING.read_text(encoding="utf-8")
    for target in re.findall(r"\{doc\}`([^`]+)`", said) + re.findall(r"\]\(([^)#:]+?)(?:\.md)?\)", said):
        assert (TEACHING.parent / f"{target}.md").resolve().is_file(), target
    named = set(re.findall(r"\{(?:numref|ref)\}`([\w-]+)`", said))
    assert named
    assert named <= labels()


def test_every_chapter_is_in_the_contents() -> None:
    contents = yaml.safe_load((paths.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [file.removeprefix("book/") for file in toc_files(contents)]
    assert len(set(listed)) == len(listed)
    assert set(CHAPTERS) <= set(listed)


LECTURES = sorted((paths.BOOK / "course").glob("lecture-*.md"))
SEMINAR = paths.BOOK / "course" / "seminar.md"
SHEETS = sorted((paths.BOOK / "course").glob("sheet-*.md"))


@pytest.mark.parametrize("lecture", LECTURES, ids=lambda path: path.stem)
def test_a_lecture_has_a_plan_and_notes_to_every_slide_that_fill_its_ninety_minutes(lecture: Path) -> None:
    source = lecture.read_text(encoding="utf-8")
    minutes = course.slides(source)
    assert source.count("{plan}") == 1
    assert all(1 <= m <= 12 for m in minutes), minutes
    assert 80 <= sum(minutes) <= 90, sum(minutes)
    assert len(minutes) >= 12


def test_the_seminar_fills_its_two_hours_as_the_syllabus_says() -> None:
    source = SEMINAR.read_text(encoding="utf-8")
    minutes = course.slides(source)
    assert all(1 <= m <= 12 for m in minutes), minutes
    assert 100 <= sum(minutes) <= 120, sum(minutes)
    table = TEACHING.read_text(encoding="utf-8").split("## A seminar of two hours")[1].split("## ")[0]
    assert timetable(source) == timetable(table)


def timetable(text: str) -> list[tuple[int, int]]:
    """The first and the last minute of each row of a table that begins with them."""
    return [(int(first), int(last)) for first, last in re.findall(r"^\| (\d+)–(\d+) \|", text, re.M)]


@pytest.mark.parametrize("deck", [*LECTURES, SEMINAR], ids=lambda path: path.stem)
def test_the_minutes_of_a_plan_are_those_of_its_slides(deck: Path) -> None:
    source = deck.read_text(encoding="utf-8")
    ends = list(accumulate(course.slides(source)))
    rows = timetable(source)
    assert (rows[0][0], rows[-1][1]) == (0, ends[-1])
    assert all(last == first for (_, last), (first, _) in pairwise(rows))
    assert {last for _, last in rows} <= set(ends)


@pytest.mark.parametrize("lecture", [*LECTURES, SEMINAR], ids=lambda path: path.stem)
def test_a_lecture_shows_pictures_and_claims_of_the_chapters(lecture: Path) -> None:
    source = lecture.read_text(encoding="utf-8")
    pictures = re.findall(r"^:::\{picture\} ([\w-]+/[\w-]+)/([\w-]+)$", source, re.M)
    assert len(pictures) == source.count("{picture}") >= 2
    for chapter, name in pictures:
        assert re.search(rf'\bout,\s+"{name}"', text(chapter)), f"{chapter} draws no {name}"
    titles = re.findall(r"^## (.+)$", source, re.M)
    assert len({title.lower() for title in titles}) == len(titles), "the address of a slide is its title"
    assert re.search(r"^:::\{claim\} (wz|kang|pc|sfc|new):", source, re.M)
    assert "slides.js" in source


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
def test_a_sheet_takes_three_to_four_hours_and_says_how_each_problem_is_marked(sheet: Path) -> None:
    source = sheet.read_text(encoding="utf-8")
    named = course.named_problems(source)
    assert source.count("{problem}") == source.count("{marking}") == len(named)
    found = course.problems(paths.BOOK)
    assert {found[label].kind for label, _, _ in named} == set(KINDS)
    assert 180 <= sum(minutes for *_, minutes in named) <= 240
    assert sum(points for _, points, _ in named) == 50
    assert all(found[label].solution for label, _, _ in named)
    assert not [label for label, _, _ in named if "{glue:" in found[label].statement + found[label].solution]


def test_every_week_has_a_sheet_on_its_own_chapters_and_no_problem_is_set_twice() -> None:
    named = [course.named_problems(sheet.read_text(encoding="utf-8")) for sheet in SHEETS]
    set_ = [label for problems in named for label, _, _ in problems]
    assert sorted(set(set_)) == sorted(set_)
    found = course.problems(paths.BOOK)
    for week, problems in zip(weeks(), named, strict=True):
        assert {label for label, _, _ in problems if f"../{found[label].chapter}`" not in week} == set()


def test_what_is_the_instructors_is_not_in_the_students_pages() -> None:
    student = Plan("paper", edition="student")
    source = "# L\n\n:::{notes} 3\nThe answer is 2.\n:::\n\n:::{marking}\nTwo points.\n:::\n"
    source += "\n## Plan\n\n:::{plan}\nAsk.\n:::\n"
    assert takeaway.for_edition(student, source).split() == ["#", "L"]
    assert "The answer" in takeaway.for_edition(Plan("paper"), source)
    with pytest.raises(PlanError, match="instructor"):
        takeaway.for_edition(student, ":::{notes} 3\nnot closed")


@pytest.mark.parametrize("page", sorted((paths.BOOK / "course").glob("*.md")), ids=lambda path: path.stem)
def test_no_page_of_the_course_gives_a_student_what_is_the_instructors(page: Path) -> None:
    source = page.read_text(encoding="utf-8")
    student = takeaway.for_edition(Plan("paper", edition="student"), source)
    blocks = re.findall(
        r"^(?P<fence>`{3,}|:{3,})\{(?:solution|marking|notes|plan)\}.*\n(?P<body>[\s\S]*?)^(?P=fence)$", source, re.M
    )
    lines = {line.strip() for _, body in blocks for line in body.splitlines() if len(line) > 40}
    assert not lines & {line.strip() for line in student.splitlines()}
    assert not re.search(r"\{(solution|marking|notes|plan)\}|\*Common mistake", student)
    kept = re.findall(r"^[`:]{3,}\{(?!solution|marking|notes|plan)[\w-]+\}.*$", source, re.M)
    assert [line for line in kept if line not in student] == []


def test_the_formula_sheet_shows_formulas_of_each_paper_and_every_one_is_checked() -> None:
    source = (paths.BOOK / "course" / "formula-sheet.md").read_text(encoding="utf-8")
    ids = re.findall(r"^:::\{formula\} (\S+)$", source, re.M)
    assert len(set(ids)) == len(ids) == source.count("{formula}")
    assert {id.partition(":")[0] for id in ids} == {"wz", "kang", "pc", "sfc"}
    for id in ids:
        link, formula = course.formula_html(id)
        assert f"#claim-{id.replace(':', '-')}" in link
        assert 'class="math' in formula
    with pytest.raises(ValueError, match="'kang:nothing' is not an id"):
        course.formula_html("kang:nothing")
    with pytest.raises(ValueError, match="has no formula"):
        course.formula_html(next(id for id, claim in ledger.load().items() if not claim.tex and not claim.correction))


def test_the_cards_are_those_of_every_chapter_in_the_order_of_the_book() -> None:
    shown = re.findall(r"^:::\{cards\} (\S+)$", (paths.BOOK / "course" / "cards.md").read_text(encoding="utf-8"), re.M)
    contents = yaml.safe_load((paths.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    order = [file.removeprefix("book/") for file in toc_files(contents)]
    assert shown == [chapter for chapter in order if chapter in CHAPTERS]
    assert [chapter for chapter in shown if not course.cards(text(chapter))] == []


@pytest.mark.parametrize("page", sorted((paths.BOOK / "course").glob("*.md")), ids=lambda path: path.stem)
def test_a_page_of_the_course_refers_to_what_there_is(page: Path) -> None:
    said = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\{(?:numref|ref|eq|prf:ref)\}`(?:[^`<]*<)?([\w-]+)>?`", said))
    assert named - labels() == set()
    for target in re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", said):
        assert (page.parent / f"{target}.md").resolve().is_file(), target


def test_the_table_of_the_course_says_what_each_week_takes() -> None:
    head, _, *rows = course.overview(paths.BOOK)
    assert head == "| week | lectures | before them | sheet |"
    assert len(rows) == WEEKS
    for week, row in enumerate(rows, 1):
        sheet = course.named_problems((paths.BOOK / f"course/sheet-{week}.md").read_text(encoding="utf-8"))
        assert row.endswith(f"{{doc}}`sheet-{week}`, 50 points, {sum(m for *_, m in sheet)} minutes |")
        lectures, chapters = re.search(r"lecture-(?:\d+)`, (\d+) minutes \| (\d) chapters", row).groups()
        assert 160 <= int(lectures) <= 180
        assert int(chapters) == len(
            re.findall(r"\.\./[\w/-]+", "".join(re.findall(r"^\| Lecture.*$", weeks()[week - 1], re.M)))
        )


def test_the_table_of_the_course_has_no_minutes_of_notes_that_students_do_not_have(tmp_path: Path) -> None:
    (tmp_path / "course").mkdir()
    (tmp_path / "ladder").mkdir()
    teaching = "### Week 1: a\n\n| Lecture 1 | {doc}`../ladder/bell` |\n\n## Seminar\n"
    sheet = ":::{problem} ex\n:points: 5\n:minutes: 20\n:::\n"
    texts = {"course/teaching": teaching, "course/lecture-01": "## A\n", "course/lecture-02": "## B\n"}
    texts |= {"course/sheet-1": sheet, "ladder/bell": "# Bell\n\n:::{chapter} P\n:minutes: 7\n:::\n"}
    for name, said in texts.items():
        (tmp_path / f"{name}.md").write_text(said, encoding="utf-8")
    row = "| 1 | {doc}`lecture-01`, {doc}`lecture-02` | 1 chapters, 7 minutes | {doc}`sheet-1`, 5 points, 20 minutes |"
    assert course.overview(tmp_path)[2:] == [row]


def test_a_problem_is_an_exercise_with_its_solution_if_the_edition_has_one(tmp_path: Path) -> None:
    (tmp_path / "ladder").mkdir()
    exercise = "# Bell\n\n```{exercise} Two\n:label: ex\n*Derive.* Show $2$.\n```\n"
    page = tmp_path / "ladder" / "bell.md"
    page.write_text(exercise, encoding="utf-8")
    problem = course.problems(tmp_path)["ex"]
    assert (problem.name, problem.kind, problem.chapter) == ("Two", "Derive", "ladder/bell")
    assert (problem.chapter_title, problem.statement, problem.solution) == ("Bell", "Show $2$.", None)
    page.write_text(f"{exercise}\n```{{solution}} ex\n:class: dropdown\nSo.\n```\n", encoding="utf-8")
    assert course.problems(tmp_path)["ex"].solution == "So."


def test_a_reference_to_an_exercise_says_its_title(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(paths.BOOK / "_ext")
    exercise = "```{exercise} By hand\n:label: ex\n:nonumber:\nShow it.\n```\n"
    solution = "```{solution} ex\n:class: dropdown\nSo.\n```\n"
    (tmp_path / "index.md").write_text(f"# A\n\n{exercise}\n{solution}\nSee {{ref}}`ex`.\n", encoding="utf-8")
    settings = {"extensions": ["myst_parser", "sphinx_exercise", "course"], "html_theme": "basic"}
    with patch_docutils(), docutils_namespace():
        page = tmp_path / "html"
        Sphinx(tmp_path, None, page, tmp_path / "trees", "html", settings, status=None, warning=None).build()
    html = (page / "index.html").read_text(encoding="utf-8")
    assert '<p class="admonition-title">Exercise (By hand)</p>' in html
    assert 'Solution to<a class="reference internal" href="#ex"> Exercise (By hand)</a>' in html
    assert '<span class="std std-ref">Exercise (By hand)</span>' in html


CHAPTER_OF_A_TOY = """# Bell

:::{predict} Why?
- [x] so
- [ ] not so
***
Because.
:::

```{exercise} By hand
:label: ex
:nonumber:
*Derive.* Show it.
```

```{solution} ex
:class: dropdown
Thus it is.
```
"""
SHEET_OF_A_TOY = """# Sheet

:::{sheet} chapter 1
:::

:::{problem} ex
:points: 5
:minutes: 20
It was said before.
:::

:::{marking}
All or nothing.
:::

:::{formula} wz:eq1
The data.
:::

:::{cards} ladder/bell
:::

:::{problem} nothing
:points: 5
:minutes: 20
:::

:::{formula} kang:nothing
What?
:::
"""


@pytest.mark.parametrize("edition", ["instructor", "student"])
def test_a_sheet_shows_what_its_edition_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edition: str) -> None:
    monkeypatch.syspath_prepend(paths.BOOK / "_ext")
    plan = Plan("paper", edition=edition)
    for name, said in (("index", "# I"), ("book/ladder/bell", CHAPTER_OF_A_TOY), ("book/course/sheet", SHEET_OF_A_TOY)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.md").write_text(takeaway.for_edition(plan, said), encoding="utf-8")
    settings = {"extensions": ["myst_parser", "sphinx_exercise", "chapter_form", "course"], "html_theme": "basic"}
    settings |= {"myst_enable_extensions": ["colon_fence", "dollarmath"], "master_doc": "index"}
    told, out = io.StringIO(), tmp_path / "html"
    with patch_docutils(), docutils_namespace():
        Sphinx(tmp_path, None, out, tmp_path / "trees", "html", settings, status=None, warning=told).build()
    html = (out / "book/course/sheet.html").read_text(encoding="utf-8")
    assert "2 problems · 10 points · about 40 minutes · before it: chapter 1" in html
    assert re.search(
        r"<strong>By hand</strong> · Derive · 5 points · 20 minutes · from <a [^>]*href=\"../ladder/bell", html
    )
    assert html.index("<em>From the chapter.</em> It was said before.") < html.index("Show it.")
    for text in ("Thus it is.", "All or nothing."):
        assert (text in html) == (edition == "instructor")
    assert 'href="../joint-exogeneity/potential-outcomes.html#claim-wz-eq1"' in html
    assert re.search(r"From <a [^>]*>.*Bell.*</a>", html)
    assert "Because." in html
    assert "nothing is the label of no exercise" in told.getvalue()
    assert "'kang:nothing' is not an id" in told.getvalue()


@pytest.mark.parametrize(
    ("old", "new", "noticed"),
    [
        ("A word", "Another word", False),
        ("# Bell", "# Bell’s inequality", True),
        ("Find it.", "Find x.", True),
        ("Here.", "There.", True),
        ("Why?", "Why not?", True),
        ("A word", "A word " * 300, True),
    ],
)
def test_of_a_chapter_the_course_takes_what_it_shows_and_nothing_else(tmp_path: Path, old, new, noticed) -> None:
    text = "# Bell\n\nA word.\n\n:::{predict} Why?\n- [x] so\n***\nBecause.\n:::\n\n"
    text += "```{exercise} One\n:label: ex\n*Derive.* Find it.\n```\n\n```{solution} ex\nHere.\n```\n"
    page = tmp_path / "part/bell.md"
    page.parent.mkdir()
    said = []
    for stamp, each in enumerate((text, text.replace(old, new)), 1):
        page.write_text(each, encoding="utf-8")
        os.utime(page, ns=(stamp, stamp))
        said.append(course.offered(page))
    assert (said[0] != said[1]) is noticed


def test_a_problem_is_found_in_a_notebook_too(tmp_path: Path) -> None:
    (tmp_path / "ladder").mkdir()
    cell = {"cell_type": "markdown", "source": ["# Bell\n", "\n", "```{exercise}\n", ":label: ex\n", "Why?\n", "```\n"]}
    (tmp_path / "ladder" / "bell.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    assert course.problems(tmp_path)["ex"].statement == "Why?"


def test_a_claim_on_a_slide_links_to_its_check_and_is_one_of_the_ledger(tmp_path: Path) -> None:
    html = course.claim_html("wz:lower-bound", tmp_path / "none.json")
    assert "../joint-exogeneity/quantum-violation.html#claim-wz-lower-bound" in html
    assert r"\ACE \approx 0.1339" in html
    assert 'lower bound: <span class="claim-number">0.1339' in course.claim_html(
        "wz:lower-bound", tmp_path / "none.json", values=True
    )
    assert "lower bound: " not in html
    with pytest.raises(ValueError, match="'wz:nothing' is not an id"):
        course.claim_html("wz:nothing", tmp_path / "none.json")


def test_a_picture_on_a_slide_has_the_size_and_the_shape_of_its_file_or_is_said_not_to_be_drawn_yet(
    tmp_path: Path,
) -> None:
    file, svg = tmp_path / "name.svg", '<svg xmlns="…" width="{}pt" height="{}pt" viewBox="0 0 1 1"/>'
    assert "part/page/name has not been drawn yet" in course.picture_html(file, "part/page/name", "a", "a.svg")
    file.write_text(svg.format(300, 150.2), encoding="utf-8")
    wide = course.picture_html(file, "part/page/name", "two & two", "../a.svg")
    assert wide == '<img class="slide-figure" src="../a.svg" width="400" height="200" alt="two &amp; two">'
    file.write_text(svg.format(150, 300), encoding="utf-8")
    assert 'class="slide-figure upright"' in course.picture_html(file, "part/page/name", "", "")
    file.write_text("<svg/>", encoding="utf-8")
    with pytest.raises(ValueError, match="part/page/name: its first element should be an <svg>"):
        course.picture_html(file, "part/page/name", "", "")


def test_a_claim_on_a_slide_may_be_said_in_fewer_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(paths.BOOK / "_ext")
    said = "# A\n\n:::{claim} wz:lower-bound\nA *tenth* or more.\n:::\n"
    (tmp_path / "index.md").write_text(said, encoding="utf-8")
    settings = {"extensions": ["myst_parser", "course"], "html_theme": "basic"}
    settings |= {"myst_enable_extensions": ["colon_fence"]}
    with patch_docutils(), docutils_namespace():
        page = tmp_path / "html"
        Sphinx(tmp_path, None, page, tmp_path / "trees", "html", settings, status=None, warning=None).build()
    html = (page / "index.html").read_text(encoding="utf-8")
    card = html[html.index('<div class="slide-claim') :]
    assert "quantum-violation.html#claim-wz-lower-bound" in card
    assert "A <em>tenth</em> or more." in card
    assert "0.1339" not in card


def table_of_notation() -> list[list[str]]:
    """The rows of the notation table, cell by cell; the first is its header."""
    section = (paths.BOOK / "notation.md").read_text(encoding="utf-8").split("## One quantity, four papers")[1]
    rows = re.findall(r"^\|(.*)\|$", section.split("###")[0], re.M)
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows]
    return [cells[0], *cells[2:]]


def resolve(name: str) -> Any:
    """What a dotted name stands for: of a room, of something that a room offers, or of the book's own packages."""
    return pkgutil.resolve_name(name if name.startswith("compendium.") else f"qlib.{name}")


def test_the_notation_table_has_a_column_for_each_paper_and_every_cell_is_filled() -> None:
    header, *rows = table_of_notation()
    assert header[1:5] == ["Wang & Zhang", "Kang", "Pearl & Cavalcanti", "Suresh, Frembs & Cavalcanti"]
    assert all(len(row) == len(header) and all(row) for row in rows)
    assert all(any(cell != "–" for cell in row[1:5]) for row in rows)


@pytest.mark.parametrize("row", table_of_notation()[1:], ids=lambda row: row[0])
def test_every_name_in_the_notation_table_is_one_of_the_package(row: list[str]) -> None:
    names = re.findall(r"`([^`]+)`", row[-1])
    assert names
    assert all(resolve(name) is not None for name in names)
