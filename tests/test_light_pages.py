"""What is left out of the pages: icons and index that no page uses, and nothing that one does."""

import importlib.util
import json
import re
import sys
from types import SimpleNamespace

import pytest
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from compendium.build.plan import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))  # where Sphinx finds what it imports, too
SPEC = importlib.util.spec_from_file_location("light_pages", ROOT / "book/_ext/light_pages.py")
light_pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(light_pages)

ICONS = 'x={sun:[512,512,[9728],"f185","outline"]};'
ICONS += 'y={sun:[512,512,[9728],"f185","disc"],"arrow-up":[384,512,[],"f062","M1"]}'


def test_the_solid_icon_is_taken_and_its_width_kept():
    style = light_pages.icons(ICONS, {"sun", "arrow-up"})
    assert "disc" in style
    assert "outline" not in style
    assert re.search(r"\.fa-arrow-up \{.*width: 0\.75em; \}", style)


def test_a_theme_that_has_changed_is_refused():
    with pytest.raises(light_pages.ThemeChangedError, match="'moon'"):
        light_pages.icons(ICONS, {"moon"})


def test_the_index_of_words_and_the_excerpts_are_loaded_on_the_search_page_only():
    page = '<script src="_static/searchtools.js"></script><script src="searchindex.js"></script>'
    assert light_pages.mend(page, "intro.html") == ""
    mended = light_pages.mend(page, "search.html")
    assert mended.index("searchtools") < mended.index("excerpts.js") < mended.index("searchindex")


@pytest.mark.parametrize("name", ["search.html", "book/reference/api/qlib.html"])
def test_a_page_that_is_mended_already_stays_as_it_is(name):
    parts = ['<script src="_static/searchtools.js"></script>', "<table><tr><th></th></tr></table>"]
    parts += [light_pages.FIRST_SECTION, '<script src="a/scripts/fontawesome.js?x=1"></script>']
    mended = light_pages.mend("".join(parts), name)
    assert light_pages.mend(mended, name) == mended


def test_no_page_loads_what_sets_formulas():
    scripts = (
        '<script>window.MathJax = {"tex": {}}</script>\n<script defer src="https://a/npm/mathjax@3/x.js"></script>'
    )
    assert light_pages.mend(f"<p>x</p>{scripts}", "book/notation.html") == "<p>x</p>"


def test_excerpts_are_the_words_of_a_page_with_its_formulas_as_typed():
    article = r'<h1>A<a class="headerlink">#</a></h1><p>at most \(2\sqrt2\)</p><script>x</script>'
    pages = {"a.html": f"<nav>menu</nav><article>{article}</article>", "b.html": "<p>no article</p>"}
    script = light_pages.excerpts({name: light_pages.learnt(name, text)["words"] for name, text in pages.items()})
    words = json.loads(script.removeprefix("const EXCERPTS = ").removesuffix(";\n"))
    assert words == {"a.html": r'<div role="main">A at most 2\sqrt2</div>'}


def test_the_code_of_a_cell_is_not_what_a_page_says_and_all_around_it_is():
    code = '<div class="highlight"><pre><span></span>mute <a href="#x">.</a></pre></div>'
    cell = f'<div class="cell_input docutils">{code}</div>'
    page = f'<article><p>Before.</p>{cell}<pre>printed &lt; 1</pre>{cell}<p id="y"><a href="#y">After</a></p></article>'
    learnt = light_pages.learnt("book/page.html", page)
    assert learnt["words"] == "Before. printed < 1 After"
    assert learnt["links"] == ["book/page.html#y"]


