"""What tests share: how many examples are tried, one book, and who looks at it."""

import os
import subprocess

import pytest
from _pytest.nodeid import coerce_node_id
from hypothesis import settings

collect_ignore = ["cluster"]  # scripts for a cluster, run before a release

# The same examples every time, no time limit on a single one.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("daily", settings.get_profile("ci"), max_examples=30)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "daily"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep together, in one process, the tests of a file that share what is made once for it, such as a browser or an
    environment; all others go wherever a core is free.

    xdist 3.8 knows a group by the end of a test's id, and writes it where pytest 9.2 no longer looks.
    """
    for item in items if getattr(config.option, "loadgroup", False) else ():
        if is_shared(item) and not item.nodeid.endswith(group := f"@{item.path.stem}"):
            item._id = coerce_node_id(f"{item.nodeid}{group}")


def is_shared(item: pytest.Item) -> bool:
    """Whether a test looks at the book, or uses something else that is made once for its file."""
    if not isinstance(item, pytest.Function):
        return False
    fixtures = [item._fixtureinfo.name2fixturedefs.get(name, ()) for name in item.fixturenames]
    return "book" in item.fixturenames or any(fixture.scope == "module" for found in fixtures for fixture in found)


@pytest.fixture(scope="session")
def book() -> subprocess.CompletedProcess:
    """The finished build of the published book (a second process that asks for it waits, and finds it done)."""
    import published_book

    result = published_book.build()
    assert result.returncode == 0, result.stdout + result.stderr
    return result
