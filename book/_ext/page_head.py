"""What a page says of itself to browsers, search engines and those who pass its address on.

Absolute addresses (canonical links, the sitemap, the picture of a social card) need ``html_baseurl`` in
``_config.yml``; without it they are left out.
"""

import html
import importlib.metadata
import re
from pathlib import Path
from typing import Any

from docutils import nodes

DISTRIBUTION = "causality-quantum-compendium"
LONGEST = 160  # characters of a description
PICTURE = "_static/social-card.png"


def description(doctree: Any) -> str:
    """The words with which a page begins; "" for a page without any."""
    for paragraph in doctree.findall(nodes.paragraph):
        words = " ".join(paragraph.astext().split())
        if len(words) > 30 and not list(paragraph.findall(nodes.math)):
            return shortened(words)
    return ""


def shortened(words: str) -> str:
    """A text of at most `LONGEST` characters, whole words.

    >>> shortened("a " * 100)[-3:]
    'a …'
    """
    return words if len(words) <= LONGEST else words[: words.rindex(" ", 0, LONGEST - 1)] + " …"


def describe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put a description, and what a social card shows, into the page's head."""
    if doctree is None:
        return
    title = html.escape(re.sub(r"<[^>]+>", "", context.get("title", "")) or app.config.html_title)
    tags = {"og:title": title, "og:type": "article", "og:site_name": html.escape(app.config.html_title)}
    if said := description(doctree):
        tags["og:description"] = html.escape(said)
        context["metatags"] = context.get("metatags", "") + f'<meta name="description" content="{html.escape(said)}">\n'
    if base := app.config.html_baseurl:
        tags |= {"og:image": f"{base.rstrip('/')}/{PICTURE}", "og:url": f"{base.rstrip('/')}/{page}.html"}
    context["metatags"] = context.get("metatags", "") + "".join(
        f'<meta property="{name}" content="{value}">\n' for name, value in tags.items()
    )


def state_version(app: Any, config: Any) -> None:
    """Say in the foot of every page which version of the book it belongs to."""
    version = importlib.metadata.version(DISTRIBUTION)
    config.html_theme_options = {**config.html_theme_options, "extra_footer": f"<p>Version {version}</p>"}


def write_sitemap(app: Any, error: Exception | None) -> None:
    """List all pages for search engines, if it is known where they will be."""
    base = app.config.html_baseurl.rstrip("/")
    if error or not base or app.builder.format != "html":
        return
    pages = sorted(app.env.found_docs)
    entries = "".join(f"<url><loc>{html.escape(f'{base}/{page}.html')}</loc></url>\n" for page in pages)
    text = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    Path(app.outdir, "sitemap.xml").write_text(f"{text}{entries}</urlset>\n", encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", state_version)
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
