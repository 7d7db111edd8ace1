"""Where a newcomer types: in a shell of this machine, or in one of the image."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.containers.container import Container
from tests.documents.printed import ROOT

_LOCAL = "127.0.0.1,localhost"


class Shell:
    """This machine's own, with the programs of the tests' environment."""

    programs: frozenset[str] | None = None  # what it has; None where it has all

    def enter(self, clone: Path) -> None:
        """Begin to work in a clone."""

    def words(self, typed: str) -> list[str]:
        """What runs a typed line."""
        return ["bash", "-c", typed]

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that this takes."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "FREQTRADE_"))}
        programs = str(Path(sys.executable).parent)
        return own | {"PATH": f"{programs}:{own['PATH']}", "PYTHONPATH": str(ROOT), "NO_PROXY": _LOCAL}


class ImageShell(Shell):
    """One of the image as compose runs it: its user, no capability, nothing to write to but the newcomer's folder.

    Parameters
    ----------
    files : Path
        Root of the image.
    image : mapping
        The image's environment.
    """

    programs = frozenset({"mm", "freqtrade", "python", "cp"})

    def __init__(self, files: Path, image: Mapping[str, str]) -> None:
        self._files, self._image = files, image

    def enter(self, clone: Path) -> None:
        """Give the newcomer's folder to the service's user, and mount it."""
        service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["demo"]
        variables = service["environment"] | {"NO_PROXY": _LOCAL, "no_proxy": _LOCAL}
        folder = clone.parent
        mounted = {"volumes": [f"{folder}:{folder}"], "working_dir": str(clone), "environment": variables}
        self._container = Container(self._files, self._image, service | mounted, folder)
        subprocess.run(["chown", "-R", service["user"], str(folder)], check=True)

    def words(self, typed: str) -> list[str]:
        """What runs a typed line in the image."""
        return self._container.entered(super().words(typed))

    @property
    def environment(self) -> Mapping[str, str]:
        """What entering the image takes; inside only its own variables are left."""
        return self._container.outside
