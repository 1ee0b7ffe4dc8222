"""The layout of the tree, and the package that is imported under this name."""

from pathlib import Path

import pytest

import qlib
from compendium import paths


def test_qlib_is_the_package_of_this_tree_and_not_its_namesake() -> None:
    assert qlib.__file__ is not None
    assert Path(qlib.__file__).resolve().parent == paths.ROOT / "qlib"


def test_the_layout_is_there() -> None:
    assert paths.CLAIMS.is_file()
    assert all(folder.is_dir() for folder in (paths.BOOK, paths.DATA, paths.PARAMETERS))


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book of one chapter, with nothing generated yet."""
    chapter = tmp_path / "book" / "part" / "slug.md"
    chapter.parent.mkdir(parents=True)
    chapter.write_text("# Title")
    (tmp_path / "outside.md").write_text("# Not a chapter")
    monkeypatch.setattr(paths, "BOOK", tmp_path / "book")
    monkeypatch.setattr(paths, "STANDALONE", tmp_path / "generated")
    monkeypatch.delenv("COMPENDIUM_GENERATED", raising=False)
    return tmp_path


def test_a_chapter_has_a_folder_of_its_own_which_is_made_at_need(book: Path) -> None:
    assert paths.generated("part/slug") == book / "generated" / "part" / "slug"
    assert paths.generated("part/slug").is_dir()


def test_a_chapter_that_runs_by_itself_does_not_write_among_the_published_numbers() -> None:
    assert paths.GENERATED not in (paths.STANDALONE, *paths.STANDALONE.parents)


def test_the_environment_sends_generated_files_elsewhere(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPENDIUM_GENERATED", str(book / "trial"))
    assert paths.generated("part/slug") == book / "trial"
    assert not (book / "generated").exists()


@pytest.mark.parametrize("chapter", ["part/other", "slug", "", "../outside", "part/../../outside", "part/slug.md"])
def test_only_chapters_have_folders(book: Path, chapter: str) -> None:
    with pytest.raises(ValueError, match=r"chapter '.*': there is no such file under book/"):
        paths.generated(chapter)
    assert not (book / "generated").exists()


def test_an_absolute_path_is_not_a_chapter(book: Path) -> None:
    with pytest.raises(ValueError, match="no such file"):
        paths.generated(str(book / "outside"))
