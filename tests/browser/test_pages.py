"""The pages as a browser shows them: no error, no request elsewhere, every formula set, nothing that shuts anyone out.

Chromium opens the files of the book as a reader without a server does. Each page is seen on a phone and on a desktop;
a sample of all kinds of pages is judged by axe-core (WCAG 2.1 AA and its good practice) in light and in dark, with
COMPENDIUM_AXE=all every page. Without Chromium these tests are skipped.
"""

import contextlib
import gzip
import importlib.metadata
import os
import re
import zlib
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import chromium
import pytest
from published_book import PLAN

from compendium.build import reference
from compendium.claims import ledger

HERE = Path(__file__).parent
SCRIPTS = [(HERE / name).read_text(encoding="utf-8") for name in ("axe.min.js", "probe.js")]
EVERY_PAGE = os.environ.get("COMPENDIUM_AXE") == "all"
PHONE, DESKTOP = 390, 1280
PAINTED = "performance.getEntriesByName('first-contentful-paint').length"
MARKED = "glance().mismarked.length === 0"  # a tenth of a second after a change of width
MEGABYTE = 10**6
SAMPLE = {"intro", "explore", "notation", "ladder/bell", "joint-exogeneity/potential-outcomes", "course/lecture-07"}
SAMPLE |= {"reference/corrections", "reference/glossary", "reference/reproducing"}
GENERATED = ["search.html", "genindex.html", "py-modindex.html", "prf-prf.html"]


def pages() -> list[str]:
    """Every page, the heaviest first, so that no tab ends up waiting for the other."""
    modules = [f"{reference.page_of(name)}.html" for name in reference.documented(PLAN.library)]
    names = [f"book/{slug}.html" for slug in PLAN.pages] + modules + GENERATED
    return sorted(names, key=lambda name: -(PLAN.html / name).stat().st_size)


def judged(page: str) -> bool:
    """Whether axe-core looks at a page."""
    return EVERY_PAGE or page in GENERATED[:2] or page.removeprefix("book/").removesuffix(".html") in SAMPLE


@cache
def weight(address: str) -> int:
    """Bytes of a file as servers send it."""
    return len(gzip.compress(file_of(address).read_bytes(), 6))


def file_of(address: str) -> Path:
    return Path(unquote(urlsplit(address).path))


async def visit(tab: chromium.Tab, page: str) -> dict:
    """What is seen on a page."""
    await tab.open("about:blank")  # so that the page before is not laid out anew for the phone
    await tab.look(PHONE)
    await tab.open((PLAN.html / page).as_uri())
    await tab.js(SCRIPTS[1])
    await tab.wait_for(PAINTED)
    seen = {"page": page, "requests": tab.requests, "violations": []}
    seen["phone"], seen["content"] = await tab.js("[glance(), look()]")
    if judged(page):
        await tab.js(f"{SCRIPTS[0]}; lighten()")
        seen["violations"] += [f"phone, {found}" for found in await tab.js("auditScrolling()")]
    await tab.look(DESKTOP)
    seen["desktop"] = await tab.js("glance()")
    if judged(page):
        with contextlib.suppress(TimeoutError):  # what stays unmarked axe will name
            await tab.wait_for(MARKED, seconds=5)
        seen["violations"] += await tab.js("auditStructure()")
        for scheme in ("light", "dark"):
            await tab.look(DESKTOP, scheme=scheme)
            seen[scheme] = await tab.js("document.documentElement.dataset.theme")
            found = await tab.js("auditColours()")
            seen["violations"] += [f"{scheme}, {violation}" for violation in found]
    return seen | {"errors": tab.errors}


@pytest.fixture(scope="module")
def browser(tmp_path_factory, chromium_or_skip, book):
    with chromium.Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def chromium_or_skip() -> None:
    """Asked for before the book, so that nothing is built for nothing."""
    chromium.needed()


@pytest.fixture(scope="module")
def visits(browser) -> list[dict]:
    """What the browser saw on each page."""
    return browser.run(browser.side_by_side(visit, pages()))


@pytest.fixture
def at(browser):
    """A function that opens a page in a new tab, which is closed after the test."""
    pages = []

    def opened(page: str, width: int = DESKTOP) -> chromium.Page:
        name, *query = page.split("?")
        pages.append(chromium.Page(browser, "?".join([(PLAN.html / name).as_uri(), *query]), width))
        return pages[-1]

    yield opened
    for page in pages:
        page.run(page.tab.close())


