"""What tests share: one hypothesis profile (the same examples every time, no time limit on a single one), one book."""

import subprocess

import pytest
from hypothesis import settings

settings.register_profile("compendium", deadline=None, derandomize=True)
settings.load_profile("compendium")


@pytest.fixture(scope="session")
def book() -> subprocess.CompletedProcess:
    """The finished build of the quick profile (a second process that asks for it waits, and finds it done)."""
    import quick_book

    result = quick_book.build()
    assert result.returncode == 0, result.stdout + result.stderr
    return result
