"""What readers take away: an edition without solutions, notebooks, figures with their data, links to run a chapter."""

import hashlib
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml

from compendium.build.chapter_files import write_downloads, write_figures
from compendium.build.notebooks import KERNEL, hand_out, pair
from compendium.build.pdf import BROWSERS, PdfError, browser, head, linked, make_pdf, page_id, parts, soup
from compendium.build.plan import ROOT, Plan, PlanError
from compendium.build.takeaway import (
    clean_notebook,
    executed_notebook,
    figure_files,
    for_edition,
    launch_links,
    link_figures,
    saved_figures,
)

HEAD = "---\nkernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n---\n\n"
CHAPTER = (
    HEAD
    + """# Title

```{code-cell} ipython3
figures.save(figure, out, "first")
```

```{exercise}
:label: ex-a
Why?
```

````{solution} ex-a
:class: dropdown

Because.

```python
answer = 42
```
````

The end.
"""
)
SVG = {"image/svg+xml": "<svg/>"}
REPOSITORY = "https://github.com/someone/causality"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project of one chapter, executed."""
    files = {
        "book/part/a.md": CHAPTER,
        "book/intro.md": "# Intro\n",
        "_toc.yml": yaml.safe_dump({"root": "book/intro", "chapters": [{"file": "book/part/a"}]}),
        "_config.yml": "title: Toy\n",
        "data/parameters/paper.yml": "{}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    plan = Plan(root=tmp_path)
    code = plan.notebooks["part/a"].cells[0]
    code.outputs = [nbformat.v4.new_output("display_data", SVG)]
    cells = [code, nbformat.v4.new_markdown_cell(CHAPTER.split("```\n\n", 1)[1])]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {"input_path": "/home/me"}})
    tables = plan.executed("part/a").parent / "tables"
    tables.mkdir(parents=True)
    nbformat.write(notebook, plan.executed("part/a"))
    (tables / "first.svg").write_text("<svg/>", encoding="utf-8")
    (tables / "first.data.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    return tmp_path


def configure(tree: Path, address: str) -> None:
    """Name a repository."""
    (tree / "_config.yml").write_text(yaml.safe_dump({"sphinx": {"config": {"compendium_repository": address}}}))


# --- editions ---------------------------------------------------------------------------------------------------------


def test_an_edition_has_a_website_and_notebooks_of_its_own_and_shares_the_execution(tree):
    teacher, student = Plan(root=tree), Plan(root=tree, edition="student")
    assert teacher.html != student.html
    assert teacher.notebooks_folder != student.notebooks_folder
    assert teacher.executed("part/a") == student.executed("part/a")
    assert teacher.targets.keys() == student.targets.keys()


def test_an_unknown_edition_is_refused_with_the_known_ones():
    with pytest.raises(PlanError, match=r"'pupil'.*instructor, student"):
        Plan(edition="pupil")


def test_the_students_text_has_the_exercise_and_not_its_solution(tree):
    text = for_edition(Plan(root=tree, edition="student"), CHAPTER)
    assert "Why?" in text
    assert "The end." in text
    assert not re.search("Because|42|solution", text)
    assert for_edition(Plan(root=tree), CHAPTER) == CHAPTER


def test_no_chapter_of_this_book_keeps_a_solution_in_the_students_edition():
    plan = Plan(edition="student")
    solutions = 0
    for page in plan.pages.values():
        text = for_edition(plan, page.text)
        assert "{solution" not in text, page.slug
        assert text.count("{exercise}") == page.text.count("{exercise}"), page.slug
        assert text.count("{code-cell}") == page.text.count("{code-cell}"), page.slug
        solutions += page.text.count("{solution")
    assert solutions > 50


def test_a_solution_whose_block_is_not_closed_is_refused(tree):
    with pytest.raises(PlanError, match=r"not closed.*ex-b"):
        for_edition(Plan(root=tree, edition="student"), "```{solution} ex-b\nBecause.\n")


def test_the_students_notebooks_are_copies_of_which_nothing_is_taken_over(tree):
    plan = Plan(root=tree, edition="student")
    source = (tree / "book/part/a.md").read_text(encoding="utf-8")
    assert hand_out(plan) == []
    notebook = tree / "notebooks-student/part/a.ipynb"
    assert "Because" not in notebook.read_text(encoding="utf-8")
    notebook.write_text(notebook.read_text(encoding="utf-8").replace("The end.", "My answer."), encoding="utf-8")
    os.utime(notebook, (2**31, 2**31))
    assert hand_out(plan) == ["part/a"]
    assert "My answer." in notebook.read_text(encoding="utf-8")
    assert (tree / "book/part/a.md").read_text(encoding="utf-8") == source


def test_the_makefile_serves_the_folder_that_the_plan_names():
    for edition in ("instructor", "student"):
        command = ["make", "-n", "-C", str(ROOT), "serve", f"EDITION={edition}", "PROFILE=quick"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert f"--directory {Plan('quick', edition=edition).html.relative_to(ROOT)}\n" in said
        assert f"--edition {edition}" in said


# --- figures ----------------------------------------------------------------------------------------------------------


def test_the_names_of_saved_figures_are_read_off_the_code():
    code = 'f = figures.save(f, out, "a")\nfigures.save(\n    g(1, 2), out, "b"\n)\nx.save(1)\nfigures.save(f, out, n)'
    assert saved_figures(code) == ["a", "b"]


def test_every_figure_of_this_book_is_saved_under_a_name_that_can_be_read_off():
    for slug, chapter in Plan().notebooks.items():
        cells = re.findall(
            r"^`{3}\{code-cell\}[^\n]*\n(?:---\n.*?\n---\n|(?::[^\n]*\n)*)(.*?)^`{3}$", chapter.text, re.M | re.S
        )
        code = "\n".join(cell for cell in cells if "figures.save(" in cell)
        assert len(saved_figures(code)) == chapter.text.count("figures.save("), slug
        assert len(set(saved_figures(code))) == len(saved_figures(code)), slug


def test_a_shown_figure_has_links_to_files_that_are_there(tree, tmp_path):
    plan = Plan(root=tree)
    notebook = executed_notebook(plan, "part/a")
    link_figures(plan, "part/a", notebook)
    (line,) = [cell.source for cell in notebook.cells if "figure-files" in cell.source]
    write_figures(plan, tmp_path / "html")
    picture, data = re.findall(r'href="([^"]+)"', line)
    page = tmp_path / "html/book/part/a.html"
    assert (page.parent / data).resolve().read_text(encoding="utf-8") == "x,y\n1,2\n"
    assert picture == f"../../_images/{hashlib.sha256(SVG['image/svg+xml'].encode()).hexdigest()}.svg"


@pytest.mark.parametrize("change", [{"outputs": []}, {"metadata": {"tags": ["remove-output"]}}])
def test_a_figure_that_is_not_shown_has_no_links(tree, change):
    cell = nbformat.v4.new_code_cell(
        'figures.save(f, out, "first")', outputs=[nbformat.v4.new_output("display_data", SVG)]
    )
    assert figure_files(Plan(root=tree), "part/a", cell)
    cell.update(change)
    assert not figure_files(Plan(root=tree), "part/a", nbformat.from_dict(cell))


# --- notebooks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", ["instructor", "student"])
def test_every_page_has_its_source_and_every_chapter_its_notebooks(tree, tmp_path, edition):
    plan = Plan(root=tree, edition=edition)
    write_downloads(plan, tmp_path / "html")
    folder = tmp_path / "html/downloads"
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*.*")}
    assert names == {"intro.md", "part/a.md", "part/a.ipynb", "part/a-executed.zip"}
    with zipfile.ZipFile(folder / "part/a-executed.zip") as archive:
        archive.extractall(folder / "part")
    for file in (file for file in folder.rglob("*.*") if file.suffix != ".zip"):
        assert ("Because." in file.read_text(encoding="utf-8")) == (edition == "instructor" and file.name != "intro.md")
    notebooks = [nbformat.read(file, as_version=4) for file in folder.rglob("*.ipynb")]
    assert sorted(sum(bool(cell.get("outputs")) for cell in book.cells) for book in notebooks) == [0, 1]
    for book in notebooks:
        nbformat.validate(book)
        assert "/home/me" not in nbformat.writes(book)


def test_notebooks_are_the_same_bytes_each_time(tree):
    plan = Plan(root=tree)
    for make in (clean_notebook, executed_notebook):
        assert nbformat.writes(make(plan, "part/a")) == nbformat.writes(make(plan, "part/a"))


# --- running a chapter elsewhere --------------------------------------------------------------------------------------


def test_without_a_repository_there_are_no_launch_links_and_no_installation(tree):
    plan = Plan(root=tree)
    assert launch_links(plan) == {}
    assert clean_notebook(plan, "part/a").cells[0].cell_type == "markdown"


def test_this_tree_names_no_repository():
    assert launch_links(Plan()) == {}


@pytest.mark.parametrize("address", [REPOSITORY, f"{REPOSITORY}/", f"{REPOSITORY}.git"])
@pytest.mark.parametrize("edition", ["instructor", "student"])
def test_launch_links_lead_to_files_that_binder_and_the_website_have(tree, address, edition):
    configure(tree, address)
    plan = Plan(root=tree, edition=edition)
    links = {service: link.format(slug="part/a") for service, link in launch_links(plan).items()}
    binder = re.fullmatch(r"https://mybinder\.org/v2/gh/someone/causality/HEAD\?urlpath=lab/tree/(.+)", links["Binder"])
    hub = r"https://colab\.research\.google\.com/github/someone/causality/blob/gh-pages/(.+)"
    colab = re.fullmatch(hub, links["Colab"])
    hand_out(plan)
    assert (tree / binder[1]).parent.name == "part"
    assert binder[1].split("/")[0] == plan.notebooks_folder
    published = tree / "html" / ("" if edition == "instructor" else edition)  # as "Reproducing" says
    write_downloads(plan, published)
    assert (tree / "html" / colab[1]).is_file()


def test_the_two_editions_colab_links_lead_to_different_notebooks(tree):
    configure(tree, REPOSITORY)
    links = [launch_links(Plan(root=tree, edition=edition))["Colab"] for edition in ("instructor", "student")]
    assert links[0] != links[1]


@pytest.mark.parametrize("write", [pair, hand_out])
def test_notebooks_name_a_kernel_that_is_no_other_environment_s(tree, write):
    write(Plan(root=tree, edition="student" if write is hand_out else "instructor"))
    named = [nbformat.read(file, as_version=4).metadata.kernelspec.name for file in tree.rglob("notebooks*/**/*.ipynb")]
    assert set(named) == {KERNEL["name"]}
    assert KERNEL["name"] not in {"python3", "python"}


def test_the_kernel_that_binder_registers_is_the_one_that_notebooks_name_and_runs_the_book(tmp_path):
    """As in an image with a kernel "python3" of its own: the line of the script, then a Jupyter that looks for it."""
    line = re.search(r"^\.venv/bin/python (-m ipykernel install .*)$", (ROOT / ".binder/postBuild").read_text(), re.M)
    home = {**os.environ, "HOME": str(tmp_path), "JUPYTER_PREFER_ENV_PATH": "1"}
    subprocess.run([sys.executable, *shlex.split(line[1])], env=home, check=True, capture_output=True)
    code = "import sys; from jupyter_client.kernelspec import get_kernel_spec as g; print(g(sys.argv[1]).argv[0])"
    asked = [sys.executable, "-c", code, KERNEL["name"]]
    found = subprocess.run(asked, env=home, check=True, capture_output=True, text=True).stdout.strip()
    assert Path(found).samefile(sys.executable)


def test_an_address_that_could_not_be_found_is_refused(tree):
    configure(tree, "git@example.org:me/causality")
    with pytest.raises(PlanError, match=r"git@example\.org.*https://github\.com/<owner>/<name>"):
        launch_links(Plan(root=tree))


def test_the_installing_cell_fetches_the_configured_repository_only_where_the_book_is_missing(tree):
    configure(tree, REPOSITORY)
    cell = clean_notebook(Plan(root=tree), "part/a").cells[0]
    assert cell.cell_type == "code"
    assert f"git clone --quiet --depth 1 {REPOSITORY} " in cell.source
    lines = [line for line in cell.source.splitlines() if re.match(r" *[!%]", line)]
    assert lines
    assert all(line.startswith("    ") for line in lines)  # all of it below the condition


def test_binder_makes_the_environment_from_the_lock_and_the_notebooks_that_links_name():
    script = ROOT / ".binder/postBuild"
    assert script.stat().st_mode & stat.S_IXUSR
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert "compendium/build/bootstrap.py" in text
    assert re.findall(r"-m compendium.build notebooks(?: --edition (\w+))?$", text, re.MULTILINE) == ["", "student"]
    version = (ROOT / ".binder/runtime.txt").read_text(encoding="utf-8").strip()
    assert re.fullmatch(r"python-3\.1[123]", version)


# --- the printed book -------------------------------------------------------------------------------------------------


def test_where_there_is_no_browser_that_is_said(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(PdfError, match="needs Chromium or Chrome"):
        browser()


def test_where_there_is_no_website_that_is_said(tree, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name if name == BROWSERS[0] else None)
    with pytest.raises(PdfError, match=r"no website at _build/paper/html/index\.html"):
        make_pdf(Plan(root=tree))


def test_every_page_is_in_one_part_and_in_reading_order():
    plan = Plan()
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert [slug for _, slugs in parts(toc) for slug in slugs] == list(plan.pages)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/x.html#y", "https://example.org/x.html#y"),
        ("#here", "#part-a--here"),
        ("b.html", "#part-b"),
        ("../other/c.html#there", "#other-c--there"),
        ("../reference/api.html#x", ""),
        ("../../downloads/part/a.ipynb", ""),
    ],
)
def test_links_between_pages_become_links_within_the_document(url, expected):
    assert linked(url, page_id("part/a"), "book/part", {"part/a", "part/b", "other/c"}) == expected


@pytest.mark.parametrize(("slug", "up"), [("intro", ".."), ("ladder/bell", "../..")])
def test_a_printed_book_has_the_style_of_its_pages_whichever_is_its_first(slug, up):
    page = soup(f'<link rel="stylesheet" href="{up}/_static/theme.css?digest=1">')
    assert head(page, slug, "html").endswith('<link rel="stylesheet" href="html/_static/theme.css">')
