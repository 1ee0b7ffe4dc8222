"""Citations: what is shown is what the citation file and the bibliography say."""

import html
import re

import pytest

from compendium.pages.citations import ENTRY, bibtex, entries_html, load_bibliography, load_citation, papers

CFF = {"title": "A & B: 50%", "date-released": "2024-03-02", "authors": [{"name": "The society"}]}


def fields(entry: str) -> dict[str, str]:
    """The fields of a BibTeX entry."""
    return dict(re.findall(r"^ *(\w+) *= *\{(.*)\},?$", entry, re.MULTILINE))


def test_this_works_entry_has_the_title_the_authors_and_the_version_of_its_citation_file():
    citation = load_citation()
    entry = fields(bibtex(citation))
    assert entry["title"] == f"{{{citation['title']}}}"
    assert entry["author"] == " and ".join(f"{{{author['name']}}}" for author in citation["authors"])
    assert entry["version"] == citation["version"]
    assert entry["year"] == str(citation["date-released"])[:4]


def test_special_characters_are_escaped_and_braces_balance():
    entry = bibtex(CFF)
    assert r"A \& B: 50\%" in entry
    assert entry.count("{") == entry.count("}")
    assert ENTRY.fullmatch(entry)["key"] == "compendium2024"


def test_people_are_named_family_first_with_particle_and_suffix():
    person = {"family-names": "Neumann", "given-names": "John", "name-particle": "von", "name-suffix": "Jr."}
    entry = fields(bibtex({**CFF, "authors": [person, {"family-names": "B"}], "doi": "10.1/x", "url": "https://x.org"}))
    assert entry["author"] == "von Neumann, Jr., John and B"
    assert entry["doi"] == "10.1/x"
    assert entry["url"] == "https://x.org"


@pytest.mark.parametrize("name", ["title", "authors", "date-released"])
def test_a_citation_that_lacks_something_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"no {name}"):
        bibtex({key: value for key, value in CFF.items() if key != name})


def test_the_four_papers_are_found_by_their_numbers_in_the_order_of_the_citation_file():
    citation = load_citation()
    entries = papers(citation, load_bibliography())
    numbers = [paper["identifiers"][0]["value"] for paper in citation["references"]]
    assert [f"arXiv:{fields(entry)['eprint']}" for entry in entries] == numbers
    titles = [re.sub(r"[{}]", "", fields(entry)["title"]).replace("--", "-") for entry in entries]
    assert titles == [paper["title"] for paper in citation["references"]]


def test_a_paper_that_the_bibliography_lacks_is_refused_by_number():
    with pytest.raises(ValueError, match=r"eprint 1909\.05434"):
        papers({"references": [{"identifiers": [{"value": "arXiv:1909.05434"}]}]}, "")


def test_every_entry_of_the_bibliography_is_seen():
    text = load_bibliography()
    assert len(ENTRY.findall(text)) == len(re.findall(r"^@", text, re.MULTILINE))


def test_the_block_holds_the_entries_unchanged_and_is_one_that_gets_a_button():
    text = entries_html(['@misc{a,\n  title = {x < y \\& "z"}\n}'])
    assert re.match(r'<div class="highlight-bibtex notranslate"><div class="highlight"><pre>', text)
    assert (
        html.unescape(re.search(r"<pre>(.*)</pre>", text, re.DOTALL)[1]) == '@misc{a,\n  title = {x < y \\& "z"}\n}\n'
    )
