"""The published book: what was executed, the ledger, the pages."""

import importlib.util
import json
import pickle
import re
import zipfile
from collections import Counter
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import compendium_pages
import nbformat
import pytest
from docutils import nodes
from published_book import KEY, PLAN, build

from compendium.build import reference
from compendium.build.plan import ROOT
from compendium.claims import ledger
from compendium.pages import formulas

SPEC = importlib.util.spec_from_file_location("light_pages", ROOT / "book/_ext/light_pages.py")
light_pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(light_pages)

LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src")}


class Page(HTMLParser):
    """What a page loads, links to and defines."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.ids, self.links, self.loads, self.images = path, [], [], [], []
        self.language = self.title = ""
        text = path.read_text(encoding="utf-8")
        self.feed(formulas.as_typed(text))  # what they consist of is most of a page, and refers to outlines alone
        self.ids += formulas.already_set(text)[1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.loads += [value for key, value in values.items() if (tag, key) in LOADED]
        if tag == "link" and values.get("rel") in ("stylesheet", "preload", "icon", "modulepreload"):
            self.loads.append(values["href"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "img":
            self.images.append(values)
        self.language = values.get("lang", "") if tag == "html" else self.language


@pytest.fixture(scope="module")
def pages(book) -> dict[Path, Page]:
    """Every page of the website."""
    paths = [path for path in sorted(PLAN.html.rglob("*.html")) if "_static" not in path.parts]
    return {path.resolve(): Page(path) for path in paths}


def test_no_notebook_to_take_away_says_when_it_was_executed(book):
    archives = sorted(PLAN.html.rglob("*-executed.zip"))
    assert len(archives) >= len(PLAN.chapters)
    for archive in map(zipfile.ZipFile, archives):
        (name,) = archive.namelist()
        metadata = [cell.get("metadata") for cell in json.loads(archive.read(name))["cells"]]
        assert not re.search(r"\d{4}-\d\d-\d\dT\d\d:", json.dumps(metadata)), name


def test_the_summary_counts_the_claims_and_names_the_file_to_open(book):
    claims = ledger.load().values()
    papers = ledger.of_papers(claims)
    own = Counter(claim.verdict for claim in claims if claim.paper == ledger.OWN)
    for verdict, number in Counter(claim.verdict for claim in papers).items():
        assert re.search(rf"{verdict} +{number} +{own[verdict]}\b", book.stdout), book.stdout
    assert f"Claims of the four papers ({len(papers)}), and this book's own" in book.stdout
    assert f"Open {PLAN.html / 'index.html'}" in book.stdout


def test_a_second_build_does_nothing(book):
    before = {path: path.stat().st_mtime_ns for path in PLAN.build.rglob("*.ipynb")}
    result = build()
    assert f"{len(PLAN.chapters)} chapters are up to date" in result.stdout
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_every_chapter_ran_without_error_or_warning(book):
    for slug in PLAN.notebooks:
        cells = nbformat.read(PLAN.executed(slug), as_version=4).cells
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"], slug


def test_no_cell_shows_how_python_writes_what_others_would_write_plainly(book):
    """A number of NumPy is shown as a number, a table as a table, a set as a list, and zero has no sign."""
    python = re.compile(r"np\.\w|array\(|dtype|frozenset\(| object at 0x|(?<![\w.])-0\.0+(?![\d.])")
    for slug in PLAN.notebooks:
        for cell in nbformat.read(PLAN.executed(slug), as_version=4).cells:
            for data in (output.get("data", {}) for output in cell.get("outputs", [])):
                if not data.keys() & {"text/html", "text/latex", "image/svg+xml"}:
                    assert not python.search(data.get("text/plain", "")), f"{slug}: {data['text/plain'][:200]}"


def test_the_picture_of_the_readme_is_the_chapter_s(book):
    drawn = PLAN.generated / "joint-exogeneity" / "quantum-violation" / "three-effects.svg"
    assert (ROOT / "book" / "_static" / drawn.name).read_bytes() == drawn.read_bytes()


def test_every_claim_that_is_not_open_has_one_record(book):
    records = json.loads(PLAN.ledger.read_text(encoding="utf-8"))
    due = {claim.id: claim.verdict for claim in ledger.load().values() if claim.verdict != "open"}
    assert {record["id"]: record["verdict"] for record in records} == due
    assert len(records) == len(due)


def test_every_check_has_refused_a_misprint_of_everything_printed(book):
    for record in json.loads(PLAN.ledger.read_text(encoding="utf-8")):
        assert record["mutants"] >= len(record["printed"]) > 0, record["id"]


def test_no_key_of_the_environment_is_stored(book):
    files = [*PLAN.build.rglob("*"), *(ROOT / ".snakemake").rglob("*"), *(ROOT / "data").rglob("*")]
    assert not [file for file in files if file.is_file() and KEY.encode() in file.read_bytes()]
    assert KEY not in book.stdout + book.stderr


def test_the_website_loads_nothing_from_elsewhere(pages):
    loaded = {url for page in pages.values() for url in page.loads}
    assert not [url for url in loaded if urlsplit(url).netloc]
    for sheet in PLAN.html.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_every_file_that_a_page_loads_is_there(pages):
    for page in pages.values():
        for url in page.loads:
            if not url.startswith("data:"):
                assert (page.path.parent / unquote(urlsplit(url).path)).exists(), f"{page.path}: {url}"


def test_what_others_have_written_travels_with_its_licence(pages):
    """Every file of the website is this book's own or is covered by a licence, whose text is there."""
    static = PLAN.html / "_static"
    own = {path.name for path in (ROOT / "book" / "_static").iterdir()} | {
        "excerpts.js",
        "previews.js",
        "claims.js",
    }  # made of the pages
    for path in (path.relative_to(static) for path in static.rglob("*") if path.is_file()):
        owners = [o for o, names in light_pages.LICENCES.items() if any(fnmatch(str(path), n) for n in names.split())]
        assert bool(owners) != (path.parts[0] in own), path
        for owner in owners:
            text = (static / "licences" / f"{owner}.txt").read_text(encoding="utf-8")
            assert re.search("licen[cs]e|redistribution", text, re.IGNORECASE), owner
            assert len(text) > 1000, owner


