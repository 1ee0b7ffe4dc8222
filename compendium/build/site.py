"""What is made of the executed chapters: the ledger, the published tables, the website."""

import contextlib
import io
import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbformat
import yaml

from compendium.build.children import forks_die_with_us
from compendium.build.execute import ANSI, scratch_folder, tables_of
from compendium.build.plan import Plan, read_yaml
from compendium.build.takeaway import (
    executed_notebook,
    for_edition,
    launch_links,
    link_figures,
    write_downloads,
    write_figures,
)
from compendium.claims import ledger
from compendium.pages.reading import fold_cells

LINK = re.compile(r"\]\((?P<target>[^)\s:#]+)\.md(?P<anchor>#[^)\s]*)?\)")
SPHINX_TROUBLE = re.compile(r"WARNING|ERROR|CRITICAL|Error|Exception")


class SiteError(Exception):
    """The ledger or the website could not be made; the message says why."""


def make_ledger(plan: Plan) -> Path:
    """Collate the chapters' records, and publish them with the chapters' tables and figures.

    What is published is put in place at once: ``<generated>/<slug>/…`` and ``<generated>/ledger.json``.
    """
    with scratch_folder(plan) as fresh:
        collate_site(plan, fresh)
        publish(plan, "ledger", fresh, plan.generated)
    return plan.ledger


def publish(plan: Plan, target: str, fresh: Path, folder: Path) -> None:
    """Put a finished folder in the place of the one that stands there, with the digest of what it was made from."""
    if Plan(plan.profile, plan.root, plan.edition).digests[target] != plan.digests[target]:
        raise SiteError("something that it is made from was edited in the meantime: build it again")
    (fresh / plan.targets[target].name).touch()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(plan) as gone:
        if folder.exists():
            folder.replace(gone)
        shutil.move(fresh, folder)


def collate_site(plan: Plan, fresh: Path) -> None:
    """Write the ledger and all that the chapters have written into a folder."""
    notebooks = {slug: nbformat.read(plan.executed(slug), as_version=4) for slug in plan.chapters}
    records = ledger.collate(notebooks, ledger.load(plan.root / "data" / "claims.yml"))
    for slug in plan.chapters:
        if any(tables_of(plan, slug).iterdir()):
            shutil.copytree(tables_of(plan, slug), fresh / slug)
    text = json.dumps([asdict(record) for record in records], indent=1, ensure_ascii=False)
    (fresh / "ledger.json").write_text(text + "\n", encoding="utf-8")


def assemble_site(plan: Plan) -> Path:
    """A copy of the book in which every notebook is executed; returns its directory."""
    source = plan.build / plan.html.name.replace("html", "source")
    shutil.rmtree(source, ignore_errors=True)
    executed = {page.path: slug for slug, page in plan.notebooks.items()}
    for path in sorted(p for p in (plan.root / "book").rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        target = source / path.relative_to(plan.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in executed:
            write_notebook(plan, executed[path], target.with_suffix(".ipynb"))
        elif path.suffix == ".md":
            text = for_edition(plan, path.read_text(encoding="utf-8"))
            target.write_text(point_to_notebooks(plan, path, text), encoding="utf-8")
        else:
            shutil.copy2(path, target)
    shutil.copy2(plan.root / "_toc.yml", source)
    config: dict[str, Any] = read_yaml(plan.root / "_config.yml")
    config["execute"] = {**config.get("execute", {}), "execute_notebooks": "off"}
    own = {"html_copy_source": False, "compendium_downloads": True, "compendium_launch": launch_links(plan)}
    config.setdefault("sphinx", {}).setdefault("config", {}).update(own)
    (source / "_config.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return source


def write_notebook(plan: Plan, slug: str, target: Path) -> None:
    """The executed notebook as a page: links between chapters mended, links to files below the figures."""
    notebook = fold_cells(executed_notebook(plan, slug))
    link_figures(plan, slug, notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = point_to_notebooks(plan, plan.pages[slug].path, cell.source)
    nbformat.write(notebook, target)


def point_to_notebooks(plan: Plan, path: Path, text: str) -> str:
    """Links to ``chapter.md`` become links to the ``chapter.ipynb`` that stands in its place."""
    executed = {page.path for page in plan.notebooks.values()}

    def mend(link: re.Match[str]) -> str:
        target = (path.parent / f"{link['target']}.md").resolve()
        return f"]({link['target']}.ipynb{link['anchor'] or ''})" if target in executed else link[0]

    return LINK.sub(mend, text)


def make_site(plan: Plan, jobs: int = 1) -> Path:
    """Render the assembled book with so many processes, every warning an error; returns the page to open.

    A failed build leaves nothing behind that a second one could take for granted (warnings would vanish with it).
    """
    source, output = assemble_site(plan), plan.build / plan.html.name.replace("html", "site")
    shutil.rmtree(output, ignore_errors=True)
    code, said = render(source, output / "html", jobs)
    log = output.with_suffix(".log")
    log.write_text(said, encoding="utf-8")
    if code:
        shutil.rmtree(output, ignore_errors=True)
        trouble = [line for line in said.splitlines() if SPHINX_TROUBLE.search(line)]
        shown = "\n".join(trouble[:40])
        raise SiteError(f"the website has errors (all of the output: {log.relative_to(plan.root)})\n{shown}")
    write_figures(plan, output / "html")
    write_downloads(plan, output / "html")
    (output / "html" / ".nojekyll").touch()  # or GitHub Pages leaves out every folder that begins with a line
    publish(plan, "website", output / "html", plan.html)
    shutil.rmtree(output, ignore_errors=True)
    return plan.html / "index.html"


def render(source: Path, output: Path, jobs: int) -> tuple[int, str]:
    """What ``jupyter-book build -W -n --keep-going -q`` does, in parallel; returns the exit code and what was said."""
    from jupyter_book.sphinx import build_sphinx

    forks_die_with_us()

    toc = {"external_toc_path": str(source / "_toc.yml"), "latex_individualpages": False}
    with io.StringIO() as said, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = build_sphinx(
            source,
            output,
            noconfig=True,
            path_config=source / "_config.yml",
            confoverrides={**toc, "nitpicky": True},
            warningiserror=True,
            keep_going=True,
            quiet=True,
            jobs=jobs,
        )
        return int(code != 0), ANSI.sub("", said.getvalue()).replace(f"{source}/", "")
