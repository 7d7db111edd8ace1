"""`python -m market_making.dashboard.alerts` prints monitoring/alerts.yml: a rule for every condition of the table.

How grave a notice is comes with the metric: the same condition may be graver while a position is held.
"""

import sys
from collections.abc import Iterator
from typing import Any

import yaml

from market_making.safety.condition import Severity, filled
from market_making.safety.notices import CONDITIONS

_HEAD = "# Made from the table of notices: python -m market_making.dashboard.alerts > monitoring/alerts.yml\n"
JOB = "market-making"
# A notice has lasted before it is said; two scrapes in a row must have seen it.
_FOR = "10s"


def _rules() -> Iterator[dict[str, Any]]:
    remedies = {each.name: each.remedy for each in CONDITIONS if each.severity is not Severity.INFO}
    for name, remedy in remedies.items():
        yield _rule(name, remedy)
    yield {
        "alert": "NothingIsScraped",
        "expr": f'absent(up{{job="{JOB}"}} == 1)',
        "for": "1m",
        "labels": {"severity": Severity.ALARM.value},
        "annotations": {
            "summary": "mm dashboard does not answer: nobody watches the bots",
            "description": "Start it again with `mm dashboard`.",
        },
    }


def _rule(name: str, remedy: str) -> dict[str, Any]:
    said = filled(remedy, {"pair": "{{ $labels.pair }}", "name": "{{ $labels.source }}"})
    return {
        "alert": alert_name(name),
        "expr": f'max by (source, pair, severity) (mm_notice{{notice="{name}"}}) == 1',
        "for": _FOR,
        "annotations": {
            "summary": f"{{{{ $labels.source }}}} {{{{ $labels.pair }}}}: {name.replace('_', ' ')}",
            "description": f"{said} `mm status` has the figures.",
        },
    }


def alert_name(condition: str) -> str:
    """Prometheus' name of the rule of a condition."""
    return "".join(word.capitalize() for word in condition.split("_"))


def alert_rules() -> str:
    """Return the file of rules."""
    groups = {"groups": [{"name": "market-making", "rules": list(_rules())}]}
    return _HEAD + yaml.safe_dump(groups, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    sys.stdout.write(alert_rules())
