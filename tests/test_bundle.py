"""The website in one archive: all of it and nothing else, small, the same twice, and nothing of the instructor's."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from compendium.build import bundle
from compendium.build.__main__ import app
from compendium.build.plan import Plan

PAGES = {
    "index.html": '<a href="book/intro.html">Begin</a>',
    "book/intro.html": '<img src="../_images/one.svg"><a href="https://a.org/">a</a><a href="//b.org">b</a>',
    "_images/one.svg": "<svg/>",
    "_static/a.js": "const path = '/';",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A project with a website of two pages, in both editions."""
    for name, text in {
        "_toc.yml": yaml.safe_dump({"root": "book/intro"}),
        "_config.yml": "title: Toy\n",
        "data/parameters/paper.yml": "{}\n",
        "book/intro.md": "# Intro\n",
        **{f"_build/paper/html/{name}": text for name, text in PAGES.items()},
        **{f"_build/paper/html-student/{name}": text for name, text in PAGES.items()},
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("edition", ["instructor", "student"])
def test_the_archive_is_the_website_with_its_first_page_at_the_top(site: Path, edition: str) -> None:
    file = bundle.pack_website(Plan(root=site, edition=edition))
    assert file == site / f"_build/paper/causality-and-quantum-theory-{edition}.zip"
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name).decode() for name in archive.namelist()} == PAGES


def test_the_same_website_gives_the_same_bytes(site: Path) -> None:
    first = bundle.pack_website(Plan(root=site)).read_bytes()
    (site / "_build/paper/html/index.html").touch()
    assert bundle.pack_website(Plan(root=site)).read_bytes() == first


def test_without_a_website_it_says_what_to_do(site: Path) -> None:
    (site / "_build/paper/html/index.html").unlink()
    with pytest.raises(bundle.BundleError, match="no website in _build/paper/html: make book"):
        bundle.pack_website(Plan(root=site))


def test_an_archive_that_is_too_large_is_refused_and_none_is_left(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LARGEST", 100)
    with pytest.raises(bundle.BundleError, match="more than"):
        bundle.pack_website(Plan(root=site))
    assert list((site / "_build/paper").glob("causality*")) == []


@pytest.mark.parametrize(
    "left",
    [
        '<div class="solution dropdown admonition" id="s">',
        '<details class="problem-solution">',
        '<div class="marking docutils container">',
        '<aside class="slide-notes" data-minutes="3">',
        '<div class="lecture-plan docutils container">',
    ],
)
def test_a_students_archive_with_something_of_the_instructors_is_refused(site: Path, left: str) -> None:
    for folder in ("html", "html-student"):
        (site / f"_build/paper/{folder}/book/intro.html").write_text(left, encoding="utf-8")
    with pytest.raises(bundle.BundleError, match=r"book/intro\.html: the student edition"):
        bundle.pack_website(Plan(root=site, edition="student"))
    assert bundle.pack_website(Plan(root=site)).is_file()


def test_a_page_that_asks_the_servers_root_for_a_file_is_refused(site: Path) -> None:
    (site / "_build/paper/html/book/intro.html").write_text('<script src="/_static/a.js">', encoding="utf-8")
    with pytest.raises(bundle.BundleError, match=r"book/intro\.html: /_static/a\.js"):
        bundle.pack_website(Plan(root=site))


def test_the_command_says_where_the_archive_is_and_how_large(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compendium.build.__main__.Plan", lambda profile, edition: Plan(profile, site, edition=edition))
    said = CliRunner().invoke(app, ["zip", "--edition", "student"])
    assert said.exit_code == 0
    assert "causality-and-quantum-theory-student.zip … 0.0 MB" in said.output.replace("\n", "")
