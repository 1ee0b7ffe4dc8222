"""The reference: every module has a page, and the first page's examples are so."""

import doctest
import importlib
import re

import pytest

from compendium.build import reference
from compendium.build.plan import ROOT, Plan

PLAN = Plan()
PAGES = reference.reference_pages(PLAN.library)
ENTRY = (ROOT / f"{reference.ENTRY}.md").read_text(encoding="utf-8")


def test_every_module_but_those_of_the_build_has_a_page_that_documents_it():
    modules = {name for name in PLAN.library.files if "." in name and not name.startswith("compendium")}
    assert {f"{reference.page_of(name)}.md" for name in modules} == set(PAGES)
    for name in modules:
        assert f".. automodule:: {name}\n" in PAGES[f"{reference.page_of(name)}.md"]


def test_a_module_stands_after_those_of_its_room_that_it_imports():
    order = reference.documented(PLAN.library)
    for name in (name for name in order if name.startswith("qlib.") and name != reference.room_of(name)):
        direct = [other for other in order if other in PLAN.library[name].imports]
        above = [other for other in direct if reference.room_of(other) == reference.room_of(name) != other]
        assert all(order.index(other) < order.index(name) for other in above), f"{name} imports {above}"


def test_the_first_page_lists_every_module_once():
    text = reference.with_all_modules(PLAN.library, ENTRY)
    assert reference.MARK not in text
    for name in reference.documented(PLAN.library):
        assert text.count(f"](/{reference.page_of(name)}.md)") == 1


def test_the_contents_have_every_page_below_the_first_one():
    toc = reference.toc_with_reference({"chapters": [{"file": "book/a"}, {"file": reference.ENTRY}]}, PLAN.library)
    assert toc["chapters"][0] == {"file": "book/a"}
    rooms = toc["chapters"][1]["sections"]
    files = [f"{entry['file']}.md" for room in rooms for entry in (room, *room.get("sections", ()))]
    assert sorted(files) == sorted(PAGES)


@pytest.mark.filterwarnings("default")
def test_every_example_of_the_first_page_gives_what_it_says():
    examples = doctest.DocTestParser().get_doctest(ENTRY, {}, "api", str(ROOT / f"{reference.ENTRY}.md"), 0)
    assert len(examples.examples) > 20
    assert doctest.DocTestRunner(verbose=False).run(examples).failed == 0


def test_every_name_of_the_first_page_is_offered_by_its_room():
    names = re.findall(r"\{py:obj\}`([\w.]+)`", ENTRY)
    assert len(names) > 12
    for name in names:
        room, _, attribute = name.rpartition(".")
        assert attribute in importlib.import_module(room).__all__, name
