"""Chapters for a stock JupyterLab: plain Markdown in the place of directives and roles, numbers that follow a run.

A sentence that states a computed number becomes a cell that says it anew when it is run (`compendium.pages.prose.say`);
an exercise's template becomes a cell to fill, its solution a fold. Nothing needs an extension of JupyterLab.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from compendium.build.notebooks import KERNEL, register
from compendium.build.plan import Plan, digest
from compendium.build.takeaway import guarded, in_edition, numbered
from compendium.pages.citations import short_references
from compendium.pages.prose import GAP, filled
from compendium.pages.reading import fold_cells, minutes

FOLDER = "lab"
NOTED = re.compile(r'\bnote\(\s*"([^"]+)"')
FENCE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ ]*(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.M | re.S
)
OPTION = re.compile(r"\A(?::(?P<name>[\w-]+):(?P<value>[^\n]*)\n)")
ROLE = re.compile(r"\{(?P<role>[\w:]+)\}`(?:(?P<text>[^`<]*?)\s*<(?P<target>[^>`]+)>|(?P<plain>[^`]+))`")
LABEL = re.compile(r"^\((?P<label>[\w-]+)\)=\n", re.M)
HEADING = re.compile(r"^\((?P<label>[\w-]+)\)=\n#+ (?P<title>[^\n]+)", re.M)
NAMED = re.compile(
    r"^[`:]{3,}\{(?P<kind>[\w:-]+)\}[ ]*(?P<title>[^\n]*)\n(?::[^\n]*\n)*?:(?:label|name): *(?P<label>\S+)", re.M
)
CODE = re.compile(r"^```python\n(?P<code>.*?)^```[ \t]*$", re.M | re.S)
DROPPED = ("raw", "eval-rst", "bibliography", "glossary")
FOLDED = {"dropdown": "More", "prf:proof": "Proof"}
OPEN = ("div", "grid", "grid-item-card", "figure-md")


@dataclass(frozen=True)
class Book:
    """What links between chapters need to know: where each label is, and what it is called."""

    plan: Plan

    @cached_property
    def labels(self) -> dict[str, tuple[str, str]]:
        """Label → (slug of its page, what to call it)."""
        found: dict[str, tuple[str, str]] = {}
        for slug, page in self.plan.pages.items():
            for block in NAMED.finditer(page.text):
                kind = block["kind"].split(":")[-1]
                name = f"{kind} ({block['title'].strip()})" if block["title"].strip() else f"this {kind}"
                found[block["label"]] = (slug, name)
            for heading in HEADING.finditer(page.text):
                found[heading["label"]] = (slug, heading["title"])
        return found

    @cached_property
    def references(self) -> Mapping[str, str]:
        """Key of the bibliography → authors and year."""
        return short_references()

    def link(self, here: str, label: str, text: str = "") -> str:
        """A link to a label, as seen from a chapter; its text alone if there is no such notebook."""
        slug, name = self.labels.get(label, ("", label))
        said = text or name
        if slug == here or slug not in self.plan.notebooks:
            return said
        return f"[{said}]({posixpath.relpath(slug, posixpath.dirname(here))}.ipynb)"


def lab_notebook(book: Book, slug: str, executed: bool = True) -> Any:
    """A chapter as a notebook that reads well by itself, with the published outputs if there are any."""
    file = book.plan.executed(slug)
    if executed and file.is_file():
        notebook = nbformat.read(file, as_version=4)
    else:
        notebook = jupytext.reads(book.plan.notebooks[slug].text, fmt="md:myst")
    notebook = in_edition(book.plan, notebook)
    values, known = dict(noted(notebook.cells)), set[str]()
    cells = []
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code":
            known |= {*NOTED.findall(cell.source), *(name for name, _ in noted([cell]))}
            cells.append(cell)
        else:
            cells += plain_cells(book, slug, cell.source, values, known)
    say = new_code_cell("from compendium.pages.prose import say", metadata={"tags": ["hide-input"]})
    notebook.cells = [*cells[:1], say, *cells[1:]]
    guarded(notebook)
    notebook.metadata = nbformat.from_dict({"kernelspec": dict(KERNEL)})
    return numbered(fold_cells(notebook))


def noted(cells: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """The numbers that a run of these cells has kept for its prose, as it prints them."""
    for cell in cells:
        for output in cell.get("outputs", []):
            if name := output.get("metadata", {}).get("scrapbook", {}).get("name"):
                kept = (text for mime, text in output["data"].items() if mime.endswith("text/plain"))
                yield name, next(kept, "").strip("'")


def plain_cells(book: Book, slug: str, source: str, values: Mapping[str, str], known: Container[str]) -> Iterator[Any]:
    """A cell of MyST's Markdown as cells of plain Markdown, of numbers in sentences, and of code to fill.

    values : the published numbers, by name. known : the names that a run has kept before it comes to this cell; a
    sentence that says another one, ahead of its computation, says what is published, and does not change.
    """
    for kind, piece in pieces(book, slug, source):
        text = piece.strip("\n")
        if kind == "template":
            yield new_code_cell(text, metadata={"tags": ["raises-exception"]})  # it is not filled yet
        elif not all(name.partition(":")[0] in known for name in GAP.findall(text)):
            yield new_markdown_cell(
                GAP.sub(lambda gap: filled(gap[0], values) if gap[1].partition(":")[0] in values else "…", text)
            )
        elif GAP.search(text):
            data = {"text/markdown": filled(text, values)} if values else {}
            outputs = [nbformat.v4.new_output("display_data", data)] if data else []
            yield new_code_cell(f"say(r'''{text}''')", metadata={"tags": ["hide-input"]}, outputs=outputs)
        elif text.strip():
            yield new_markdown_cell(text)


def pieces(book: Book, slug: str, source: str) -> Iterator[tuple[str, str]]:
    """The text of a cell in its order, as ("text" | "template", what it says)."""
    source, said = LABEL.sub("", source), ""
    while block := FENCE.search(source):
        said += roles(book, slug, source[: block.start()])
        title, body = block["title"].strip(), options(block["body"])[1]
        if block["name"] == "exercise":
            yield "text", said
            said = ""
            yield from exercise(book, slug, title, body)
        else:
            said += directive(book, slug, block["name"], title, block["body"])
        source = source[block.end() :]
    yield "text", said + roles(book, slug, source)


def options(body: str) -> tuple[dict[str, str], str]:
    """The options at the head of a directive, and its content."""
    found = {}
    while option := OPTION.match(body):
        found[option["name"]] = option["value"].strip()
        body = body[option.end() :]
    return found, body.strip("\n")


def directive(book: Book, slug: str, name: str, title: str, body: str) -> str:
    """A directive as plain Markdown."""
    given, content = options(body)
    inner = "".join(text for _, text in pieces(book, slug, content)).strip("\n")
    title = roles(book, slug, title)
    if name in DROPPED:
        return ""
    if name == "math":
        return f"$$\n{content}\n$$"
    if name == "chapter":
        needs = f" · you need {roles(book, slug, given['needs'])}" if "needs" in given else ""
        read = minutes(book.plan.pages[slug].text)
        return f"*{title}{needs} · {read} minutes*\n\nAfter this chapter you can\n\n{inner}\n"
    if name == "predict":
        question, _, answer = inner.partition("\n***")
        choices = re.sub(r"^- \[[ x]\]", "-", question, flags=re.M)
        return f"**Predict.** {title}\n\n{choices}\n\n{fold('Reveal', answer)}"
    if name == "solution":
        return fold("Solution", inner)
    if name in FOLDED:
        return fold(title or FOLDED[name], inner)
    if name in OPEN:
        return f"{title}\n\n{inner}" if title and name == "grid-item-card" else inner
    kind = name.split(":")[-1].capitalize()
    quoted = inner.replace("\n", "\n> ")
    return f"> **{kind}{f' ({title})' if title else ''}.**\n>\n> {quoted}\n"


def fold(title: str, text: str) -> str:
    """Some Markdown that opens when asked to."""
    return f"<details><summary>{title}</summary>\n\n{text.strip()}\n\n</details>\n"


def exercise(book: Book, slug: str, title: str, body: str) -> Iterator[tuple[str, str]]:
    """An exercise's text, and its template as code."""
    head = f"**Exercise{f': {roles(book, slug, title)}' if title else ''}.** "
    rest = head + body
    while template := CODE.search(rest):
        yield "text", roles(book, slug, rest[: template.start()])
        yield "template", template["code"]
        rest = rest[template.end() :]
    yield "text", roles(book, slug, rest)


