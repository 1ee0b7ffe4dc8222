"""What a page says of itself in its head."""

import importlib.util
from types import SimpleNamespace

from docutils import nodes

from compendium import paths

SPEC = importlib.util.spec_from_file_location("page_head", paths.BOOK / "_ext" / "page_head.py")
page_head = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(page_head)

PAGE = nodes.section(
    "", nodes.paragraph(text="Short."), nodes.paragraph(text="A coin decides who is <treated> and nothing else.")
)


def app(base: str = "") -> SimpleNamespace:
    return SimpleNamespace(config=SimpleNamespace(html_title="A book", html_baseurl=base))


def test_a_page_is_described_by_the_words_it_begins_with_escaped() -> None:
    context: dict[str, str] = {"title": "Bell <em>x</em>"}
    page_head.describe(app(), "book/ladder/bell", "page.html", context, PAGE)
    assert (
        '<meta name="description" content="A coin decides who is &lt;treated&gt; and nothing else.">'
        in context["metatags"]
    )
    assert '<meta property="og:title" content="Bell x">' in context["metatags"]
    assert "og:url" not in context["metatags"]


def test_absolute_addresses_are_given_where_the_website_s_address_is_known() -> None:
    context: dict[str, str] = {"title": "Bell"}
    page_head.describe(app("https://example.org/"), "book/ladder/bell", "page.html", context, PAGE)
    assert 'content="https://example.org/book/ladder/bell.html"' in context["metatags"]
    assert 'content="https://example.org/_static/social-card.png"' in context["metatags"]


def test_the_sitemap_lists_every_page_once_its_address_is_known(tmp_path) -> None:
    built = SimpleNamespace(
        config=SimpleNamespace(html_baseurl="https://example.org"),
        builder=SimpleNamespace(format="html"),
        env=SimpleNamespace(found_docs={"book/b", "book/a"}),
        outdir=tmp_path,
    )
    page_head.write_sitemap(built, None)
    said = (tmp_path / "sitemap.xml").read_text(encoding="utf-8")
    assert said.index("https://example.org/book/a.html") < said.index("https://example.org/book/b.html")
    built.config.html_baseurl = ""
    (tmp_path / "sitemap.xml").unlink()
    page_head.write_sitemap(built, None)
    assert not (tmp_path / "sitemap.xml").exists()
