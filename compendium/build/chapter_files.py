"""What is made of one executed chapter for the website: its page, the notebooks to take away, the data of its figures.

It depends on nothing else but how it is made, and is kept under the digest of both, as the chapter's result is. So a
chapter's own job makes it, beside other chapters, and after an edit of one chapter the website takes all others' as
they are.
"""

import functools
import re
import shutil
from pathlib import Path

import nbformat

from compendium.build.execute import scratch_folder
from compendium.build.plan import HERE, Plan, digest, sha256
from compendium.build.takeaway import (
    DOWNLOADS,
    FIGURES,
    clean_notebook,
    executed_notebook,
    figure_files,
    for_edition,
    link_figures,
    pack,
    repository,
)
from compendium.pages import reading
from compendium.pages.reading import fold_cells, minutes, with_minutes

LINK = re.compile(r"\]\((?P<target>[^)\s:#]+)\.md(?P<anchor>#[^)\s]*)?\)")


def chapter_files(plan: Plan, slug: str) -> Path:
    """The folder with a chapter's ``page.ipynb``, ``downloads/`` and ``figures/``; made if it is not there."""
    folder = chapter_folder(plan, slug)
    if not folder.exists():
        with scratch_folder(plan) as fresh:
            write_chapter_files(plan, slug, fresh)
            folder.parent.mkdir(parents=True, exist_ok=True)
            if not folder.exists():
                fresh.replace(folder)
    return folder


def chapter_folder(plan: Plan, slug: str) -> Path:
    """Where that folder is, or would be."""
    executed = sorted(plan.notebooks)  # links to these are links to notebooks
    made_from = digest([plan.digests[slug], executed, repository(plan), how()])
    return plan.build / "chapter-files" / plan.edition / slug / made_from


@functools.cache
def how() -> str:
    """Digest of what makes these files."""
    return digest([sha256(file.read_bytes()) for file in (*sorted(HERE.glob("*.py")), Path(reading.__file__))])


def tidy_chapter_files(plan: Plan) -> None:
    """Remove the files that an edition of the book as it is now has no use for."""
    wanted = {chapter_folder(plan, slug) for slug in plan.notebooks}
    for page in [*(plan.build / "chapter-files" / plan.edition).rglob("page.ipynb")]:
        if page.parent not in wanted:
            shutil.rmtree(page.parent)


def write_chapter_files(plan: Plan, slug: str, folder: Path) -> None:
    """Make the files of a chapter in a folder."""
    name = slug.rpartition("/")[2]
    (folder / DOWNLOADS).mkdir()
    (folder / FIGURES).mkdir()
    executed = fold_cells(executed_notebook(plan, slug))
    pack(f"{folder / DOWNLOADS / name}-executed.zip", f"{name}-executed.ipynb", executed)
    nbformat.write(clean_notebook(plan, slug), folder / DOWNLOADS / f"{name}.ipynb")
    for cell in executed.cells:
        for file in (data for _, _, data in figure_files(plan, slug, cell) if data):
            shutil.copy2(file, folder / FIGURES / file.name)
    (folder / "page.ipynb").write_text(page_of_notebook(plan, slug, executed), encoding="utf-8")


def page_of_notebook(plan: Plan, slug: str, notebook: nbformat.NotebookNode) -> str:
    """The executed notebook as a page: links between chapters mended, links to files below the figures."""
    link_figures(plan, slug, notebook)
    page, read = plan.pages[slug], minutes(plan.pages[slug].text)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_minutes(point_to_notebooks(plan, page.path, cell.source), read)
    return f"{nbformat.writes(notebook)}\n"


def point_to_notebooks(plan: Plan, path: Path, text: str) -> str:
    """Links to ``chapter.md`` become links to the ``chapter.ipynb`` that stands in its place."""
    executed = {page.path for page in plan.notebooks.values()}

    def mend(link: re.Match[str]) -> str:
        target = (path.parent / f"{link['target']}.md").resolve()
        return f"]({link['target']}.ipynb{link['anchor'] or ''})" if target in executed else link[0]

    return LINK.sub(mend, text)


# --- into the website -------------------------------------------------------------------------------------------------


def write_figures(plan: Plan, website: Path) -> None:
    """Put the data of all figures that have links beside the pages (the pictures are there)."""
    for slug in plan.notebooks:
        for file in (chapter_files(plan, slug) / FIGURES).iterdir():
            target = website / FIGURES / slug / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)


def write_downloads(plan: Plan, website: Path) -> None:
    """Put every page's source beside the pages, and every chapter's notebook, executed and clean."""
    for slug, page in plan.pages.items():
        target = website / DOWNLOADS / slug
        target.parent.mkdir(parents=True, exist_ok=True)
        Path(f"{target}.md").write_text(for_edition(plan, page.text), encoding="utf-8")
        if slug in plan.notebooks:
            shutil.copytree(chapter_files(plan, slug) / DOWNLOADS, target.parent, dirs_exist_ok=True)
