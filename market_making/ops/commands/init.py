"""`mm init`: the files of a new bot, from questions or options."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from market_making.ops.commands.options import json_option, print_json, user_data, user_data_option, with_options
from market_making.ops.setup.questions import FIELDS, KEYS, Asker

if TYPE_CHECKING:
    from market_making.ops.setup.bot import NewBot
    from market_making.ops.setup.wishes import Telegram, Wishes

_KEY, _TOKEN = "MM_PRIVATE_KEY", "MM_TELEGRAM_TOKEN"


def _setting(name: str) -> Any:
    field = FIELDS[name]
    text = f"{field.description}: {field.accepted}.  [default: {field.default}]"
    return click.option(f"--{name.replace('_', '-')}", name, metavar="VALUE", help=text)


@click.command()
@with_options(
    click.option(
        "--coin", "coins", multiple=True, help="ETH, xyz:NVDA, HYPE/USDC; repeat for several.  [default: ETH]"
    ),
    click.option("--variant", metavar="STRATEGY", help="Class name of the strategy.  [default: MarketMaking]"),
    *(_setting(name) for name in KEYS),
    click.option("--name", help="Names the bot, its files and its databases.  [default: its first coin]"),
    click.option("--account", metavar="0x…", help="Address of your account; not that of the API wallet."),
    click.option("--live", is_flag=True, help="Trade; with --venue play money. Without it the bot runs dry."),
    click.option("--venue", is_flag=True, help="Trade on the local exchange (mm venue), with a new account of it."),
    click.option("--testnet", is_flag=True, help="Trade on the exchange's testnet; its data are kept apart."),
    click.option("--venue-port", type=click.IntRange(1, 65535), default=18080, show_default=True, help="Its port."),
    click.option("--telegram", metavar="CHAT_ID", help=f"Chat for messages; the token is asked for, or ${_TOKEN}."),
    click.option("--yes", is_flag=True, help="Ask nothing: what is not given has its default."),
    user_data_option,
    json_option,
)
def init(**options: Any) -> None:
    """Write the configuration of a new bot, from questions on a terminal or from options.

    The bot runs dry unless --live is given. A key is never an option: it is asked for without an echo, taken from
    $MM_PRIVATE_KEY, or written by you into the private file, which only you can read. A folder that exists keeps
    all it has; strategies that are missing are added to it.
    """
    from market_making.ops.setup.bot import write_bot

    asker = Asker(is_terminal() and not options["yes"] and not options["as_json"])
    if options["venue"] and options["testnet"]:
        raise click.UsageError("--venue and --testnet are two exchanges: leave one out.")
    url = f"http://127.0.0.1:{options['venue_port']}" if options["venue"] else None
    bot = write_bot(_wishes(options, asker), user_data(), url, testnet=options["testnet"])
    if options["as_json"]:
        paths = {name: [str(path) for path in getattr(bot, name)] for name in ("written", "kept")}
        print_json(asdict(bot) | paths | {"config": str(bot.config), "private": str(bot.private)})
    else:
        _show(bot)


def is_terminal() -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty()


def _wishes(options: dict[str, Any], asker: Asker) -> Wishes:
    from market_making.ops.setup.markets import bot_name
    from market_making.ops.setup.wishes import Wishes

    coins = options["coins"] or tuple(asker.text("Coins, separated by spaces", None, "ETH").split())
    variant = asker.text("Strategy", options["variant"], "MarketMaking")
    section = asker.settings(options)
    name = asker.text("Name of the bot", options["name"], bot_name(coins[0]) if coins else "")
    live, account, key = options["live"], options["account"], None
    if asker.is_on and not live:
        money = "play money" if options["venue"] or options["testnet"] else "money"
        live = click.confirm(f"Trade {money}? Otherwise the bot runs dry", default=False)
    if not options["venue"]:
        account = asker.optional("Address of your account, not of the API wallet", account)
        key = asker.secret("Private key of the API wallet", os.environ.get(_KEY)) if live else None
    telegram = _telegram(asker, options["telegram"])
    return Wishes(name, coins, variant, section, live, account, key, telegram)


def _telegram(asker: Asker, chat: str | None) -> Telegram | None:
    from market_making.market.errors import ConfigurationError
    from market_making.ops.setup.wishes import Telegram

    chat = asker.optional("Telegram chat id for messages", chat)
    if chat is None:
        return None
    token = asker.secret("Telegram token of your bot", os.environ.get(_TOKEN))
    if token is None:
        raise ConfigurationError(f"--telegram needs a token: answer the question or set ${_TOKEN}")
    return Telegram(token, chat)


def _show(bot: NewBot) -> None:
    for path in bot.written:
        click.echo(f"written  {path}")
    for path in bot.kept:
        click.echo(f"kept     {path}: yours differs from the one that is shipped")
    click.echo(
        f"FreqUI is on http://127.0.0.1:{bot.api_port} while the bot runs, once `freqtrade install-ui` has fetched it;"
    )
    click.echo(f"its password is in {bot.private}")
    if bot.lacks_key:
        click.echo(f"now put the private key of an API wallet into {bot.private}")
    click.echo("\nnext, each in a shell of its own:")
    for command in bot.commands:
        click.echo(f"  {command}")
