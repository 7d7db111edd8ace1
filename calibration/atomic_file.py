"""Files that a reader sees whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_text(folder: Path, name: str, text: str) -> Path:
    """Write a file by way of a temporary one in the same folder, synced to disk, then renamed; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        return Path(temporary).replace(folder / name)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
