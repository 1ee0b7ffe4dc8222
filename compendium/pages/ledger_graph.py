"""Who rests on whom: the claims that name others, and those that they name, as a drawing with links."""

from __future__ import annotations

import html
from collections.abc import Mapping
from textwrap import wrap

import networkx as nx

from compendium.claims.cards import title, typographic
from compendium.claims.ledger import Claim
from compendium.pages.ledger_pages import link

WIDE, HIGH, GAP = 230, 44, 70  # of a claim's box, and between columns
ROW = 54
LONGEST = 30  # letters in a line of a label, of which the box holds two


def rests_on(claims: Mapping[str, Claim]) -> nx.DiGraph:
    """An arrow from each claim to every claim that rests on it; claims that stand alone are left out."""
    return nx.DiGraph([(ground, claim.id) for claim in claims.values() for ground in claim.uses])


def placed(graph: nx.DiGraph) -> dict[str, tuple[int, int]]:
    """Claim → (column, row): just left of the first that rests on it, and near the middle of those that do.

    What is connected stands together, one group below another.

    >>> placed(nx.DiGraph([("a", "c"), ("b", "c"), ("c", "d"), ("e", "d"), ("x", "y")]))
    {'d': (2, 0), 'c': (1, 0), 'e': (1, 1), 'a': (0, 0), 'b': (0, 1), 'y': (1, 2), 'x': (0, 2)}
    """
    places: dict[str, tuple[int, int]] = {}
    top = 0
    for group in sorted(map(sorted, nx.weakly_connected_components(graph)), key=lambda group: (-len(group), group)):
        part = graph.subgraph(group)
        layers = list(nx.topological_generations(part.reverse()))
        for column, layer in zip(reversed(range(len(layers))), layers, strict=True):
            middle = {node: _middle([places[n][1] for n in part.successors(node)], top) for node in layer}
            rows: dict[str, int] = {}
            for node in sorted(layer, key=lambda node: (middle[node], node)):
                rows[node] = max([round(middle[node]), *(row + 1 for row in rows.values())])
            down = round(sum(rows[node] - middle[node] for node in rows) / len(rows))  # too far, on average
            up = min(down, min(rows.values()) - top)
            places |= {node: (column, row - up) for node, row in rows.items()}
        top = 1 + max(places[node][1] for node in group)
    return places


def _middle(rows: list[int], otherwise: int) -> float:
    return sum(rows) / len(rows) if rows else otherwise


def graph_html(claims: Mapping[str, Claim]) -> str:
    """The drawing, in a box that scrolls, and the same as a list for those who do not see it; nothing for no arrows."""
    graph = rests_on(claims)
    if not graph:
        return ""
    places = placed(graph)
    at = {node: (column * (WIDE + GAP), row * ROW) for node, (column, row) in places.items()}
    width, height = max(x for x, _ in at.values()) + WIDE, max(y for _, y in at.values()) + ROW
    head = '<marker id="rests-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    arrows = "".join(_arrow(at[a], at[b]) for a, b in graph.edges)
    boxes = "".join(_box(claims[node], *at[node]) for node in graph)
    drawn = (
        f'<svg class="rests-on" viewBox="-4 -4 {width + 8:g} {height + 8:g}" width="{width + 8:g}" role="group" '
        f'aria-label="Which claim rests on which"><defs>{head}<path d="M0 0 8 4 0 8z"/></marker></defs>'
        f"{arrows}{boxes}</svg>"
    )
    return f'<div class="rests-on-box" tabindex="0" role="region" aria-label="Which claim rests on which">{drawn}</div>'


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x0, y0), (x1, y1) = (start[0] + WIDE, start[1] + HIGH / 2), (end[0], end[1] + HIGH / 2)
    bend = GAP * 0.6
    return (
        f'<path class="rests-arrow" d="M{x0:g} {y0:g}C{x0 + bend:g} {y0:g} {x1 - bend:g} {y1:g} {x1:g} {y1:g}" '
        'marker-end="url(#rests-head)"/>'
    )


def _box(claim: Claim, x: float, y: float) -> str:
    name = title(claim)
    lines = wrap(typographic(claim.item), LONGEST)
    said = f'<title>{html.escape(name)}</title><rect x="{x:g}" y="{y:g}" width="{WIDE}" height="{HIGH}" rx="6"/>'
    for k, line in enumerate(lines):
        height = y + HIGH / 2 + 5 + 17 * (k - (len(lines) - 1) / 2)
        said += f'<text x="{x + WIDE / 2:g}" y="{height:g}">{html.escape(line, quote=False)}</text>'
    target = link(claim)
    return f'<a class="part-{claim.paper}" href="{html.escape(target)}">{said}</a>' if target else f"<g>{said}</g>"
