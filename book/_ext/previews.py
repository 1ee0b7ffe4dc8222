"""What a link shows when it is pointed at: the term, claim, equation, theorem or reference that it leads to.

Browsers refuse to fetch pages from file:// pages, so that the texts of all targets travel in one script, which a page
loads when the first link is pointed at. The same walk over the pages finds what comes next, and what the ledger holds
for the search.
"""

import html
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

from compendium.claims.cards import prose, title

CLASSES = frozenset({"claim", "proof", "exercise", "citation"})  # of what can be shown, besides terms and equations
DROPPED = ".headerlink, script, style, details, .copybtn, img, svg"
LONGEST = 1200  # characters of a card's text; longer ones are cut after a paragraph


def learnt(name: str, page: Any) -> dict[str, Any]:
    """What other pages need to know of one: how it begins, where its links lead, what each of its targets shows."""
    return {
        "hook": first_sentence(page),
        "links": sorted({*targets(name, page)}),
        "shown": {node["id"]: content(node) for node in page.find_all(id=True) if can_be_shown(node)},
    }


def can_be_shown(node: Any) -> bool:
    """Whether something with an id is what a card can show."""
    if node.name in ("dt", "div") and node["id"].startswith(("term-", "equation-")):
        return True
    return node.name == "figure" or (node.name in ("div", "section") and bool(CLASSES & set(node.get("class", []))))


def previews(pages: Mapping[str, Mapping[str, Any]]) -> str:
    """The script with every target that some link leads to.

    pages : address → what was `learnt` of a page.
    """
    wanted = {target for page in pages.values() for target in page["links"]}
    shown = {f"{name}#{id}": text for name, page in pages.items() for id, text in page["shown"].items()}
    found = {target: text for target, text in sorted(shown.items()) if target in wanted}
    return f"const PREVIEWS = {json.dumps(found, ensure_ascii=False)};\n"


def targets(name: str, page: Any) -> Iterator[str]:
    """Where the links of a page's article lead, as page#id."""
    for link in page.find_all("a", href=True):
        parts = urlsplit(link["href"])
        if not parts.scheme and parts.fragment:
            yield f"{beside(name, parts.path) if parts.path else name}#{unquote(parts.fragment)}"


def beside(name: str, address: str) -> str:
    """An address on a page as one in the book."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(address)))


def content(node: Any) -> str:
    """What a card shows of a target, as HTML without ids."""
    shown = [copy(node)]
    if node.name == "dt":
        shown.append(copy(node.find_next_sibling("dd")))
    for part in shown:
        for unwanted in part.select(DROPPED):
            unwanted.decompose()
        for inner in (part, *part.find_all(True)):
            for name in ("id", "tabindex", "role", "aria-label"):
                inner.attrs.pop(name, None)
        for link in part.find_all("a"):
            link.unwrap()
    return shortened("".join(str(part) for part in shown))


def shortened(text: str) -> str:
    """The text up to a paragraph's end."""
    if len(text) <= LONGEST:
        return text
    end = text.rfind("</p>", 0, LONGEST)
    return str(BeautifulSoup(text[: end + 4 if end > 0 else LONGEST], "html.parser"))


def first_sentence(page: Any) -> str:
    """The first sentence without formulas of a page's text, not of the line on its paper; empty if there is none."""
    for paragraph in page.find_all("p"):
        if paragraph.find_parent(class_=["chapter-line", "chapter-goals", "predict"]):
            continue
        words = " ".join(paragraph.get_text(" ").split())
        words = re.sub(r" ([.,;:?!’)])", r"\1", words)
        for sentence in re.split(r"(?<=[.?!]) ", words):
            if "\\(" not in sentence and 20 <= len(sentence) <= 220 and sentence[-1] in ".?!":
                return sentence
    return ""


NEIGHBOUR = re.compile(
    r'(?P<link><a class="(?:left-prev|right-next)"\s+href="(?P<to>[^"#]*)[^>]*>.*?<p class="prev-next-title">.*?</p>)'
    r'(?:<p class="prev-next-hook">.*?</p>)?',
    re.DOTALL,
)


def announced(text: str, name: str, hooks: Mapping[str, str]) -> str:
    """A page on which the links to the previous and the next one say how those begin."""

    def say(link: re.Match[str]) -> str:
        hook = hooks.get(beside(name, link["to"]))
        return link["link"] + (f'<p class="prev-next-hook">{html.escape(hook)}</p>' if hook else "")

    return NEIGHBOUR.sub(say, text)


def claims_for_search(claims: Mapping[str, Any]) -> str:
    """The script with what the search looks for in the ledger: title, address, statement, words and printed values."""
    entries = [
        {
            "title": title(claim),
            "page": f"book/{claim.chapter}.html#{claim.anchor}",
            "says": prose(claim.statement),
            "words": json.dumps(
                [claim.id, title(claim), claim.where, claim.statement, claim.printed], ensure_ascii=False
            ),
        }
        for claim in claims.values()
        if claim.verdict != "open"
    ]
    return f"const CLAIMS = {json.dumps(entries, ensure_ascii=False)};\n"
