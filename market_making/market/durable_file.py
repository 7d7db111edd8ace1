"""Files that a reader sees whole or not at all."""

import os
from pathlib import Path
from threading import get_ident


def write_text(folder: Path, name: str, text: str) -> Path:
    """Write a file by way of a temporary one in the same folder, synced to disk, then renamed; return its path."""
    temporary = folder / f".{name}-{os.getpid()}-{get_ident()}.tmp"
    try:
        handle = _new(temporary)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _new(temporary)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - it is a descriptor
            file.write(text.encode())
            file.flush()
            os.fsync(handle)
        return temporary.replace(folder / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