def roles(book: Book, slug: str, text: str) -> str:
    """A text whose roles are links, words and gaps for numbers."""

    def plainly(found: re.Match[str]) -> str:
        said, target = found["text"] or "", found["target"] or found["plain"]
        match found["role"]:
            case "glue:text":
                return f"⟦{target}⟧"
            case "cite" | "cite:t" | "cite:p":
                return "[" + "; ".join(book.references.get(key.strip(), key) for key in target.split(",")) + "]"
            case "doc":
                page = posixpath.normpath(posixpath.join(posixpath.dirname(slug), target))
                heading = re.search(r"^# (.+)$", book.plan.pages[page].text, re.M) if page in book.plan.pages else None
                said = said or (heading[1] if heading else page)
                link = posixpath.relpath(page, posixpath.dirname(slug))
                return f"[{said}]({link}.ipynb)" if page in book.plan.notebooks else said
            case "ref" | "numref" | "prf:ref":
                return book.link(slug, target, said)
            case "eq":
                return f"({target})"
        return said or target

    return ROLE.sub(plainly, text)


def write_lab(plan: Plan) -> list[str]:
    """Write all chapters into the folder; returns the slugs of those that a reader has changed there, which stay.

    A digest in a notebook's metadata says what was written: any other content is a reader's.
    """
    book, kept = Book(plan), []
    for slug in plan.notebooks:
        file = plan.root / FOLDER / f"{slug}.ipynb"
        notebook = lab_notebook(book, slug)
        if file.exists() and digest_of(nbformat.read(file, as_version=4)) != stated(file):
            kept.append(slug)
            continue
        notebook.metadata["compendium"] = {"source": digest_of(notebook)}
        file.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, file)
    return kept


def digest_of(notebook: Any) -> str:
    """The digest of a notebook's sources: running it changes nothing."""
    return digest([[cell.cell_type, cell.source] for cell in notebook.cells])


def stated(file: Path) -> str:
    """The digest that a notebook was written with."""
    return str(nbformat.read(file, as_version=4).metadata.get("compendium", {}).get("source", ""))


def open_lab(plan: Plan) -> int:
    """Start JupyterLab on the chapters; returns its exit code."""
    register()
    return subprocess.call([sys.executable, "-m", "jupyterlab", f"--notebook-dir={plan.root / FOLDER}"], cwd=plan.root)