def found(visits: list[dict], *keys: str) -> dict[str, object]:
    """What was seen wherever something was seen."""
    seen = {visit["page"]: visit for visit in visits}
    for key in keys:
        seen = {page: value[key] for page, value in seen.items()}
    return {page: value for page, value in seen.items() if value}


def test_no_page_has_an_error(visits):
    assert found(visits, "errors") == {}


def test_no_page_asks_for_anything_but_the_book_s_own_files(visits):
    asked = {request for visit in visits for request in visit["requests"]}
    assert all(request.startswith("file:") for request in asked)
    assert {request for request in asked if PLAN.html.resolve() not in file_of(request).resolve().parents} == set()


@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_no_page_scrolls_sideways(visits, width):
    assert found(visits, width, "overflow") == {}


def test_what_scrolls_shows_that_there_is_more(visits):
    assert found(visits, "phone", "mismarked") == {}


def test_a_box_fades_only_where_there_is_more(at):
    page = at("book/ladder/bell.html", PHONE)
    page.wait_for("document.querySelector('mjx-container.more-after') !== null")
    page.js("(box = document.querySelector('mjx-container.more-after')).scrollLeft = 1000")
    page.wait_for("box.classList.contains('more-before') && !box.classList.contains('more-after')")
    page.js("box.scrollLeft = 0")
    page.wait_for("box.classList.contains('more-after') && !box.classList.contains('more-before')")
    page.run(page.tab.look(DESKTOP))
    page.wait_for("!box.matches('.more-before, .more-after')")
    page.js(SCRIPTS[1])
    page.wait_for("glance().mismarked.length === 0")


def test_a_claim_that_is_opened_has_no_table_that_scrolls_on_a_phone_and_shows_where_one_does_elsewhere(at):
    """On a phone its values stand below one another, and only a formula too wide for the page scrolls."""
    page = at("book/counterfactuals/examples.html", PHONE)
    page.js(SCRIPTS[1])
    page.js("all('details.claim-more').forEach((card) => (card.open = true))")
    page.wait_for("all('details.claim-more .more-after').length && !all(SCROLLING).some(scrollsOn)")
    assert page.js("all('.claim-table').filter((table) => table.scrollWidth > table.clientWidth + 1).length") == 0
    page.run(page.tab.look(640))
    page.wait_for("all('.claim-table.more-after').length && !all(SCROLLING).some(scrollsOn)")


@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_the_titles_before_and_after_are_whole(visits, width):
    assert found(visits, width, "clipped") == {}


def test_what_is_folded_is_one_quiet_line(at):
    page = at("book/ladder/bell.html")
    page.js("title = getComputedStyle(document.querySelector('details.hide > summary > .collapsed'))")
    assert page.js("title.fontWeight") == "400"
    assert page.js("title.color === getComputedStyle(document.querySelector('details.hide > summary')).color")


def test_every_formula_is_set_without_error(visits):
    keys = ("unset", "mathErrors", "undefinedMacros")
    assert {key: pages for key in keys if (pages := found(visits, "content", key))} == {}


def test_every_token_of_every_formula_has_an_outline(visits):
    """What a screen reader is told is what the eye sees; most pages have formulas, so the test sees some."""
    assert found(visits, "content", "withoutOutline") == {}
    assert sum(visit["content"]["formulas"] for visit in visits) > 1000
    assert all(visit["content"]["tokens"] >= visit["content"]["formulas"] for visit in visits)


def test_a_letter_whose_outline_is_taken_away_is_missed(at):
    page = at("book/notation.html")
    page.js(SCRIPTS[1])
    formula = "document.querySelector('mjx-container:has(svg g[data-mml-node=mi] use)')"
    assert page.js(f"withoutOutline({formula})") == []
    page.js(f"document.querySelector({formula}.querySelector('use').getAttribute('href')).setAttribute('d', '')")
    assert page.js(f"withoutOutline({formula})") != []


def test_letters_of_the_system_s_font_are_those_that_mathjax_lacks(visits):
    """Characters that MathJax has in its font are drawn from it; only others may be letters of the system's font."""
    script = next(f for f in importlib.metadata.files("sphinx-mathjax-offline") if f.match("svg/fonts/tex.js"))
    fonts = re.findall(r'[{,](\d+):"', script.read_text(encoding="utf-8"))
    missing = {visit["page"]: visit["content"]["withoutGlyph"] for visit in visits}
    assert {page: text for page, text in missing.items() if any(str(ord(c)) in fonts for c in text)} == {}


def test_every_page_has_one_heading_of_the_first_level(visits):
    assert {visit["page"]: visit["content"]["headings"] for visit in visits if visit["content"]["headings"] != 1} == {}


def test_the_system_s_wish_for_light_or_dark_is_obeyed(visits):
    modes = {scheme: {visit[scheme] for visit in visits if scheme in visit} for scheme in ("light", "dark")}
    assert modes == {"light": {"light"}, "dark": {"dark"}}


def test_axe_finds_no_violation_in_light_nor_dark(visits):
    assert found(visits, "violations") == {}


def test_the_ledger_counts_what_it_shows(visits):
    shown = {visit["content"]["shown"] for visit in visits if visit["page"].endswith("/ledger.html")}
    assert shown == {f"{len(PLAN.claims)} of {len(PLAN.claims)} claims shown"}


def test_there_is_one_search_field(visits):
    assert {visit["content"]["searchFields"] for visit in visits if visit["page"].startswith("book")} == {1}


# ── Weight and speed ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_website_is_smaller_than_58_megabytes_and_packs_into_less_than_12(book):
    contents = [file.read_bytes() for file in PLAN.html.rglob("*") if file.is_file()]
    assert sum(map(len, contents)) < 58 * MEGABYTE
    assert sum(len(zlib.compress(content)) for content in contents) < 12 * MEGABYTE


def test_the_first_view_of_a_page_is_lighter_than_half_a_megabyte_and_that_of_the_search_than_one(visits):
    weights = {visit["page"]: sum(map(weight, {*visit["requests"]})) for visit in visits}
    heavy = {page: bytes_ for page, bytes_ in weights.items() if bytes_ >= MEGABYTE / 2}
    assert {*heavy} == {"search.html"}
    assert heavy["search.html"] < MEGABYTE


def test_every_page_can_be_read_after_two_seconds(browser, visits):
    """When the machine was busy a page is timed again, alone."""
    slow = {visit["page"]: visit["phone"]["painted"] for visit in visits if not visit["phone"]["painted"] < 2000}

    async def again(tab: chromium.Tab, page: str) -> float:
        await tab.open((PLAN.html / page).as_uri())
        await tab.js(SCRIPTS[1])
        await tab.wait_for(PAINTED)
        return await tab.js("glance().painted")

    for _ in range(3):
        times = browser.run(browser.side_by_side(again, slow, tabs=1))
        slow = {page: time for page, time in zip(slow, times, strict=True) if not time < 2000}
    assert slow == {}


# ── By keyboard ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_stop_of_the_tab_key_leads_past_the_menus(at):
    page = at("book/intro.html")
    page.press("Tab")
    assert "main-content" in page.js("document.activeElement.outerHTML")


def test_the_ledger_is_filtered_and_sorted_by_keyboard(at):
    page = at("book/reference/ledger.html")
    rows = "[...document.querySelectorAll('.ledger-table tbody tr:not([hidden])')]"
    page.focus(".ledger-controls select[name=verdict]")
    page.press("ArrowDown")
    chosen = page.js("document.querySelector('.ledger-controls select[name=verdict]').value")
    verdicts = page.js(f"{rows}.map((row) => row.dataset.verdict)")
    assert set(verdicts) == {chosen}
    assert len(verdicts) == sum(claim.verdict == chosen for claim in ledger.load().values())
    page.focus(".ledger-table thead button")
    column = f"{rows}.map((row) => row.cells[0].textContent.trim())"
    for key in ("Enter", " "):
        page.press(key)
        up, cells = page.js(f"[document.querySelector('[aria-sort]').ariaSort, {column}]")
        assert up == {"Enter": "ascending", " ": "descending"}[key]
        sorted_cells = page.js(f"{column}.sort(new Intl.Collator('en', {{numeric: true}}).compare)")
        assert cells == (sorted_cells if key == "Enter" else sorted_cells[::-1])


