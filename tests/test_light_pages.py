"""What is left out of the pages: icons and index that no page uses, and nothing that one does."""

import importlib.util
import re

import pytest

from compendium.build.plan import ROOT

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


def test_the_index_of_words_is_loaded_on_the_search_page_only():
    page = '<script src="documentation_options.js"></script><script src="../searchindex.js"></script>'
    assert "searchindex" not in light_pages.mend(page, searches=False)
    assert "searchindex" in light_pages.mend(page, searches=True)


def test_empty_cells_are_no_headings_and_others_are():
    row = '<tr><th class="head"><p></p></th><th scope="col"></th><th>1</th></tr>'
    assert light_pages.mend(row, searches=False) == "<tr><td></td><td></td><th>1</th></tr>"


def test_a_signature_on_several_lines_is_no_list():
    dt = (
        '<dt>f(\n\n<dl>\n<dd><em class="sig-param">x</em>,</dd>\n<dd><em class="sig-param">y</em></dd>\n</dl>\n\n)</dt>'
    )
    mended = light_pages.mend(dt, searches=False)
    assert "<dl>" not in mended
    assert mended.count('<span class="sig-line">') == 2
    assert light_pages.mend("<dl>\n<dt>a</dt>\n<dd>b</dd></dl>", searches=False) == "<dl>\n<dt>a</dt>\n<dd>b</dd></dl>"
