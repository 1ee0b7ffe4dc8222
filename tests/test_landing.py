"""The first page's parts: they show what they are given, escaped, and link to where it is shown at length."""

import base64
import re

from matplotlib.figure import Figure

from compendium.claims import ledger
from compendium.pages.first_page import Paper, Picture, gallery_html, map_html, state_html


def test_the_state_counts_every_item_once_and_leads_to_the_ledger():
    claims = ledger.load().values()
    html = state_html(claims)
    papers = ledger.of_papers(claims)
    *verdicts, own = map(int, re.findall(r"<strong>(\d+)</strong>", html))
    assert sum(verdicts) == len(papers)
    assert own == len(claims) - len(papers)
    assert f"{len(papers)} items" in html
    assert 'href="what-is-new.html"' in html
    assert "new here" not in state_html(papers)
    assert 'href="reference/corrections.html"' in html


def test_a_picture_is_embedded_described_and_linked():
    html = gallery_html([Picture("Is 1 < 2?", Figure(figsize=(1, 1)), 'a "plain" figure', "part/page.html", "pc")])
    source = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', html)[1]
    assert b"<svg" in base64.b64decode(source)
    assert "Is 1 &lt; 2?" in html
    assert 'alt="a &quot;plain&quot; figure"' in html
    assert 'href="part/page.html"' in html


def test_the_same_figure_is_the_same_bytes():
    pages = [gallery_html([Picture("?", Figure(figsize=(1, 1)), "", "p.html", "pc")]) for _ in range(2)]
    assert pages[0] == pages[1]


PAPERS = [Paper(key, (key.upper(), "& <Co>"), "A.", f"{key}.html") for key in ("pc", "wz", "sfc", "kang")]


def test_the_map_has_a_box_for_each_paper_and_an_arrow_and_a_line_for_each_relation():
    html = map_html(PAPERS, {("pc", "wz"): "helps", ("wz", "pc"): "thanks"})
    assert html.count("<rect") == 4
    assert html.count("map-head)") == 2
    assert "PC &amp; &lt;Co&gt;" in html
    assert re.search(r"PC &amp; &lt;Co&gt;.*→.*WZ &amp; &lt;Co&gt;</span>: helps</li>", html)


def test_an_arrow_and_the_one_back_do_not_cover_each_other_and_end_outside_the_boxes():
    html = map_html(PAPERS, {(a.key, b.key): "" for a in PAPERS for b in PAPERS if a is not b})
    ends = [tuple(map(float, xy)) for xy in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", html.split("</defs>")[1])]
    boxes = [tuple(map(float, b)) for b in re.findall(r'<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', html)]
    assert len(ends) == len(set(ends)) == 24
    assert not [(x, y) for x, y in ends for bx, by, w, h in boxes if bx < x < bx + w and by < y < by + h]
