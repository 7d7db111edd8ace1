"""Reads Freqtrade's configuration files as Freqtrade does: with comments, included files, merged deeply."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import rapidjson

from market_making.market.errors import ConfigurationError

# The dialect in which Freqtrade reads its configuration.
_COMMENTS_ALLOWED = rapidjson.PM_COMMENTS | rapidjson.PM_TRAILING_COMMAS
_DEEPEST_INCLUDE = 5
_Kind = TypeVar("_Kind", dict[str, Any], list[Any])


def typed(section: dict[str, Any], key: str, kind: type[_Kind], where: str) -> _Kind:
    """A value of a configuration, empty if it is missing.

    Raises
    ------
    ConfigurationError
        If it is of another kind.
    """
    value = section.get(key, kind())
    if not isinstance(value, kind):
        name = "JSON object" if kind is dict else "list"
        raise ConfigurationError(f"{where}: {key}: {value!r} is not a {name}")
    return value


def load_all(paths: Sequence[Path], depth: int = 0) -> dict[str, Any]:
    """All files merged in order; a file wins over those it names in ``add_config_files``.

    Raises
    ------
    ConfigurationError
        If a file cannot be read or is no JSON object.
    """
    if depth > _DEEPEST_INCLUDE:
        raise ConfigurationError(f"{paths[0]} is included more than {_DEEPEST_INCLUDE} levels deep: a loop?")
    merged: dict[str, Any] = {}
    for path in paths:
        config = _load(path)
        included = [path.parent / str(name) for name in typed(config, "add_config_files", list, str(path))]
        merged = _merge(merged, _merge(load_all(included, depth + 1), config))
    return merged


def _load(path: Path) -> dict[str, Any]:
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        config = rapidjson.loads(text, parse_mode=_COMMENTS_ALLOWED)
    except FileNotFoundError:
        raise ConfigurationError(f"there is no configuration file {path}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not text in UTF-8: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except rapidjson.JSONDecodeError as error:
        raise ConfigurationError(f"{path} is not valid JSON: {_with_line(str(error), text)}") from None
    if not isinstance(config, dict):
        raise ConfigurationError(f"{path} holds a {type(config).__name__}, needed is a JSON object")
    return config


def _with_line(problem: str, text: str) -> str:
    """What the parser says, with the line instead of the offset in bytes."""
    match = re.fullmatch(r"Parse error at offset (\d+): (.*)", problem)
    if match is None:
        return problem
    before = text.encode()[: int(match[1])].decode(errors="ignore")
    return f"line {before.count(chr(10)) + 1}: {match[2]}"


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Deep merge; lists and values of `over` replace those of `base`."""
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged
