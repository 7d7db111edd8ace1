"""What `mm init` asks: each setting in its own words, with range and default, until the answer is accepted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from market_making.market.errors import ConfigurationError
from market_making.settings.explanation import FieldReference, fields_of
from market_making.settings.settings import Settings

# What decides how much money is at work and how much may be lost; everything else has defaults that suit a beginner.
KEYS = {
    "size": "model.order_notional",
    "bound": "model.maximum_inventory",
    "sides": "sides",
    "leverage": "leverage",
    "daily_loss": "risk.daily_loss",
    "drawdown": "risk.drawdown",
}
FIELDS: Mapping[str, FieldReference] = {
    name: field for field in fields_of(Settings) for name, key in KEYS.items() if key == field.key
}


def section_of(given: Mapping[str, str | None]) -> dict[str, Any]:
    """The section that holds the answers; what was not given is the default, written down.

    Parameters
    ----------
    given : mapping
        Text by name of `KEYS`; None: not given.
    """
    section: dict[str, Any] = {}
    for name, key in KEYS.items():
        text = given[name]
        _put(section, key, json.loads(FIELDS[name].default) if text is None else _value(text))
    return section


def _put(section: dict[str, Any], key: str, value: Any) -> None:
    *groups, last = key.split(".")
    for group in groups:
        section = section.setdefault(group, {})
    section[last] = value


def _value(text: str) -> Any:
    """A number if it is one, else the text: the settings say what they need."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def ask(name: str) -> str:
    """Ask for one setting until its answer is accepted."""
    field = FIELDS[name]
    question = f"{field.description}: {field.accepted}"
    while True:
        answer = str(click.prompt(question, default=str(json.loads(field.default))))
        section: dict[str, Any] = {}
        _put(section, field.key, _value(answer))
        try:
            Settings.from_section(section)
        except ConfigurationError as error:
            click.echo(str(error), err=True)
        else:
            return answer


@dataclass(frozen=True)
class Asker:
    """Asks on a terminal, or takes what was given.

    Attributes
    ----------
    is_on : bool
        Whether there is somebody to answer.
    """

    is_on: bool

    def settings(self, given: Mapping[str, str | None]) -> dict[str, Any]:
        """Return the section of `market_making`."""
        return section_of({name: ask(name) if self.is_on and given[name] is None else given[name] for name in KEYS})

    def text(self, question: str, given: str | None, default: str) -> str:
        """Return a text."""
        if given is not None or not self.is_on:
            return default if given is None else given
        return str(click.prompt(question, default=default))

    def optional(self, question: str, given: str | None) -> str | None:
        """Return a text, or None for an empty answer."""
        return self.text(f"{question} (empty: none)", given, "") or None

    def secret(self, question: str, known: str | None) -> str | None:
        """Return what is not shown while it is typed; None for an empty answer."""
        if known or not self.is_on:
            return known or None
        return str(click.prompt(f"{question} (empty: later)", default="", hide_input=True, show_default=False)) or None
