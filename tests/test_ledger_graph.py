"""The drawing of which claim rests on which."""

from __future__ import annotations

import html
import re
from textwrap import wrap
from typing import Any

import networkx as nx

from compendium.claims.cards import typographic
from compendium.claims.ledger import Claim, load
from compendium.pages.ledger_graph import LONGEST, graph_html, placed, rests_on


def claim(id: str, *uses: str, **more: Any) -> Claim:
    fields = {"id": id, "item": "An <item> whose name is longer than its box", "where": "Sec. 0", "kind": "theorem"}
    fields |= {"statement": "So.", "printed": {"p": "1"}, "chapter": "ladder/bell", "verdict": "confirmed"}
    return Claim.model_validate(fields | {"uses": list(uses)} | more)


CLAIMS = {c.id: c for c in (claim("pc:a"), claim("pc:alone"), claim("new:b", "pc:a"), claim("new:c", "pc:a", "new:b"))}


def test_an_arrow_leads_from_the_ground_to_what_rests_on_it() -> None:
    assert set(rests_on(CLAIMS).edges) == {("pc:a", "new:b"), ("pc:a", "new:c"), ("new:b", "new:c")}


def test_whatever_rests_on_something_stands_to_the_right_of_it_and_no_two_share_a_place() -> None:
    graph = nx.gnp_random_graph(30, 0.1, seed=4, directed=True)
    graph = nx.DiGraph((f"pc:{a:02}", f"pc:{b:02}") for a, b in graph.edges if a < b)
    places = placed(graph)
    assert all(places[a][0] < places[b][0] for a, b in graph.edges)
    assert len(set(places.values())) == len(places) == len(graph)


def test_each_claim_of_the_drawing_is_a_link_to_its_check_with_its_whole_name() -> None:
    drawn = graph_html(CLAIMS)
    assert re.findall(r'href="([^"]+)"', drawn) == [
        f"../ladder/bell.html#claim-{id}" for id in ("pc-a", "new-b", "new-c")
    ]
    assert drawn.count('class="rests-arrow"') == 3
    assert "This book, An &lt;item&gt; whose name is longer than its box</title>" in drawn
    assert "<item>" not in drawn


def test_without_arrows_nothing_is_drawn() -> None:
    assert graph_html({"pc:alone": CLAIMS["pc:alone"]}) == ""


def test_every_label_is_whole_and_fits_its_box() -> None:
    """Two lines of thirty letters."""
    claims = load()
    drawn = graph_html(claims)
    for node in rests_on(claims):
        lines = wrap(typographic(claims[node].item), LONGEST)
        assert len(lines) <= 2, claims[node].item
        assert all(f">{html.escape(line, quote=False)}</text>" in drawn for line in lines), claims[node].item
