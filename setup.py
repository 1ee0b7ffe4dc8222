"""All is in pyproject.toml; this makes sure that a wheel holds what is in the tree, and nothing of an earlier build."""

import tempfile

from setuptools import setup
from setuptools.command.build import build


class Fresh(build):
    """Build in a folder of its own, in place of one in the tree, from which deleted modules would come back."""

    def initialize_options(self) -> None:
        super().initialize_options()
        self.folder = tempfile.TemporaryDirectory(prefix="build-")
        self.build_base = self.folder.name


setup(cmdclass={"build": Fresh})
