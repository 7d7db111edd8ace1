"""Lines of plain and compressed files, without holding the file in memory."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

CHUNK_BYTES = 1 << 20
_COMPRESSIONS = {".lz4": "lz4", ".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}


class SourceFile:
    """A file whose lines are read once; `number` is the line last given, `bytes_read` how far the file was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.number = 0
        self.bytes_read = 0

    def lines(self) -> Iterator[bytes]:
        """Each line without its end.

        Raises
        ------
        OSError, pa.ArrowInvalid
            If the compressed data are torn.
        """
        compression = _COMPRESSIONS.get(self.path.suffix)
        with pa.OSFile(str(self.path), "rb") as raw:
            stream = raw if compression is None else pa.CompressedInputStream(raw, compression)
            rest = b""
            while chunk := stream.read(CHUNK_BYTES):
                # Some decompressors close the file at its end.
                self.bytes_read = self.size if raw.closed else raw.tell()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self.number += 1
                    yield line.rstrip(b"\r")
            if rest:
                self.number += 1
                yield rest


def find_files(paths: list[Path], suffixes: tuple[str, ...]) -> list[Path]:
    """The files named, and those below the folders named that end in one of the suffixes, sorted.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [file for file in path.rglob("*") if file.name.endswith(suffixes) and file.is_file()]
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"there is no file or folder {path}")
    return sorted(set(found))
