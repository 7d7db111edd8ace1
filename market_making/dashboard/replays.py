"""Tear-sheets of replays: single HTML files in one folder."""

from pathlib import Path
from typing import Any

from market_making.market.errors import NotEnoughData
from market_making.settings.settings import Settings

FOLDER = "replays"


def _folder(settings: Settings) -> Path:
    """Beside the state files."""
    return settings.state.parent / FOLDER


def replays(settings: Settings) -> dict[str, Any]:
    """Return where tear-sheets are looked for, and name, size and time of each, newest first."""
    found = [(path, path.stat()) for path in _folder(settings).glob("*.html")]
    found.sort(key=lambda item: -item[1].st_mtime)
    sheets = [{"name": path.stem, "bytes": at.st_size, "written_ms": int(at.st_mtime * 1e3)} for path, at in found]
    return {"folder": _as_typed(_folder(settings)), "sheets": sheets}


def _as_typed(folder: Path) -> str:
    """As it is typed where the page was started; from elsewhere its last two names, for the rest may be private."""
    here, found = Path.cwd(), folder.absolute()
    return str(found.relative_to(here)) if found.is_relative_to(here) else "/".join(("…", *found.parts[-2:]))


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
