"""What the first line of a run says: which bot this is, what it is configured with, and in which versions."""

from importlib.metadata import version
from typing import Any

from market_making.safety.state_file import masked
from market_making.trading.freqtrade.edge.credentials import credentials_of
from market_making.trading.freqtrade.pair_reader import QuotingStrategy

_PROGRAMS = {"project": "freqtrade-market-making", "freqtrade": "freqtrade", "ccxt": "ccxt"}
_OF_FREQTRADE = ("stake_currency", "trading_mode", "max_open_trades")


def run_header(strategy: QuotingStrategy) -> dict[str, Any]:
    """Settings that matter, strategy, model and versions; no secret, and of the account a masked address."""
    settings, config = strategy.settings, strategy.config
    shown = settings.model_dump(mode="json")
    shown["account"] = masked(settings.account)
    parameters = {name: parameter.value for name, parameter in strategy.enumerate_parameters()}
    return {
        "strategy": type(strategy).__name__,
        "model": strategy.quoter().__module__.rpartition(".")[2],
        "mode": str(strategy.dp.runmode.value),
        "exchange": config["exchange"]["name"],
        "pairs": list(config["exchange"].get("pair_whitelist", ())),
        "account": account_of(strategy),
        "settings": shown,
        "parameters": parameters,
        "stoploss": strategy.stoploss,
        "freqtrade": {name: config[name] for name in _OF_FREQTRADE if name in config},
        "versions": {name: version(package) for name, package in _PROGRAMS.items()},
    }


def account_of(strategy: QuotingStrategy) -> str | None:
    """The account, masked; None where the configuration names none."""
    address, _ = credentials_of(strategy.dp._exchange)
    return masked(strategy.settings.account or address or None)


def database_of(strategy: QuotingStrategy) -> str | None:
    """File of Freqtrade's trades; None for a database that is no file, whose address may hold a password."""
    url = str(strategy.config.get("db_url", ""))
    path = url.removeprefix("sqlite:///")
    return path if path and path != url else None
