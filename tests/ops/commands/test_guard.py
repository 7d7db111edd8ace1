"""From configuration files to what the guard is told; what cannot be guarded is refused."""

import json
from pathlib import Path

import pytest

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.guarding import guard_options
from tests.puppet_market import ADDRESS, KEY, OTHER_ADDRESS, OTHER_KEY


def written(folder, **changes):
    """One configuration file of a bot that trades live."""
    config = {"bot_name": "maker", "dry_run": False, "db_url": "sqlite:///some/trades.sqlite"}
    config |= {"exchange": {"name": "hyperliquid", "walletAddress": ADDRESS, "privateKey": KEY,
                            "pair_whitelist": ["ETH/USDC:USDC"]}} | changes  # fmt: skip
    path = folder / f"{config['bot_name']}.json"
    path.write_text(json.dumps(config))
    return [path]


def exchange(**changes):
    return {"exchange": {"name": "hyperliquid", "walletAddress": ADDRESS, "privateKey": KEY} | changes}


def test_a_live_bot_becomes_a_guarded_one(tmp_path, monkeypatch):
    """With Freqtrade's own keys; the guard's key goes before the bot's, and that of one bot before that of all."""
    telegram = {"enabled": True, "token": "1:a", "chat_id": 7}
    section = {"state": "here", "quote": {"reserved_actions": 9}, "guard": {"silence_s": 4, "moves": 0.5}}
    options = guard_options([written(tmp_path, telegram=telegram, market_making=section)])
    (bot,) = options.bots
    assert (bot.name, bot.identity.address, bot.identity.key, bot.owns_key) == ("maker", ADDRESS, KEY, True)
    assert (bot.database, options.state) == (Path("some/trades.sqlite"), Path("here"))
    assert bot.coins.wanted == ("ETH/USDC:USDC",)
    assert (options.rules.silence_s, options.quotes.moves, options.quotes.reserve) == (4, 0.5, 9)
    assert (options.telegram.token, options.telegram.chat_id) == ("1:a", "7")
    monkeypatch.setenv("MM_GUARD_KEY", OTHER_KEY)
    assert guard_options([written(tmp_path)]).bots[0].identity.key == OTHER_KEY
    monkeypatch.setenv("MM_GUARD_KEY_MAKER", KEY)
    assert guard_options([written(tmp_path)]).bots[0].owns_key is False
    assert guard_options([written(tmp_path)]).bots[0].identity.key == KEY


def test_a_sub_account_is_signed_for_as_ccxt_does(tmp_path):
    """Its address may stand without 0x, and it may be in snake case."""
    vault = {"ccxt_config": {"options": {"vaultAddress": OTHER_ADDRESS[2:]}}}
    (bot,) = guard_options([written(tmp_path, **exchange(**vault))]).bots
    assert bot.identity.vault == OTHER_ADDRESS
    snake = {"name": "hyperliquid", "wallet_address": OTHER_ADDRESS, "private_key": OTHER_KEY}
    (bot,) = guard_options([written(tmp_path, exchange=snake)]).bots
    assert (bot.identity.address, bot.identity.key) == (OTHER_ADDRESS, OTHER_KEY)


REFUSED = [
    ({"dry_run": True}, "dry run"),
    (exchange(walletAddress="0x12"), "walletAddress"),
    (exchange(privateKey="0x…"), "privateKey"),
    ({"db_url": "postgresql://user:secret@host/db"}, "db_url"),
    ({"market_making": {"guard": {"silence_s": 0}}}, "silence_s"),
]


@pytest.mark.parametrize(("changes", "named"), REFUSED)
def test_what_cannot_be_guarded_is_refused_by_its_key(tmp_path, changes, named):
    with pytest.raises(ConfigurationError, match=named) as refused:
        guard_options([written(tmp_path, **changes)])
    assert "secret" not in str(refused.value)
    assert KEY not in str(refused.value)


def test_bots_of_one_guard_share_folders_and_never_an_account(tmp_path):
    first, other = written(tmp_path), {"bot_name": "other"} | exchange(walletAddress=OTHER_ADDRESS)
    assert len(guard_options([first, written(tmp_path, **other)]).bots) == 2
    with pytest.raises(ConfigurationError, match="share an account"):
        guard_options([first, written(tmp_path, bot_name="other")])
    with pytest.raises(ConfigurationError, match=r"market_making\.state"):
        guard_options([first, written(tmp_path, **other, market_making={"state": "elsewhere"})])


def test_a_leader_is_followed_where_it_is_configured_and_a_known_venue(tmp_path):
    """Off by default."""
    assert guard_options([written(tmp_path)]).leader is None
    options = guard_options([written(tmp_path, market_making={"guard": {"leader": "binanceusdm"}})])
    assert options.leader.name == "binanceusdm"
    with pytest.raises(ConfigurationError, match="leader"):
        guard_options([written(tmp_path, market_making={"guard": {"leader": "nowhere"}})])