def test_a_second_build_with_nothing_changed_leaves_the_pages_as_they_are(tmp_path, monkeypatch):
    """What Sphinx does not write anew is there and is mended, and nothing that the first build removed is missed."""
    monkeypatch.syspath_prepend(ROOT / "book/_ext")
    (tmp_path / "index.md").write_text("# A page\n\n:::{note}\nSaid.\n:::\n", encoding="utf-8")
    settings = {"extensions": ["myst_parser", "light_pages"], "html_theme": "sphinx_book_theme"}
    settings |= {"html_static_path": [str(ROOT / "book/_static")], "myst_enable_extensions": ["colon_fence"]}

    def built() -> dict[str, bytes]:
        html = tmp_path / "html"
        with patch_docutils(), docutils_namespace():
            Sphinx(tmp_path, None, html, tmp_path / "doctrees", "html", settings, status=None, warning=None).build()
        files = {str(path.relative_to(html)): path for path in html.rglob("*") if path.suffix}
        return {name: re.sub(rb"css\?v=\w+", b"css", file.read_bytes()) for name, file in files.items()}

    assert built() == built()


def test_a_formula_that_cannot_be_read_ends_the_build_with_its_page(tmp_path):
    app = SimpleNamespace(doctreedir=tmp_path, parallel=1, config=SimpleNamespace(mathjax3_config=None))
    pages = {"a.html": r"\(x\)", "b.html": r"\(\wrong < 1\)".replace("<", "&lt;")}
    with pytest.raises(SphinxError, match=r"^b\.html: Undefined control sequence \\wrong in \\\(\\wrong < 1\\\)$"):
        light_pages.set_formulas(app, pages)
    assert set(light_pages.set_formulas(app, {"a.html": pages["a.html"]})["drawn"]) == {r"\(x\)"}


def test_the_search_knows_after_an_edit_what_it_would_know_from_the_beginning(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book/_ext")
    page = tmp_path / "one.md"
    (tmp_path / "index.md").write_text("# Pages\n\n```{toctree}\none\ntwo\n```\n", encoding="utf-8")
    (tmp_path / "two.md").write_text("# Two\n\n```{index} single: kept; well\n```\n\nWords.\n", encoding="utf-8")
    settings = {"extensions": ["myst_parser", "light_pages"], "html_theme": "sphinx_book_theme"}
    settings["html_static_path"] = [str(ROOT / "book/_static")]

    def built(folder: str, said: str) -> str:
        page.write_text(f"# One\n\n```{{index}} pair: {said}; thing\n```\n\nAll of {said}.\n", encoding="utf-8")
        html = tmp_path / folder
        with patch_docutils(), docutils_namespace():
            Sphinx(tmp_path, None, html, html / "d", "html", settings, status=None, warning=None).build()
        return (html / "searchindex.js").read_text(encoding="utf-8")

    assert "formerly" in built("edited", "formerly")
    edited = built("edited", "nowadays")
    assert "kept" in edited
    assert edited == built("new", "nowadays")


def test_empty_cells_are_no_headings_and_others_are():
    row = '<tr><th class="head"><p></p></th><th scope="col"></th><th>1</th></tr>'
    assert light_pages.mend(row, "intro.html") == "<tr><td></td><td></td><th>1</th></tr>"


def test_the_space_before_the_exercise_that_a_solution_names_is_not_underlined():
    title = '<p>Solution to<a class="reference internal" href="#ex"> Exercise (Two)</a></p>'
    mended = '<p>Solution to <a class="reference internal" href="#ex">Exercise (Two)</a></p>'
    assert light_pages.mend(title, "intro.html") == mended


def test_a_signature_on_several_lines_is_no_list():
    dt = (
        '<dt>f(\n\n<dl>\n<dd><em class="sig-param">x</em>,</dd>\n<dd><em class="sig-param">y</em></dd>\n</dl>\n\n)</dt>'
    )
    mended = light_pages.mend(dt, "intro.html")
    assert "<dl>" not in mended
    assert mended.count('<span class="sig-line">') == 2
    assert light_pages.mend("<dl>\n<dt>a</dt>\n<dd>b</dd></dl>", "intro.html") == "<dl>\n<dt>a</dt>\n<dd>b</dd></dl>"
