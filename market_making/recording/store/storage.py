"""Where segments lie: a local folder, or anything pyarrow can open by URL (``s3://bucket/prefix``).

Both kinds promise the same: a name becomes visible only when its whole content is durable.
"""

import os
import shutil
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pyarrow import fs

from market_making.market.durable_file import write_durably


class Storage(Protocol):
    """Folders of immutable files; paths are relative to the root and use ``/``."""

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder, sorted, without hidden ones; none where the folder does not exist."""
        ...

    def files(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted; none where the folder does not exist."""
        ...

    def open(self, path: str) -> pa.NativeFile:
        """Open a file for reading at random places; FileNotFoundError if it has vanished."""
        ...

    def version(self, path: str) -> tuple[int, int]:
        """Size [bytes] and time of the last change [ns]; FileNotFoundError if it has vanished."""
        ...

    def publish(self, path: str, content: pa.Buffer) -> None:
        """Make a file visible, whole and durable, replacing one of the same name."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file; no error if it has vanished already."""
        ...

    def remove_folder(self, folder: str) -> None:
        """Remove a folder with the files in it."""
        ...


def open_storage(root: Path | str) -> Storage:
    """Storage at a path or URL."""
    if isinstance(root, str) and "://" in root:
        filesystem, base = fs.FileSystem.from_uri(root)
        if not isinstance(filesystem, fs.LocalFileSystem):
            return RemoteStorage(filesystem, base)
        root = base
    return LocalStorage(Path(root))


class LocalStorage:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder, sorted."""
        return sorted(entry.name for entry in self._entries(folder) if entry.is_dir() and entry.name[0] != ".")

    def files(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted."""
        return sorted(entry.name for entry in self._entries(folder) if not entry.is_dir())

    def open(self, path: str) -> pa.NativeFile:
        """Open a file for reading."""
        return pa.OSFile(str(self.root / path), "rb")

    def version(self, path: str) -> tuple[int, int]:
        """Size [bytes] and time of the last change [ns]."""
        status = (self.root / path).stat()
        return status.st_size, status.st_mtime_ns

    def publish(self, path: str, content: pa.Buffer) -> None:
        """Write a file durably."""
        write_durably(f"{self.root}/{path}", content)

    def delete(self, path: str) -> None:
        """Remove a file."""
        (self.root / path).unlink(missing_ok=True)

    def remove_folder(self, folder: str) -> None:
        """Remove a folder with the files in it."""
        shutil.rmtree(self.root / folder)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return []


class RemoteStorage:
    """A file system of pyarrow; an object store shows an object only when its upload has completed."""

    def __init__(self, filesystem: fs.FileSystem, base: str) -> None:
        self._filesystem = filesystem
        self._base = base.rstrip("/")

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder, sorted."""
        return [name for name in self._names(folder, fs.FileType.Directory) if name[0] != "."]

    def files(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted."""
        return self._names(folder, fs.FileType.File)

    def open(self, path: str) -> pa.NativeFile:
        """Open a file for reading."""
        return self._filesystem.open_input_file(f"{self._base}/{path}")

    def version(self, path: str) -> tuple[int, int]:
        """Size [bytes] and time of the last change [ns]."""
        info = self._filesystem.get_file_info(f"{self._base}/{path}")
        if info.type != fs.FileType.File:
            raise FileNotFoundError(path)
        return info.size, info.mtime_ns or 0

    def publish(self, path: str, content: pa.Buffer) -> None:
        """Upload an object."""
        target = f"{self._base}/{path}"
        self._filesystem.create_dir(target.rpartition("/")[0], recursive=True)
        with self._filesystem.open_output_stream(target) as stream:
            stream.write(content)

    def delete(self, path: str) -> None:
        """Remove an object."""
        try:
            self._filesystem.delete_file(f"{self._base}/{path}")
        except FileNotFoundError:
            return

    def remove_folder(self, folder: str) -> None:
        """Remove a folder with the objects in it."""
        self._filesystem.delete_dir(f"{self._base}/{folder}")

    def _names(self, folder: str, kind: fs.FileType) -> list[str]:
        selector = fs.FileSelector(f"{self._base}/{folder}", allow_not_found=True)
        return sorted(info.base_name for info in self._filesystem.get_file_info(selector) if info.type == kind)
