"""What tests share: how many examples are tried, one book, and who looks at it."""

import os
import subprocess
from pathlib import Path

import pytest
from _pytest.nodeid import coerce_node_id
from hypothesis import settings

HERE = Path(__file__).parent
collect_ignore = ["cluster"]  # scripts for a cluster, run before a release
LOOKING = {"test_book.py", "browser"}  # tests of the book's pages: all in one process, which reads them once

# The same examples every time, no time limit on a single one.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("daily", settings.get_profile("ci"), max_examples=30)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "daily"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep together, in one process, what looks at the book; all other tests go wherever a core is free.

    xdist 3.8 knows a group by the end of a test's id, and writes it where pytest 9.2 no longer looks.
    """
    for item in items:
        looks = HERE in item.path.parents and item.path.relative_to(HERE).parts[0] in LOOKING
        if looks and getattr(config.option, "loadgroup", False) and not item.nodeid.endswith("@book"):
            item._id = coerce_node_id(f"{item.nodeid}@book")


@pytest.fixture(scope="session")
def book() -> subprocess.CompletedProcess:
    """The finished build of the published book (a second process that asks for it waits, and finds it done)."""
    import published_book

    result = published_book.build()
    assert result.returncode == 0, result.stdout + result.stderr
    return result
