"""What is made of the executed chapters: the ledger, the published tables, the website."""

import contextlib
import gc
import io
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbformat
import yaml

from compendium.build import reference
from compendium.build.chapter_files import chapter_files, point_to_notebooks, write_downloads, write_figures
from compendium.build.children import forks_die_with_us
from compendium.build.execute import ANSI, scratch_folder, tables_of
from compendium.build.plan import Plan, digest, read_yaml, sha256
from compendium.build.takeaway import for_edition, launch_links
from compendium.claims import ledger

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
    written = fresh / "ledger.json"
    written.write_text(text + "\n", encoding="utf-8")
    if plan.ledger.is_file() and plan.ledger.read_bytes() == written.read_bytes():
        shutil.copystat(plan.ledger, written)  # Sphinx reads again the pages of what is newer


def assemble_site(plan: Plan) -> Path:
    """A copy of the book in which every notebook is executed and every module has a page; returns its directory.

    A file whose content stays the same is not touched: Sphinx reads again what is newer than what it knows.
    """
    source = plan.build / plan.html.name.replace("html", "source")
    modules = reference.described(plan.library, plan.build / "reference")
    files = {**book_files(plan, modules), **reference.reference_pages(modules), **configuration(plan, modules)}
    for name, content in files.items():
        write_if_different(source / name, content if isinstance(content, bytes) else content.encode())
    for path in [path for path in source.rglob("*") if path.is_file()]:
        if path.relative_to(source).as_posix() not in files:
            path.unlink()
    return source


def write_if_different(path: Path, content: bytes) -> None:
    """Write a file unless it has this content already."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def book_files(plan: Plan, modules: Mapping[str, str]) -> dict[str, str | bytes]:
    """Path → content of what is made of each file of the book."""
    executed = {page.path: slug for slug, page in plan.notebooks.items()}
    made: dict[str, str | bytes] = {}
    for path in sorted(p for p in (plan.root / "book").rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        name = path.relative_to(plan.root)
        if path in executed:
            page = chapter_files(plan, executed[path]) / "page.ipynb"
            made[name.with_suffix(".ipynb").as_posix()] = page.read_bytes()
        elif path.suffix == ".md":
            text = point_to_notebooks(plan, path, for_edition(plan, path.read_text(encoding="utf-8")))
            listed = name.with_suffix("").as_posix() == reference.ENTRY
            made[name.as_posix()] = reference.with_all_modules(modules, text) if listed else text
        else:
            made[name.as_posix()] = path.read_bytes()
    return made


def configuration(plan: Plan, modules: Mapping[str, str]) -> dict[str, str | bytes]:
    """Jupyter Book's two files, for a book that is executed and has its reference."""
    toc = reference.toc_with_reference(read_yaml(plan.root / "_toc.yml"), modules)
    config: dict[str, Any] = read_yaml(plan.root / "_config.yml")
    config["execute"] = {**config.get("execute", {}), "execute_notebooks": "off"}
    own = {"html_copy_source": False, "compendium_downloads": True, "compendium_launch": launch_links(plan)}
    own["compendium_generated"] = plan.generated.relative_to(plan.root).as_posix()
    config.setdefault("sphinx", {}).setdefault("config", {}).update(own)
    return {name: yaml.safe_dump(content, allow_unicode=True) for name, content in
            (("_toc.yml", toc), ("_config.yml", config))}  # fmt: skip


def make_site(plan: Plan, jobs: int = 1) -> Path:
    """Render the assembled book with so many processes, every warning an error; returns the page to open.

    What Sphinx has read and written is kept, and an edited page is read alone. A build that fails or is killed leaves
    nothing behind that the next one could take for granted (warnings would vanish with it), nor does one whose
    surroundings were others.
    """
    source, kept = assemble_site(plan), plan.build / plan.html.name.replace("html", "site")
    around, finished = surroundings(plan, source), kept / "finished"
    if not finished.exists() or finished.read_text(encoding="utf-8") != around:
        shutil.rmtree(kept, ignore_errors=True)
    finished.unlink(missing_ok=True)
    code, said = render(source, kept / "html", jobs)
    log = kept.with_suffix(".log")
    log.write_text(said, encoding="utf-8")
    if code:
        shutil.rmtree(kept, ignore_errors=True)
        raise SiteError(f"the website has errors (all of the output: {log.relative_to(plan.root)})\n{trouble(said)}")
    finished.write_text(around, encoding="utf-8")
    with scratch_folder(plan) as fresh:
        shutil.copytree(kept / "html", fresh, dirs_exist_ok=True)
        write_figures(plan, fresh)
        write_downloads(plan, fresh)
        (fresh / ".nojekyll").touch()  # or GitHub Pages leaves out every folder that begins with a line
        publish(plan, "website", fresh, plan.html)
    return plan.html / "index.html"


def trouble(said: str) -> str:
    """The lines in which Sphinx complains, or the last ones where none of them does so in a known way.

    >>> print(trouble("reading\\na.md:1: WARNING: no title\\n"), trouble("Sphinx error:\\na.html: x"), sep="; ")
    a.md:1: WARNING: no title; Sphinx error:
    a.html: x
    """
    lines = said.strip().splitlines()
    return "\n".join([line for line in lines if SPHINX_TROUBLE.search(line)][:40] or lines[-5:])


def surroundings(plan: Plan, source: Path) -> str:
    """Digest of what every page depends on: the configuration, the extensions, the glossary, the references, Sphinx."""
    files = [*source.glob("*.yml"), *(source / "book" / "_ext").glob("*.py"), *(source / "book").glob("*.bib")]
    files += [source / "book" / "reference" / "glossary.md", plan.root / "requirements.lock"]
    return digest([[file.name, sha256(file.read_bytes())] for file in sorted(files) if file.exists()])


def render(source: Path, output: Path, jobs: int) -> tuple[int, str]:
    """What ``jupyter-book build -W -n --keep-going -q`` does, in parallel; returns the exit code and what was said."""
    from jupyter_book.sphinx import build_sphinx

    forks_die_with_us()

    static = sorted(file for file in (source / "book" / "_static").rglob("*") if file.is_file())
    own = {
        "external_toc_path": str(source / "_toc.yml"),
        "latex_individualpages": False,
        "compendium_static": digest([sha256(file.read_bytes()) for file in static]),  # each page names its version
        "nitpicky": True,
    }
    gc.set_threshold(500_000, 20, 100)  # or half the time goes into looking for garbage among the pages read
    with io.StringIO() as said, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = build_sphinx(
            source,
            output,
            noconfig=True,
            path_config=source / "_config.yml",
            confoverrides=own,
            warningiserror=True,
            keep_going=True,
            quiet=True,
            jobs=jobs + (jobs > 1),  # one of them resolves what the others write
        )
        return int(code != 0), ANSI.sub("", said.getvalue()).replace(f"{source}/", "")
