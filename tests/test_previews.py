"""What links show, what comes next, and what the search finds in the ledger."""

import importlib.util
import json
import sys

from bs4 import BeautifulSoup

from compendium import paths
from compendium.claims import ledger

SPEC = importlib.util.spec_from_file_location("previews", paths.BOOK / "_ext" / "previews.py")
previews = importlib.util.module_from_spec(SPEC)
sys.modules["previews"] = previews
SPEC.loader.exec_module(previews)

GLOSSARY = """<article><section><p>Words. More words that explain.</p>
<dl><dt id="term-do">do<a class="headerlink">#</a></dt>
<dd><p>To set a <a href="x.html">variable</a>.</p></dd><dt id="term-see">see</dt><dd><p>To look.</p></dd></dl>
</section></article>"""
CHAPTER = """<article><section><p>\\(x\\) first. </p><p>An effect that is zero looks large. And so on.</p>
<a href="../reference/glossary.html#term-do">do</a><a href="#equation-one">(1)</a>
<div class="math" id="equation-one">\\[x\\]</div></section></article>"""


def pages() -> dict[str, BeautifulSoup]:
    texts = {"book/reference/glossary.html": GLOSSARY, "book/ladder/bell.html": CHAPTER}
    return {name: BeautifulSoup(text, "html.parser") for name, text in texts.items()}


def test_every_target_that_is_linked_to_has_a_preview_and_no_other() -> None:
    script = previews.previews({name: previews.learnt(name, page) for name, page in pages().items()})
    shown = json.loads(script.removeprefix("const PREVIEWS = ").rstrip().rstrip(";"))
    assert set(shown) == {"book/reference/glossary.html#term-do", "book/ladder/bell.html#equation-one"}
    assert "To set a variable." in BeautifulSoup(shown["book/reference/glossary.html#term-do"], "html.parser").text
    assert not any(" id=" in text or "headerlink" in text or "<a" in text for text in shown.values())


def test_a_page_is_announced_by_its_first_sentence_without_formulas() -> None:
    assert previews.first_sentence(pages()["book/ladder/bell.html"]) == "An effect that is zero looks large."


def test_the_links_below_a_page_say_how_its_neighbours_begin() -> None:
    link = '<a class="right-next"\n href="bell.html"\n title="next page"><p class="prev-next-title">Bell</p></a>'
    said = previews.announced(link, "book/ladder/three.html", {"book/ladder/bell.html": "It <begins>."})
    assert said == link.replace("</p>", '</p><p class="prev-next-hook">It &lt;begins&gt;.</p>')
    assert previews.announced(said, "book/ladder/three.html", {"book/ladder/bell.html": "It <begins>."}) == said


def test_the_search_finds_every_item_by_its_id_and_its_printed_values() -> None:
    script = previews.claims_for_search(ledger.load())
    entries = json.loads(script.removeprefix("const CLAIMS = ").rstrip().rstrip(";"))
    assert len(entries) == sum(claim.verdict != "open" for claim in ledger.load().values())
    assert [e["page"] for e in entries if "0.1339" in e["words"]] == [
        "book/joint-exogeneity/quantum-violation.html#claim-wz-lower-bound"
    ]
