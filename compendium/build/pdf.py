"""The book as one PDF: all pages of the built website in one document, printed by Chromium.

The document is printed twice: the first time tells on which page each section begins, the second prints the table of
contents with these numbers. The programming interface is left out: it is for looking things up, on the website.
"""

import functools
import html
import posixpath
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from compendium.build.plan import EDITIONS, Plan, read_yaml
from compendium.pages import formulas

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PRINT = ("--no-pdf-header-footer", "--generate-pdf-document-outline", "--virtual-time-budget=3600000")
DISTRIBUTION = "causality-quantum-compendium"
TIMEOUT = 1800  # seconds
LEFT_OUT = ("reference/api",)
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
REFERRING = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "headers")
DROPPED = (
    ".headerlink, .figure-files, button:not(th > button, .explore button), .prev-next-area, template, .ledger-controls"
)
DATA = 'script[type]:not([type="text/javascript"], [type="module"], .explore > script)'
OPENED = ("claim-more", "claim-wide", "dropdown")  # what is folded on a screen and not on paper


class PdfError(Exception):
    """The book could not be printed; the message says why."""


def browser() -> str:
    """The Chromium to print with. Raises ``PdfError`` where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise PdfError(f"printing needs Chromium or Chrome, and none is found (looked for: {', '.join(BROWSERS)})")
    return found


def make_pdf(plan: Plan) -> Path:
    """Print the built website of a profile's edition; returns the file.

    Raises ``PdfError`` without a website or a browser, and when the browser fails.
    """
    command, index = browser(), plan.html / "index.html"
    if not index.exists():
        raise PdfError(f"there is no website at {index.relative_to(plan.root)}: build it first")
    book = merge(plan)
    numbers: Mapping[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="print-", dir=plan.build) as folder:
        document = plan.html.with_name(f"{plan.html.name}-{Path(folder).name}.html")  # beside what it refers to
        partial = Path(folder, "book.pdf")
        try:
            for _ in range(2):
                document.write_text(book.document(numbers), encoding="utf-8")
                print_document(command, document, partial)
                numbers = page_numbers(partial)
        finally:
            document.unlink(missing_ok=True)
        finish(plan, partial, book.headings)
        return Path(shutil.move(partial, pdf_file(plan)))


def pdf_file(plan: Plan) -> Path:
    """Where the book of a profile's edition goes."""
    edition = "" if plan.edition == EDITIONS[0] else f"-{plan.edition}"
    return plan.build / f"causality-and-quantum-theory{edition}.pdf"