def test_every_internal_link_leads_somewhere(pages):
    for page in pages.values():
        for url in page.links:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path.resolve()
            assert target.exists(), f"{page.path.name}: {url}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in {*pages[target].ids, "", "top"}, f"{page.path.name}: {url}"


def test_the_ledgers_page_has_a_row_for_every_claim_and_a_link_for_every_check(pages):
    page = pages[(PLAN.html / "book/reference/ledger.html").resolve()]
    claims = ledger.load().values()
    assert [i for i in page.ids if i.startswith("row-")] == [f"row-{claim.anchor}" for claim in claims]
    linked = {url.split("#")[1] for url in page.links if "#claim-" in url}
    assert linked == {claim.anchor for claim in claims if claim.verdict != "open"}


def test_the_corrections_page_has_every_correction(pages):
    page = pages[(PLAN.html / "book/reference/corrections.html").resolve()]
    due = [claim.anchor.replace("claim-", "correction-", 1) for claim in ledger.load().values() if claim.correction]
    assert [i for i in page.ids if i.startswith("correction-")] == due


def test_every_module_is_documented_on_its_page(pages):
    for module in reference.documented(PLAN.library):
        page = pages[(PLAN.html / f"{reference.page_of(module)}.html").resolve()]
        assert [i for i in page.ids if i.startswith("module-")] == [f"module-{module}"]


def test_pages_declare_their_language_and_pictures_their_meaning(pages):
    for page in pages.values():
        if page.path.parent == PLAN.html and page.path.name == "index.html":
            continue  # leads to the first page
        assert page.language == "en", page.path
        assert not [image["src"] for image in page.images if not image.get("alt")], page.path


def test_ids_are_unique(pages):
    for page in pages.values():
        assert not [i for i, number in Counter(page.ids).items() if number > 1], page.path


def test_in_which_order_exercises_were_read_is_nothing_that_other_pages_show(book):
    """An edited page is read last: all pages would be written again."""
    env = pickle.loads((PLAN.build / "site/.doctrees/environment.pickle").read_bytes())
    exercises, before = env.sphinx_exercise_registry, compendium_pages.shared(env)
    env.sphinx_exercise_registry = dict(reversed(exercises.items()))
    assert compendium_pages.shared(env) == before
    label = next(label for label in exercises if label.startswith("ex-"))
    exercises[label]["node"][0] += nodes.Text("another title")
    assert compendium_pages.shared(env) != before
