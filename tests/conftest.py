"""One hypothesis profile for all: the same examples every time, and no time limit on a single one."""

from hypothesis import settings

settings.register_profile("compendium", deadline=None, derandomize=True)
settings.load_profile("compendium")
