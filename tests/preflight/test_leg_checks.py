"""`mm check` of two legs: what each needs for itself alone, and what both must share."""

from dataclasses import replace

import pytest

from market_making.preflight.account_checks import account_checks
from market_making.preflight.leg_checks import checks_of_several
from market_making.preflight.outcome import Result
from market_making.preflight.subject import Subject
from market_making.settings.settings import Settings
from tests.live_bot import merged
from tests.puppet_market import ADDRESS, KEY, OTHER_ADDRESS, OTHER_KEY

SERVER = {"enabled": True, "listen_port": 8080}


def leg(name, address, key, **changes):
    """One leg as it should be configured."""
    config = {
        "dry_run": False,
        "bot_name": f"market-making-{name}",
        "db_url": f"sqlite:///{name}.sqlite",
        "api_server": {"enabled": True, "listen_port": 8080 + len(name)},
        "exchange": {"walletAddress": address, "privateKey": key, "pair_whitelist": ["ETH/USDC:USDC"]},
    }
    settings = Settings(sides=f"{name}_leg", account=address)
    return Subject(config=merged(config, changes), settings=settings, now_ms=0)


LONG, SHORT = leg("long", ADDRESS, KEY), leg("short", OTHER_ADDRESS, OTHER_KEY)


def set_to(**changes):
    """The short leg with other settings of ours."""
    return replace(SHORT, settings=SHORT.settings.model_copy(update=changes))


FAULTS = {
    "own-account": leg("short", ADDRESS.upper().replace("X", "x", 1), OTHER_KEY),
    "own-key": leg("short", OTHER_ADDRESS, KEY),
    "own-database": leg("short", OTHER_ADDRESS, OTHER_KEY, db_url="sqlite:///long.sqlite"),
    "own-name": leg("short", OTHER_ADDRESS, OTHER_KEY, bot_name="market-making-long"),
    "own-port": leg("short", OTHER_ADDRESS, OTHER_KEY, api_server={"listen_port": 8084}),
    "two-legs": set_to(sides="long_leg"),
    "same-mode": leg("short", OTHER_ADDRESS, OTHER_KEY, dry_run=True),
    "same-pairs": leg("short", OTHER_ADDRESS, OTHER_KEY, exchange={"pair_whitelist": ["BTC/USDC:USDC"]}),
    "same-exchange": set_to(url="http://127.0.0.1:1"),
    "same-legs": set_to(legs=SHORT.settings.legs / "elsewhere"),
    "same-state": set_to(state=SHORT.settings.state / "elsewhere"),
    "same-parameters": set_to(parameters=SHORT.settings.parameters / "elsewhere"),
    "same-size": set_to(model=SHORT.settings.model.model_copy(update={"order_notional": 50.0})),
    "same-bound": set_to(model=SHORT.settings.model.model_copy(update={"maximum_inventory": 5})),
    "same-leverage": set_to(leverage=3.0),
}


def failed(*bots):
    """Names of the checks that did not pass."""
    return {each.name for each in checks_of_several(bots) if each.result is not Result.PASSED}


def test_two_legs_that_keep_out_of_each_others_way_pass():
    """Every check there is passes; the names are those of the faults below."""
    assert failed(LONG, SHORT) == set()
    assert {each.name for each in checks_of_several((LONG, SHORT))} == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_by_its_own_check(fault):
    """It says what to do, and shows no key."""
    assert failed(LONG, FAULTS[fault]) == {fault}
    (outcome,) = [each for each in checks_of_several((LONG, FAULTS[fault])) if each.name == fault]
    assert outcome.remedy
    assert ADDRESS[10:] not in outcome.reason
    assert KEY[2:] not in outcome.reason
    assert KEY[2:] not in outcome.remedy


def test_bots_on_their_own_share_nothing_but_the_machine():
    """They may trade what they like, each with what is its own."""
    alone = [replace(bot, settings=bot.settings.model_copy(update={"sides": "alternate"})) for bot in (LONG, SHORT)]
    assert failed(alone[0], replace(alone[1], config=merged(alone[1].config, {"dry_run": True}))) == set()
    assert failed(alone[0], alone[0]) == {"own-account", "own-key", "own-database", "own-name", "own-port"}


def signer(address, vault, role, **answers):
    """What the check of the signer says of an account with an API wallet of its owner."""
    options = {} if vault is None else {"ccxt_config": {"options": {"vaultAddress": vault}}}
    subject = leg("short", address, OTHER_KEY, exchange=options)
    agents = [{"name": "bot", "address": OTHER_ADDRESS, "validUntil": 10**13}]
    known = {"userRole": role, "extraAgents": agents} | answers
    return next(each for each in account_checks(replace(subject, answers=known)) if each.name == "signer")


SUB, VAULT = "0x" + "ab" * 20, "0x" + "cd" * 20
OF_SUB = {"role": "subAccount", "data": {"master": ADDRESS}}


def test_a_sub_account_is_signed_for_by_its_owners_wallets_and_named_to_ccxt():
    """Without `vaultAddress` the orders would rest on the owner's account; any other account needs none."""
    assert signer(SUB, SUB, OF_SUB).result is Result.PASSED
    assert signer(SUB, SUB.removeprefix("0x").upper(), OF_SUB).result is Result.PASSED
    assert "orders would go elsewhere" in signer(SUB, None, OF_SUB).reason
    assert "orders would go elsewhere" in signer(SUB, VAULT, OF_SUB).reason
    assert "no sub-account" in signer(ADDRESS, SUB, {"role": "user"}).reason
    assert signer(ADDRESS, None, {"role": "user"}).result is Result.PASSED


def test_a_vault_is_signed_for_by_its_leaders_wallets():
    """The same, with another question for who that is."""
    leader = {"vaultDetails": {"leader": ADDRESS}}
    assert signer(VAULT, VAULT, {"role": "vault"}, **leader).result is Result.PASSED
    assert "orders would go elsewhere" in signer(VAULT, None, {"role": "vault"}, **leader).reason
    assert signer(VAULT, VAULT, {"role": "vault"}).result is Result.UNKNOWN
