"""JSON with a comment above the keys that have one, as Freqtrade reads it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_INDENT = "    "


def commented(document: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """Write a document with comments.

    Parameters
    ----------
    document : mapping
        The configuration.
    comments : mapping
        Comment by dotted key; the empty key is the comment at the top. A comment may have several lines.
    """
    return "\n".join(_object("", document, comments, "")) + "\n"


def _object(prefix: str, section: Mapping[str, Any], comments: Mapping[str, str], indent: str) -> Iterator[str]:
    inner = indent + _INDENT
    yield "{"
    if not prefix:
        yield from _comment(comments.get(""), inner)
    for place, (name, value) in enumerate(section.items(), start=1):
        key = f"{prefix}{name}"
        yield from _comment(comments.get(key), inner)
        comma = "," if place < len(section) else ""
        if isinstance(value, Mapping) and value:
            first, *rest = _object(f"{key}.", value, comments, inner)
            yield f"{inner}{json.dumps(name)}: {first}"
            yield from rest[:-1]
            yield rest[-1] + comma
        else:
            yield f"{inner}{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}{comma}"
    yield indent + "}"


def _comment(text: str | None, indent: str) -> Iterator[str]:
    for line in (text or "").splitlines():
        yield f"{indent}// {line}"