def test_the_ledger_finds_a_claim_by_what_is_printed(at):
    page = at("book/reference/ledger.html")
    page.focus(".ledger-controls input[name=text]")
    page.press(*"0.1339")
    shown = page.js("[...document.querySelectorAll('.ledger-table tbody tr:not([hidden])')].map((row) => row.id)")
    due = {claim.anchor for claim in ledger.load().values() if "0.1339" in str(claim.printed)}
    assert due
    assert {f"row-{anchor}" for anchor in due} <= set(shown)
    assert len(shown) < len(PLAN.claims) / 10


def test_solutions_open_by_keyboard(at):
    page = at("book/joint-exogeneity/potential-outcomes.html")
    solution = ".solution.dropdown, .admonition.dropdown"
    hidden = f"document.querySelector({solution!r}).classList.contains('toggle-hidden')"
    assert page.js(hidden)
    page.focus(", ".join(f"{part} .toggle-button" for part in solution.split(", ")))
    for key, expected in (("Enter", False), (" ", True)):
        page.press(key)
        assert page.js(hidden) is expected


def test_a_claim_s_card_opens_by_keyboard(at):
    page = at("book/joint-exogeneity/potential-outcomes.html")
    page.focus("details.claim-more summary")
    for key, opened in (("Enter", True), (" ", False)):
        page.press(key)
        assert page.js("document.querySelector('details.claim-more').open") is opened


DECKS = sorted(slug for slug in PLAN.pages if slug.startswith(("course/lecture", "course/seminar")))
NOW = "document.querySelector('.slide-now')"
SAID = "document.querySelector('.slide-number').textContent"
DUE = "document.querySelectorAll('.slide-now .step-due').length"
OVERFLOW = f"((s) => [s.scrollHeight - s.clientHeight, s.scrollWidth - s.clientWidth])({NOW})"
LOWEST = f"""Math.max(...[...{NOW}.querySelectorAll(".slide-body > img, .slide-text > *")]
  .map((part) => part.getBoundingClientRect().bottom)) / innerHeight"""
UNDRAWN = f"[...{NOW}.querySelectorAll('img')].filter((picture) => !picture.naturalWidth).length"
SMALLEST = f"""Math.min(...[...{NOW}.querySelectorAll("mjx-container[display]")]
  .map((formula) => parseFloat(getComputedStyle(formula).fontSize)), 99)"""
SLIDES = """[...document.querySelectorAll(".bd-article section section")]
  .filter((section) => !section.querySelector(".lecture-plan")).map((section) => section.id)"""


@pytest.fixture(scope="module", params=DECKS)
def deck(request, browser):
    """A lecture in a tab of its own, and its page; the tests of one deck come one after the other."""
    page = chromium.Page(browser, (PLAN.html / f"book/{request.param}.html").as_uri(), PHONE)
    yield page
    page.run(page.tab.close())


def presenting(page: chromium.Page, width: int, height: int) -> list[str]:
    """Begin to present by keyboard, on a screen of that size; the ids of the slides."""
    if page.js("document.querySelector('.slide-now') !== null"):
        page.press("Escape")
    if page.js("[innerWidth, innerHeight]") != [width, height]:
        page.run(page.tab.look(width, height))
        page.js("new Promise((done) => setTimeout(done, 200))")  # formulas that became too wide get their line then
    page.focus("button.present")
    page.press("Enter", "Home")
    return page.js(SLIDES)


def test_slides_fit_the_width_of_a_phone_with_formulas_that_can_be_read(deck):
    for name in presenting(page := deck, PHONE, 844):
        assert page.js(f"{NOW}.id") == name
        assert page.js(OVERFLOW)[1] == 0, name
        assert page.js(SMALLEST) >= 14, name
        page.press(*["ArrowRight"] * (page.js(DUE) + 1))


def test_slides_fill_a_projector_and_steps_appear_one_by_one(deck):
    slides = presenting(page := deck, DESKTOP, 720)
    for number, name in enumerate(slides, start=1):
        assert page.js(f"{NOW}.id") == name
        assert page.js("location.hash") == f"#{name}"
        assert page.js(SAID).startswith(f"{number} of {len(slides)} · minute ")
        for left in reversed(range(page.js(DUE))):
            page.press("ArrowRight")
            assert (page.js(f"{NOW}.id"), page.js(DUE)) == (name, left)
        assert (page.js(OVERFLOW), page.js(UNDRAWN)) == ([0, 0], 0), name
        assert page.js(LOWEST) > 0.55, f"the lower half of {name} is empty"
        page.press("ArrowRight")
    assert page.js(f"{NOW}.id") == slides[-1]


