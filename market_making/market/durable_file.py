"""Files that a reader sees whole or not at all: the old one or the new one, never a part.

`write_durably` is for what must survive a power cut: parameters, recordings, histories, the risk state. `replace_file`
is for what is written again within seconds, such as a state file: it costs no wait for the disk. Both write a temporary
file in the same folder and rename it, and remove it again if that fails.
"""

import os
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from threading import get_ident

TEMPORARY_SUFFIX = ".tmp"


def write_durably(path: Path | str, content: bytes | memoryview | str) -> None:
    """Replace a file; on return its content and its name are on the disk.

    Parameters
    ----------
    path : Path or str
        The file; folders that are missing are made.
    content : Buffer or str
        The whole content; a text is written in UTF-8.

    Raises
    ------
    OSError
        If it cannot be written. The file then is the old one, or the new one if only the folder could not be synced.
    """
    folder = _replace(os.fspath(path), content, synced=True)
    _sync_folder(folder)


def replace_file(path: Path | str, content: bytes | memoryview | str) -> None:
    """Replace a file; after a power cut it may be the old one, the new one, or empty.

    Parameters
    ----------
    path : Path or str
        The file; folders that are missing are made.
    content : Buffer or str
        The whole content; a text is written in UTF-8.

    Raises
    ------
    OSError
        If it cannot be written; the file then is the old one.
    """
    _replace(os.fspath(path), content, synced=False)


def remove_durably(path: Path) -> bool:
    """Remove a file, so that it does not come back after a power cut; return whether it was there.

    Raises
    ------
    OSError
        If it cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    _sync_folder(str(path.parent))
    return True


def _replace(path: str, content: bytes | memoryview | str, *, synced: bool) -> str:
    """Replace a file and return its folder. Strings and descriptors: a collector does this a hundred times a second."""
    folder, name = os.path.split(path)
    folder = folder or os.curdir
    # Two threads or processes that write the same file must not share a temporary one.
    temporary = f"{folder}/.{name}.{os.getpid()}-{get_ident()}{TEMPORARY_SUFFIX}"
    body = content.encode() if isinstance(content, str) else content
    try:
        try:
            _write(temporary, body, synced=synced)
        except FileNotFoundError:
            _make_folder(Path(folder))
            _write(temporary, body, synced=synced)
        os.replace(temporary, path)  # noqa: PTH105
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    return folder


def _write(path: str, content: bytes | memoryview, *, synced: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        if synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, and make their names durable."""
    missing = list(takewhile(lambda path: not path.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync_folder(str(made.parent))


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
