"""Tear-sheets of replays: single HTML files in one folder."""

from pathlib import Path
from typing import Any

from market_making.market.errors import NotEnoughData
from market_making.settings.settings import Settings

FOLDER = "replays"


def _folder(settings: Settings) -> Path:
    """Beside the state files."""
    return settings.state.parent / FOLDER


def replays(settings: Settings) -> list[dict[str, Any]]:
    """Return name, size and time of each tear-sheet, newest first."""
    found = [(path, path.stat()) for path in _folder(settings).glob("*.html")]
    found.sort(key=lambda item: -item[1].st_mtime)
    return [{"name": path.stem, "bytes": at.st_size, "written_ms": int(at.st_mtime * 1e3)} for path, at in found]


def replay_page(settings: Settings, name: str) -> Path:
    """Return the file of a tear-sheet.

    Raises
    ------
    NotEnoughData
        If there is none of this name.
    """
    for path in _folder(settings).glob("*.html"):
        if path.stem == name:
            return path
    raise NotEnoughData(f"there is no tear-sheet called {name!r}")
