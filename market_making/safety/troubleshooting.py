"""The page of troubles, made from the table of notices."""

from collections.abc import Iterator
from textwrap import fill

from market_making.safety.condition import Condition, filled
from market_making.safety.notices import CONDITIONS

_HEAD = """\
# Troubleshooting

Every notice that a program can give. It stands in the log, in Freqtrade's messages, in `mm status`, on the page and in
the alerts under the same name. Words in capitals are filled in: PAIR is the pair, DETAIL the reason with its figures.

`mm status` shows what is in force now; `mm check` finds what is wrong before a start.
"""
_KINDS = {
    "bot": "The bot",
    "collector": "The recorder",
    "calibrator": "The calibrator",
    "guard": "The guard",
}
# What is put together from figures reads better as a phrase than as a word in capitals.
_FIGURES = {"does": "is not quoted", "held": "", "table": "", "lasting": "", "way": "beside"}
_WIDTH = 120


def page() -> str:
    """Return it as Markdown."""
    return _HEAD + "".join(_parts())


def _parts() -> Iterator[str]:
    for kind, title in _KINDS.items():
        yield f"\n## {title}\n"
        seen: set[str] = set()
        for condition in CONDITIONS:
            if condition.kind == kind and condition.name not in seen:
                seen.add(condition.name)
                yield _entry(condition)


def _entry(condition: Condition) -> str:
    after = f" after {condition.after_ms / 1e3:g} s" if condition.after_ms else ""
    said = filled(condition.sentence, _FIGURES)
    remedy = fill(filled(condition.remedy, _FIGURES), _WIDTH, break_long_words=False, break_on_hyphens=False)
    return f"\n### `{condition.name}` ({condition.severity.value}{after})\n\n> {said}\n\n{remedy}\n"
