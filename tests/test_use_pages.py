"""The how-to pages: short shown cells, and found from the first page, the README and the library's first page."""

from __future__ import annotations

import re

import pytest
import yaml

from compendium import paths
from compendium.pages import reading

PAGES = {file.stem: file.read_text(encoding="utf-8") for file in sorted((paths.BOOK / "use").glob("*.md"))}


@pytest.mark.parametrize("page", PAGES)
def test_a_shown_cell_is_short_and_narrow(page: str) -> None:
    for cell in reading.shown(PAGES[page]):
        assert cell.lines <= reading.MOST_LINES, cell.code
        assert cell.width <= reading.MOST_COLUMNS, cell.code


@pytest.mark.parametrize("page", PAGES)
def test_a_page_goes_from_a_file_or_an_object_to_an_answer_in_ten_lines(page: str) -> None:
    lines = 0
    for cell in reading.shown(PAGES[page]):
        lines += cell.lines
        if "print(" in cell.code:
            break
    assert lines <= 10


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_found_from_the_three_first_pages(page: str) -> None:
    label = re.search(r"^\(([\w-]+)\)=\n# ", PAGES[page], re.M)
    assert label
    for first in (paths.BOOK / "intro.md", paths.BOOK / "reference" / "api.md"):
        assert f"`{label[1]}`" in first.read_text(encoding="utf-8"), first.name
    assert f"book/use/{page}.md" in (paths.ROOT / "README.md").read_text(encoding="utf-8")
    contents = yaml.safe_load((paths.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert any({"file": f"book/use/{page}"} in part["chapters"] for part in contents["parts"])
