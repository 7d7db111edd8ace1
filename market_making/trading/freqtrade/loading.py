"""Load a configuration and its strategy as `freqtrade trade` would, to see what Freqtrade or the strategy refuses.

A program of its own, ``python -m market_making.trading.freqtrade.loading USER_DATA FILE…``, which prints one JSON
document: loading Freqtrade takes seconds and changes how the whole process logs. It takes neither account nor port, so
that a running bot of the same configuration is no fault of it.
"""

import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

from freqtrade.configuration import Configuration
from freqtrade.exceptions import FreqtradeException
from freqtrade.resolvers import StrategyResolver

from market_making.trading.freqtrade.halts import ONLY_CHECKED


def refusals_of(files: Sequence[str], user_data: str) -> tuple[dict[str, Any], list[str]]:
    """Return the configuration as Freqtrade has it (empty if it has none), and why it or the strategy is refused."""
    arguments = {"config": list(files), "user_data_dir": user_data}
    logging.getLogger("freqtrade").setLevel(logging.WARNING)
    config: dict[str, Any] = {}
    try:
        config = Configuration(arguments, None).get_config()
        config[ONLY_CHECKED] = True
        StrategyResolver.load_strategy(config)
    except FreqtradeException as refused:
        return config, str(refused).split("; ")
    return config, []


def main(arguments: Sequence[str]) -> None:
    """Print what is refused, and the settings that the strategy sets unless the configuration does."""
    config, refusals = refusals_of(arguments[1:], arguments[0])
    sys.stdout.write(json.dumps({"refusals": refusals, "stoploss": config.get("stoploss")}))


if __name__ == "__main__":
    main(sys.argv[1:])
