"""Folders of this machine and of object stores keep the same promises."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import fs

from market_making.recording.store.storage import LocalStorage, RemoteStorage, Storage, open_storage


@pytest.fixture(params=["local", "remote"])
def storage(request, tmp_path: Path) -> Storage:
    """A storage of either kind; pyarrow's own view of a folder stands for an object store."""
    return LocalStorage(tmp_path) if request.param == "local" else RemoteStorage(fs.LocalFileSystem(), str(tmp_path))


def test_what_is_published_is_read(storage):
    """The content, the names of files and folders, and the size."""
    storage.publish("a/b/file.parquet", pa.py_buffer(b"content"))
    with storage.open("a/b/file.parquet") as file:
        assert file.read() == b"content"
    storage.publish("a/.hidden/note", pa.py_buffer(b"for programs"))
    assert storage.files("a/b") == ["file.parquet"]
    assert storage.folders("a") == ["b"]
    assert storage.files("a") == []
    assert storage.version("a/b/file.parquet")[0] == 7


def test_publishing_again_replaces(storage):
    """The version changes with the content."""
    storage.publish("file", pa.py_buffer(b"one"))
    storage.publish("file", pa.py_buffer(b"three"))
    assert storage.version("file")[0] == 5
    assert storage.files("") == ["file"]


def test_what_does_not_exist_is_empty_or_said_to_be_missing(storage):
    """Listings are empty, reading raises FileNotFoundError, deleting is no error."""
    assert storage.files("nothing") == storage.folders("nothing") == []
    storage.delete("nothing")
    with pytest.raises(FileNotFoundError):
        storage.open("nothing")
    with pytest.raises(FileNotFoundError):
        storage.version("nothing")


def test_files_and_folders_can_be_removed(storage):
    """One by one and with all that is in them."""
    for name in ("day/one", "day/two"):
        storage.publish(name, pa.py_buffer(b"x"))
    storage.delete("day/one")
    assert storage.files("day") == ["two"]
    storage.remove_folder("day")
    assert storage.folders("") == []


def test_a_root_is_a_path_or_a_url(tmp_path):
    """A URL of this machine is a folder; another scheme is a file system of pyarrow."""
    assert isinstance(open_storage(tmp_path), LocalStorage)
    assert open_storage(f"file://{tmp_path}").root == tmp_path
    assert isinstance(open_storage("mock:///somewhere"), RemoteStorage)
