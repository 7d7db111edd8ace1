"""What the fields of a section say about themselves: in error messages and in the reference page."""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

from pydantic import BaseModel

from market_making.market.suggestion import did_you_mean

_SIMPLE = {"boolean": "true or false", "string": "text", "array": "a list of texts", "object": "a JSON object"}


_NUMBERS = {"number", "integer"}
_PAGE = """\
# Settings

The section `{section}` of Freqtrade's configuration. The bot and every `mm` command read it. Of several files the
later one wins. A wrong value or an unknown key is refused with the key, what is accepted and what was seen.

A default path lies in Freqtrade's folder `user_data`, wherever `--userdir` puts it. A path that you configure is taken
as it is: a relative one starts at the folder in which the program is started.

| key | meaning [unit] | accepted | default |
|---|---|---|---|
{rows}

This page is made from the settings: `python -m market_making.settings > docs/settings.md`.
"""


class FieldReference(NamedTuple):
    """One setting: its dotted key, description with unit, what is accepted, and the default as JSON."""

    key: str
    description: str
    accepted: str
    default: str
    is_number: bool = False


def fields_of(model: type[BaseModel]) -> Iterator[FieldReference]:
    """Every setting below a section, in order."""
    schema = model.model_json_schema()
    yield from _walk("", schema, schema.get("$defs", {}))


def _walk(prefix: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[FieldReference]:
    for name, field in schema["properties"].items():
        inner = _referred(field, definitions)
        if inner is not None:
            yield from _walk(f"{prefix}{name}.", inner, definitions)
            continue
        default, is_number = json.dumps(field.get("default")), not _NUMBERS.isdisjoint(_kinds(field))
        yield FieldReference(f"{prefix}{name}", field["description"], accepted(field), default, is_number)


def _kinds(field: Mapping[str, Any]) -> set[str]:
    return {str(kind.get("type")) for kind in field.get("anyOf", [field])}


def _referred(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The section that a field holds, if it holds one."""
    reference = str(field.get("$ref", ""))
    found: Mapping[str, Any] | None = definitions.get(reference.rsplit("/", maxsplit=1)[-1])
    return found


def accepted(field: Mapping[str, Any]) -> str:
    """What a field accepts, in words that follow "must be"."""
    if "accepted" in field:
        return str(field["accepted"])
    if "enum" in field:
        return f"one of {', '.join(field['enum'])}"
    if "anyOf" in field:
        kinds = [accepted(kind) for kind in field["anyOf"] if kind.get("type") != "null"]
        return " or ".join(kinds) + (", or null" if len(kinds) < len(field["anyOf"]) else "")
    kind = field.get("type", "object")
    if kind in _NUMBERS:
        return _range(field)
    return "a path" if field.get("format") == "path" else _SIMPLE[kind]


def _range(field: Mapping[str, Any]) -> str:
    """The accepted numbers."""
    whole = "a whole number " if field["type"] == "integer" else ""
    if "maximum" in field:
        return f"{whole}between {field['minimum']:g} and {field['maximum']:g}"
    if "exclusiveMinimum" in field:
        return f"{whole}positive"
    return f"{whole}zero or positive"


def explain(model: type[BaseModel], where: str, item: Mapping[str, Any]) -> str:
    """One sentence of what pydantic found wrong: the key, what is accepted, and what was seen.

    Parameters
    ----------
    model : type of BaseModel
        The whole section.
    where : str
        What the section is called.
    item : mapping
        One of the errors of a ``ValidationError``.
    """
    parts = [str(part) for part in item["loc"]]
    known = {field.key: field for field in fields_of(model)}
    if item["type"] == "extra_forbidden":
        return _unknown(where, ".".join(parts), list(known))
    # Below a field pydantic names the members of a union and the places in a list.
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    key = next((prefix for prefix in prefixes if prefix in known), ".".join(parts))
    name = f"{where}.{key}" if key else where
    if item["type"] == "value_error":
        return f"{name}: {item['ctx']['error']}"
    return f"{name} must be {_needed(known.get(key), item['input'])}, got {_shown(item['input'])}"


def _needed(field: FieldReference | None, value: Any) -> str:
    if field is None:
        return "a JSON object"
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if is_number or not field.is_number or field.accepted.startswith("a "):
        return field.accepted
    return f"a number{' ' if field.accepted.startswith('between') else ', '}{field.accepted}"


def reference_page(model: type[BaseModel], section: str) -> str:
    """Every setting as a page in Markdown."""
    rows = [
        f"| `{field.key}` | {field.description} | {field.accepted} | `{field.default}` |" for field in fields_of(model)
    ]
    return _PAGE.format(section=section, rows="\n".join(rows))


def _unknown(where: str, key: str, known: list[str]) -> str:
    """Say what may have been meant: a key of the same section, or one of the same name elsewhere."""
    section, _, name = key.rpartition(".")
    prefix = f"{section}." if section else ""
    here = list(dict.fromkeys(other[len(prefix) :].split(".")[0] for other in known if other.startswith(prefix)))
    elsewhere = [other for other in known if other.rsplit(".", maxsplit=1)[-1] == name]
    hint = f", did you mean {where}.{elsewhere[0]}?" if elsewhere else did_you_mean(name, here)
    return f"unknown key {where}.{key}{hint or '; known are ' + ', '.join(here)}"


def _shown(value: Any) -> str:
    """A value as it stands in a JSON file, not longer than a line."""
    if isinstance(value, float) and not isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
