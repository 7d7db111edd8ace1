"""The note a running collector leaves beside its data, so that other programs can tell how it is."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

FILE_NAME = ".collector.json"


@dataclass(frozen=True)
class CollectorState:
    """How a collector is at `time_ms`: rows received and written since its start, drops, and what it failed at."""

    session: str
    time_ms: int
    coins: int
    clock_offset_ms: float | None
    received: int
    written: int
    dropped: int
    waiting_bytes: int
    failed_writes: int
    malformed_messages: int


def write_state(root: Path, venue: str, state: CollectorState) -> None:
    """Leave a note; it is rewritten every few seconds, so it need not survive a power cut."""
    path = root / venue / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{FILE_NAME}.{os.getpid()}.tmp")
    temporary.write_bytes(orjson.dumps(asdict(state)))
    temporary.replace(path)


def read_state(root: Path, venue: str) -> CollectorState | None:
    """The last note of a collector; None where there is none that this program can read."""
    try:
        return CollectorState(**orjson.loads((root / venue / FILE_NAME).read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
        return None