def test_slides_obey_all_keys_and_their_addresses(deck):
    slides = presenting(page := deck, DESKTOP, 720)
    notes = f"getComputedStyle({NOW}.querySelector('.slide-notes')).display"
    shown = [page.js(notes)]
    for _ in range(2):
        page.press("n")
        shown.append(page.js(notes))
    assert shown == ["none", "block", "none"]
    for key, name in (("End", slides[-1]), ("Home", slides[0])):
        page.press(key)
        assert page.js(f"{NOW}.id") == name
    page.press("Escape")
    assert page.js("document.querySelectorAll('.slide-now, .step-due, html.presenting').length") == 0
    assert page.js("document.activeElement.className") == "present"
    page.js(f"location.hash = {slides[2]!r}")
    page.focus("button.present")
    page.press("Enter")
    assert page.js(f"{NOW}.id") == slides[2]
    page.press("ArrowLeft")
    assert (page.js(f"{NOW}.id"), page.js(DUE)) == (slides[1], 0), "back to a slide that is shown whole"


def test_the_menu_of_a_phone_opens_and_closes_by_keyboard(at):
    page = at("book/intro.html", PHONE)
    page.focus("button.primary-toggle")
    page.press("Enter")
    within = "document.activeElement.closest('dialog[open]') !== null"
    assert page.js(within)
    page.press("Tab")
    assert page.js(within)
    page.press("Escape")
    assert not page.js("document.querySelector('dialog[open]') !== null")


# ── Search ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "chapter"),
    [
        ("exogeneity", "joint-exogeneity/potential-outcomes.html"),
        ("d-separation", "fine-tuning/d-separation.html"),
        ("counterfactual", "ladder/counterfactuals.html"),
        ("CHSH", "ladder/bell.html"),
    ],
)
def test_search_finds(at, words, chapter):
    page = at(f"search.html?q={words}")
    links = page.wait_for(
        "/finished|found/.test(document.querySelector('.search-summary')?.textContent) && "
        "[...document.querySelectorAll('#search-results li > a')].map((a) => a.href)"
    )
    assert any(urlsplit(link).path.endswith(chapter) for link in links), links
    assert all(file_of(link).exists() for link in links)
    assert page.tab.errors == []


def test_what_the_search_finds_in_the_ledger_is_said_with_formulas_that_are_set(at):
    page = at("search.html?q=exogeneity")
    found = "document.querySelector('#search-results')?.previousElementSibling"
    page.wait_for(f"{found}.querySelectorAll('li mjx-container').length > 5")
    assert not re.search(r"\$|\\[([]", page.js(f"{found}.innerText"))
    assert page.tab.errors == []


def test_the_card_of_a_link_shows_its_formulas_set(at):
    page = at("book/joint-exogeneity/how-large.html")
    assert page.js("typeof MathJax") == "undefined", "a page needs none of it for its own"
    page.focus("article a.reference[href*=equation]")
    page.wait_for("document.querySelector('#preview-card mjx-container svg path') !== null")
    assert "\\" not in page.js("document.querySelector('#preview-card').innerText")
    assert page.tab.errors == []


def test_a_word_typed_into_the_search_field_is_found(at):
    page = at("book/intro.html")
    page.focus("button.search-button-field, .search-button")
    page.press("Enter")
    assert page.js("document.activeElement.matches('input[type=search]')")
    page.press(*"exogeneity")
    page.press("Enter")
    summary = "document.querySelector('.search-summary')?.textContent ?? ''"
    page.wait_for(f"/found/.test({summary})")
    assert page.js("document.querySelectorAll('#search-results li').length") > 3


# ── On paper ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_chapter_fits_on_paper(at):
    """Nothing is cut off at the page's edge, and what only a screen can use is left out."""
    page = at("book/joint-exogeneity/potential-outcomes.html", 680)
    page.run(page.tab.send("Emulation.setEmulatedMedia", media="print"))
    assert page.js("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    shown = "[...document.querySelectorAll(" + repr(".bd-sidebar-primary, .prev-next-footer, .bd-header-article") + ")]"
    assert page.js(f"{shown}.filter((e) => e.checkVisibility()).map((e) => e.className)") == []