def print_document(command: str, document: Path, output: Path) -> None:
    """Have a document printed."""
    with tempfile.TemporaryDirectory(prefix="print-") as folder:
        order = [command, *FLAGS, *PRINT, f"--user-data-dir={folder}", f"--print-to-pdf={output}", document.as_uri()]
        try:
            done = subprocess.run(order, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            raise PdfError(f"{command} has not finished after {TIMEOUT} s") from None
    if done.returncode or not output.exists():
        raise PdfError(f"{command} failed ({done.returncode}):\n{done.stderr.strip()}")


def page_numbers(file: Path) -> dict[str, int]:
    """Where each destination of a PDF is, as a page number."""
    from pypdf import PdfReader

    reader = PdfReader(file)
    found = ((name, reader.get_destination_page_number(at)) for name, at in reader.named_destinations.items())
    return {unquote(name.lstrip("/")): number + 1 for name, number in found if number is not None}


def finish(plan: Plan, file: Path, headings: frozenset[str]) -> None:
    """Say in a PDF what it is about and by whom, number its pages as they are printed, mend its bookmarks."""
    from pypdf import PdfWriter
    from pypdf.generic import NameObject, TextStringObject

    config, citation = read_yaml(plan.root / "_config.yml"), read_yaml(plan.root / "CITATION.cff")
    writer = PdfWriter(clone_from=file)
    about = {"/Title": config["title"], "/Author": config["author"], "/Keywords": ", ".join(citation["keywords"])}
    writer.add_metadata({**about, "/Subject": metadata.metadata(DISTRIBUTION)["Summary"]})
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")
    writer.set_page_label(0, 0, prefix="Cover")
    writer.set_page_label(1, len(writer.pages) - 1, style="/D", start=2)
    for bookmark in bookmarks(writer.root_object["/Outlines"]):
        bookmark[NameObject("/Title")] = TextStringObject(once(str(bookmark["/Title"]), headings))
    writer.write(file)


def bookmarks(parent: Any) -> Iterator[Any]:
    """Every bookmark of a PDF's outline."""
    child = parent.get("/First")
    while child is not None:
        yield child.get_object()
        yield from bookmarks(child.get_object())
        child = child.get_object().get("/Next")


def once(title: str, headings: frozenset[str]) -> str:
    """A bookmark's title; Chromium says it again for each time that it has moved the heading to another page.

    >>> once("ExercisesExercises", frozenset({"Exercises"})), once("papapa", frozenset({"papapa", "pa"}))
    ('Exercises', 'papapa')
    """
    repeated = re.fullmatch(r"(.+?)\1+", title)
    return repeated[1] if repeated and title not in headings and repeated[1] in headings else title


# --- one document of many pages ---------------------------------------------------------------------------------------


class Book:
    """The parts of the printed document; `document` puts them together."""

    def __init__(self, title: str, subtitle: str, head: str) -> None:
        self.title, self.subtitle, self.head = title, subtitle, head
        self.body: list[str] = []
        self.entries: list[tuple[int, str, str]] = []  # level, id, text
        self.headings: frozenset[str] = frozenset()
        self.drawn: dict[str, str] = {}  # the formulas, as their pages have them
        self.glyphs: dict[str, str] = {}

    def document(self, numbers: Mapping[str, int]) -> str:
        """The whole document, its contents with page numbers as far as they are known."""
        lines = "".join(
            f'<li class="level-{level}">'
            f'<a href="#{key}"><span>{text}</span> <span>{numbers.get(key, "")}</span></a></li>'
            for level, key, text in self.entries
        )
        front = f'<header class="print-front"><p>{self.title}</p><p>{self.subtitle}</p></header>'
        contents = f'<nav class="print-contents"><h1 id="print-contents">Contents</h1><ol>{lines}</ol></nav>'
        title = f"<title>{self.title}</title>"
        opening = f'<!doctype html><html lang="en" data-theme="light" data-mode="light"><head>{title}{self.head}</head>'
        text = f'{opening}<body class="print-book">{front}{contents}{"".join(self.body)}</body></html>'
        return formulas.with_formulas(text, self.drawn, self.glyphs)


def merge(plan: Plan) -> Book:
    """The pages of a website as one document that lies beside it."""
    toc, config = read_yaml(plan.root / "_toc.yml"), read_yaml(plan.root / "_config.yml")
    where = plan.html.name
    files = {slug: plan.html / "book" / f"{slug}.html" for slug in plan.pages if slug not in LEFT_OUT}
    texts = {slug: file.read_text(encoding="utf-8") for slug, file in files.items()}
    pages = {slug: soup(formulas.as_typed(text)) for slug, text in texts.items()}
    edition = "Student edition, without solutions" if plan.edition == "student" else "With solutions to the exercises"
    version = metadata.version(DISTRIBUTION)
    first = head(pages[slug := next(iter(pages))], slug, where)
    book = Book(html.escape(config["title"]), f"{edition}. Version {version}.", first)
    for drawn, glyphs in map(formulas.already_set, texts.values()):
        book.drawn |= {formula: searchable(formula, picture) for formula, picture in drawn.items()}
        book.glyphs |= glyphs
    for caption, slugs in parts(toc):
        shown = [slug for slug in slugs if slug in pages]
        if caption and shown:
            key = f"part-{len(book.entries)}"
            book.entries.append((1, key, html.escape(caption)))
            book.body.append(f'<h1 class="print-part" id="{key}">{html.escape(caption)}</h1>')
        for slug in shown:
            article = localised(pages[slug], slug, where, set(pages))
            heading = article.find("h2")  # was the page's h1
            book.entries.append((2 if caption else 1, heading["id"], heading.decode_contents()))
            book.headings |= {" ".join(node.get_text().split()) for node in article.find_all(HEADINGS)}
            book.body.append(f'<article class="bd-article" id="{page_id(slug)}">{article.decode_contents()}</article>')
    return book


def soup(text: str) -> Any:
    """A page, parsed."""
    from bs4 import BeautifulSoup

    return BeautifulSoup(text, "html.parser")


def searchable(formula: str, picture: str) -> str:
    """A formula's picture with its source, since a picture can be neither searched nor copied."""
    said = f'<span class="formula-text">{html.escape(formula[2:-2])}</span>'
    return picture.replace("</mjx-container>", f"{said}</mjx-container>")


def parts(toc: Any) -> Iterator[tuple[str, list[str]]]:
    """Caption and slugs of each part of a table of contents, what comes before the first without a caption."""
    from compendium.build.plan import toc_files

    yield "", [toc["root"].removeprefix("book/")]
    for part in toc.get("parts", [toc]):
        rest = {key: value for key, value in part.items() if key != "root"}
        yield part.get("caption", ""), [file.removeprefix("book/") for file in toc_files(rest)]


def head(page: Any, slug: str, where: str) -> str:
    """Style sheets, as a page has them."""
    sheets = [urlsplit(link["href"]).path for link in page.find_all("link", rel="stylesheet")]
    links = "".join(
        f'<link rel="stylesheet" href="{resolved(sheet, posixpath.dirname(f"book/{slug}"), where)}">'
        for sheet in sheets
    )
    return f'<meta charset="utf-8">{links}'


def resolved(url: str, folder: str, where: str) -> str:
    """A page's relative address as seen from beside the website."""
    parts = urlsplit(url)
    path = posixpath.normpath(posixpath.join(where, folder, parts.path))
    return f"{path}#{parts.fragment}" if parts.fragment else path


def page_id(slug: str) -> str:
    """What a page's ids begin with in the document: ids are unique in a page, not in the book."""
    return slug.replace("/", "-")


def localised(page: Any, slug: str, where: str, slugs: set[str]) -> Any:
    """A page's article: headings one level down, ids that are the page's own, links within the document."""
    article = page.select_one("article.bd-article")
    for node in article.select(f"{DROPPED}, {DATA}"):
        node.decompose()
    for level in (5, 4, 3, 2, 1):
        for heading in article.find_all(f"h{level}"):
            heading.name = f"h{level + 1}"
    first = article.find("h2")
    first["id"] = first.get("id") or "top"
    key, folder = page_id(slug), posixpath.dirname(f"book/{slug}")
    for node in article.find_all(id=True):
        node["id"] = f"{key}--{node['id']}"
    for name in REFERRING:
        for node in article.find_all(attrs={name: True}):
            value = node[name]
            names = value if isinstance(value, list) else value.split()
            node[name] = " ".join(f"{key}--{each}" for each in names)
    for node in article.find_all("details"):
        node.attrs |= {"open": ""} if set(OPENED) & set(node.get("class", [])) else {}
    for node in article.find_all(src=True):
        if not urlsplit(node["src"]).scheme:
            node["src"] = resolved(node["src"], folder, where)
    link = functools.partial(linked, key=key, folder=folder, slugs=slugs)
    for node in article.find_all("a", href=True):
        target = link(node["href"])
        node.attrs["href"] = target
        if not target:
            node.unwrap()
    return article


def linked(url: str, key: str, folder: str, slugs: set[str]) -> str:
    """An address in a page as one in the document; empty for what the document does not have."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return url
    if not parts.path:
        return f"#{key}--{parts.fragment}" if parts.fragment else f"#{key}"
    path = posixpath.normpath(posixpath.join(folder, unquote(parts.path)))
    slug = path.removeprefix("book/").removesuffix(".html")
    if slug not in slugs or not path.endswith(".html"):
        return ""
    return f"#{page_id(slug)}--{parts.fragment}" if parts.fragment else f"#{page_id(slug)}"
