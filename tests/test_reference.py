"""The reference: every module has a page, and the first page's examples are so."""

import doctest
import importlib
import re

import pytest

from compendium.build import reference
from compendium.build.plan import ROOT, Plan
from compendium.build.reach import Library

PLAN = Plan()
MODULES = {name: reference.summary(PLAN.library, name) for name in reference.documented(PLAN.library)}
PAGES = reference.reference_pages(MODULES)
ENTRY = (ROOT / f"{reference.ENTRY}.md").read_text(encoding="utf-8")


def test_every_module_but_those_of_the_build_has_a_page_that_documents_it():
    modules = {name for name in PLAN.library.files if "." in name and not name.startswith("compendium")}
    assert {f"{reference.page_of(name)}.md" for name in modules} == set(PAGES)
    for name in modules:
        assert f".. automodule:: {name}\n" in PAGES[f"{reference.page_of(name)}.md"]


def test_what_is_said_of_a_module_is_kept_until_the_library_changes(tmp_path, monkeypatch):
    root, folder = tmp_path / "tree", tmp_path / "kept"
    for name, said in (("__init__", ""), ("graphs/__init__", "Graphs."), ("graphs/dags", "Acyclic ones.")):
        (root / f"qlib/{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (root / f"qlib/{name}.py").write_text(f'"""{said}"""\n', encoding="utf-8")
    first = {"qlib.graphs": "Graphs.", "qlib.graphs.dags": "Acyclic ones."}
    assert reference.described(Library(root), folder) == first
    with monkeypatch.context() as patch:
        patch.setattr(reference, "documented", lambda library: pytest.fail("read again"))
        assert list(reference.described(Library(root), folder).items()) == list(first.items())
    (root / "qlib/graphs/dags.py").write_text('"""Others."""\n', encoding="utf-8")
    assert reference.described(Library(root), folder)["qlib.graphs.dags"] == "Others."
    assert len(list(folder.iterdir())) == 1


def test_a_module_stands_after_those_of_its_room_that_it_imports():
    order = reference.documented(PLAN.library)
    for name in (name for name in order if name.startswith("qlib.") and name != reference.room_of(name)):
        direct = [other for other in order if other in PLAN.library[name].imports]
        above = [other for other in direct if reference.room_of(other) == reference.room_of(name) != other]
        assert all(order.index(other) < order.index(name) for other in above), f"{name} imports {above}"


def test_the_first_page_lists_every_module_once():
    text = reference.with_all_modules(MODULES, ENTRY)
    assert reference.MARK not in text
    for name in reference.documented(PLAN.library):
        assert text.count(f"](/{reference.page_of(name)}.md)") == 1


def test_the_contents_have_every_page_below_the_first_one():
    toc = reference.toc_with_reference({"chapters": [{"file": "book/a"}, {"file": reference.ENTRY}]}, MODULES)
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
