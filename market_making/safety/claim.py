"""Whether a program may write into a folder, and whether it is the only one of its kind that does.

Both are asked once, at the start: a program that runs for days without writing anything helps nobody.
"""

import errno
import os
import pwd
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from market_making.market.durable_file import TEMPORARY_SUFFIX, write_durably
from market_making.market.errors import ConfigurationError
from market_making.safety.process_lock import LockedByAnother, hold

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM)


def require_writable(folder: Path) -> None:
    """Make a folder if it is missing, and write and remove a file in it.

    Raises
    ------
    ConfigurationError
        If this program may not write there: names the owner, this program's user and the command that changes it.
    OSError
        If the disk is full.
    """
    probe = folder / f".probe.{os.getpid()}{TEMPORARY_SUFFIX}"
    try:
        write_durably(probe, b"")
        probe.unlink()
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise
        raise ConfigurationError(_refusal(folder, error)) from None


@contextmanager
def claimed(folder: Path, program: str) -> Iterator[None]:
    """Be the only program of a kind that works on a folder; the claim ends with the block or with the process.

    Parameters
    ----------
    folder : Path
        Must exist.
    program : str
        The kind, such as ``collector``; the claim is a lock on the file ``<folder>/.<program>.lock``.

    Raises
    ------
    ConfigurationError
        If another one holds it: names its process and since when it has run.
    """
    try:
        handle = hold(folder / f".{program}.lock")
    except LockedByAnother as holder:
        raise ConfigurationError(
            f"another {program} works on {folder}: {holder}; stop it, or give this one another folder"
        ) from None
    try:
        yield
    finally:
        os.close(handle)


def _refusal(folder: Path, error: OSError) -> str:
    """What is wrong with a folder, who owns it, who this program is, and what to do."""
    place = next(path for path in (folder, *folder.absolute().parents) if _exists(path))
    owner, user, group = place.stat().st_uid, os.geteuid(), os.getegid()
    said = (
        f"{folder} cannot be written ({error.strerror}): {place} belongs to {_named(owner)}, "
        f"this program runs as {_named(user)}"
    )
    if error.errno not in _FORBIDDEN:
        return said
    target = shlex.quote(str(folder))
    if owner == user:
        return f"{said}; run: chmod u+rwx {shlex.quote(str(place))}"
    # Never the parent that exists: it may be a whole home, or the root.
    make = "" if place == folder else f"sudo mkdir -p {target} && "
    return f"{said}; run: {make}sudo chown -R {user}:{group} {target}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _named(user: int) -> str:
    try:
        return f"{pwd.getpwuid(user).pw_name} (user id {user})"
    except KeyError:
        return f"user id {user}"


def port_fault(host: str, port: int) -> str:
    """Why a program could not listen there; empty if it could."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""
