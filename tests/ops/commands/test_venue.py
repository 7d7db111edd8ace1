"""The options of `mm venue` that describe accounts and faults."""

from typing import Any

import pytest
from click.testing import CliRunner

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.venue import venue
from market_making.ops.commands.venue_accounts import read_accounts
from market_making.venue.config import AgentConfig

OWNER, SUB, VAULT, AGENT = ("0x" + letter * 40 for letter in "a5b7")


def options(**changes: Any) -> dict[str, Any]:
    none = {"agents": (), "sub_accounts": (), "vaults": (), "used_actions": 0, "volume": 0.0}
    return {"accounts": (OWNER.upper().replace("X", "x"),), **none, **changes}


def test_accounts_have_agents_subs_and_vaults():
    """Each is tied to its owner, and all of them share what was done before."""
    owner, sub, vault = read_accounts(options(
        agents=(f"{OWNER}:{AGENT}", f"{OWNER}:{SUB}:1700000000000"), sub_accounts=(f"{OWNER}:{SUB}",),
        vaults=(f"{OWNER}:{VAULT}",), used_actions=7, volume=9.0,
    ))  # fmt: skip
    assert owner.agents == (AgentConfig(AGENT), AgentConfig(SUB, 1_700_000_000_000))
    assert (sub.address, sub.master, vault.address, vault.leader) == (SUB, OWNER, VAULT, OWNER)
    assert {(account.used_actions, account.volume) for account in (owner, sub, vault)} == {(7, 9.0)}


@pytest.mark.parametrize(("changes", "words"), [
    ({"agents": (AGENT,)}, "--agent must begin with an address of --account"),
    ({"agents": (f"{OWNER}:{AGENT}:soon",)}, "--agent: the end must be Unix milliseconds, got 'soon'"),
    ({"sub_accounts": (f"{AGENT}:{SUB}",)}, "--sub-account must begin"),
    ({"vaults": (f"{OWNER}:{VAULT}:1",)}, "--vault must begin"),
    ({"vaults": (f"{OWNER}:0x12",)}, "an address is 0x"),
])  # fmt: skip
def test_what_cannot_be_read_is_named(changes: dict[str, Any], words: str):
    """The message names the option and what was seen."""
    with pytest.raises(ConfigurationError, match=words):
        read_accounts(options(**changes))


def test_an_unknown_schedule_is_told_before_anything_starts():
    """The names there are stand in the message."""
    result = CliRunner().invoke(venue, ["--simulate", "--coin", "ETH", "--faults", "everything"])
    assert isinstance(result.exception, ConfigurationError)
    assert "a file or one of on-request, lost-answers" in str(result.exception)
