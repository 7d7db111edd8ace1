"""Who may act: real signatures of the official SDK, changed in every way that must not pass."""

import time
from typing import Any

import pytest
from eth_account import Account as Key
from hyperliquid.utils.signing import sign_agent, sign_approve_builder_fee, sign_l1_action

from market_making.hyperliquid.signing import read_request, signers
from market_making.market.errors import MalformedMessage
from market_making.venue.accounts.account import Account
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.engine.exchange import Exchange
from market_making.venue.protocol.access import DAY_MS, KEPT_NONCES, Access, Denied

MASTER, AGENT, SUB, STRANGER = (Key.from_key("0x" + f"{number:02x}" * 32) for number in (1, 2, 3, 4))
NOW_MS = int(time.time() * 1000)
ACTION = {"type": "cancel", "cancels": [{"a": 1, "o": 77}]}


@pytest.fixture
def access() -> Access:
    accounts = (AccountConfig(MASTER.address, (AGENT.address,)), AccountConfig(SUB.address, master=MASTER.address))
    return Access(Exchange((), VenueConfig(accounts=accounts), NOW_MS).state.accounts)


def signed(
    key: Any, *, nonce: int = NOW_MS, vault: str | None = None, expires: int | None = None, mainnet: bool = True
):
    signature = sign_l1_action(key, ACTION, vault, nonce, expires, mainnet)
    return {"action": ACTION, "nonce": nonce, "signature": signature, "vaultAddress": vault, "expiresAfter": expires}


def decide(access: Access, body: dict[str, Any]) -> str:
    outcome = access.authorise(read_request(body), NOW_MS)
    return outcome.address if isinstance(outcome, Account) else outcome.text


@pytest.mark.parametrize("mainnet", [True, False])
@pytest.mark.parametrize("key", [MASTER, AGENT])
def test_account_and_agent_act_for_the_account_on_either_network(access: Access, key: Any, mainnet: bool):
    """The account's own key and its agent's both lead to the account, as signed for mainnet or testnet."""
    assert decide(access, signed(key, mainnet=mainnet)) == MASTER.address.lower()


def test_a_stranger_is_told_that_the_wallet_does_not_exist(access: Access):
    """The address in the refusal is that of the signer."""
    assert decide(access, signed(STRANGER)) == f"User or API Wallet {STRANGER.address.lower()} does not exist."


@pytest.mark.parametrize("change", [
    {"action": {**ACTION, "cancels": [{"a": 1, "o": 78}]}},
    {"nonce": NOW_MS + 1},
    {"vaultAddress": SUB.address},
    {"expiresAfter": NOW_MS + 1000},
    {"action": {"cancels": ACTION["cancels"], "type": "cancel"}},
])  # fmt: skip
def test_a_signature_holds_for_exactly_what_was_signed(access: Access, change: dict[str, Any]):
    """Any change of action, order of its keys, nonce, vault or expiry leads to an address nobody has."""
    assert decide(access, {**signed(MASTER), **change}).startswith("User or API Wallet 0x")


@pytest.mark.parametrize("signature", [
    None, {}, {"r": "0x1", "s": "0x1", "v": 26}, {"r": "1", "s": "0x1", "v": 27}, {"r": "0xzz", "s": "0x1", "v": 27},
    {"r": "0x" + "f" * 64, "s": "0x" + "f" * 64, "v": 27}, {"r": "0x0", "s": "0x0", "v": 28},
])  # fmt: skip
def test_what_is_no_signature_is_malformed(signature: Any):
    """A signature that is no point of the curve is refused as such, never with another error."""
    with pytest.raises(MalformedMessage, match="signature"):
        list(signers(read_request({**signed(MASTER), "signature": signature})))


@pytest.mark.parametrize("body", [
    None, [], {}, {"action": 1}, {**signed(MASTER), "nonce": -1}, {**signed(MASTER), "nonce": "1"},
    {**signed(MASTER), "vaultAddress": "0x12"}, {**signed(MASTER), "expiresAfter": "soon"},
])  # fmt: skip
def test_a_malformed_request_is_refused(body: Any):
    """Missing or mistyped parts of a request are named."""
    with pytest.raises(MalformedMessage):
        read_request(body)


def test_a_sub_account_is_reached_by_its_master_only(access: Access):
    """vaultAddress names a sub-account: its master's keys act for it, a foreign key does not."""
    assert decide(access, signed(MASTER, vault=SUB.address)) == SUB.address.lower()
    assert decide(access, signed(AGENT, nonce=NOW_MS + 1, vault=SUB.address)) == SUB.address.lower()
    assert "does not exist" in decide(access, signed(SUB, vault=MASTER.address))


def test_a_nonce_counts_once(access: Access):
    """The same request a second time is a duplicate; another signer may use the same nonce."""
    assert decide(access, signed(MASTER)) == MASTER.address.lower()
    assert "duplicate nonce" in decide(access, signed(MASTER))
    assert decide(access, signed(AGENT)) == MASTER.address.lower()


@pytest.mark.parametrize("offset", [-2 * DAY_MS, DAY_MS, 10 * DAY_MS])
def test_a_nonce_is_a_time_near_now(access: Access, offset: int):
    """Nonces lie between two days before and one day after now."""
    assert decide(access, signed(MASTER, nonce=NOW_MS + offset)).startswith("Invalid nonce")


def test_a_nonce_may_be_late_but_not_below_the_highest_hundred(access: Access):
    """Order does not matter within the hundred highest nonces of a signer; what lies below them is gone."""
    for number in range(KEPT_NONCES):
        decide(access, signed(MASTER, nonce=NOW_MS + 2 * number + 2))
    assert decide(access, signed(MASTER, nonce=NOW_MS + 5)) == MASTER.address.lower()
    assert "highest nonces" in decide(access, signed(MASTER, nonce=NOW_MS + 1))


def test_user_signed_actions_need_the_accounts_own_key(access: Access):
    """An agent cannot approve anything, and a tampered rate is not what was signed."""

    def approval(key: Any, nonce: int) -> dict[str, Any]:
        action = {"type": "approveBuilderFee", "maxFeeRate": "0.01%", "builder": SUB.address, "nonce": nonce}
        signature = sign_approve_builder_fee(key, action, False)
        return {"action": action, "nonce": nonce, "signature": signature, "vaultAddress": None}

    assert decide(access, approval(MASTER, NOW_MS)) == MASTER.address.lower()
    assert decide(access, approval(AGENT, NOW_MS)) == (
        f"Must deposit before performing actions. User: {AGENT.address.lower()}"
    )
    tampered = approval(MASTER, NOW_MS + 1)
    tampered["action"]["maxFeeRate"] = "1%"
    assert decide(access, tampered).startswith("Must deposit")


@pytest.mark.parametrize("change", [
    {"nonce": -1}, {"nonce": 2**70}, {"nonce": 1.5}, {"nonce": []}, {"nonce": None},
    {"signatureChainId": "-0x1"}, {"signatureChainId": "0x" + "f" * 65},
])  # fmt: skip
def test_a_field_that_does_not_fit_its_signed_type_is_malformed(change: dict[str, Any]):
    """A number out of the range in which it is signed is refused as such, never with another error."""
    action = {"type": "approveBuilderFee", "maxFeeRate": "0.01%", "builder": SUB.address, "nonce": NOW_MS}
    body = {"action": action, "nonce": NOW_MS, "signature": sign_approve_builder_fee(MASTER, action, False)}
    with pytest.raises(MalformedMessage, match="signature cannot be verified"):
        list(signers(read_request({**body, "action": {**action, **change}})))


@pytest.mark.parametrize("name", ["", "mine"])
def test_an_agent_is_approved_with_or_without_a_name(access: Access, name: str):
    """The SDK leaves the name of an unnamed agent out after it has signed an empty one."""
    action = {"type": "approveAgent", "agentAddress": STRANGER.address, "agentName": name, "nonce": NOW_MS}
    signature = sign_agent(MASTER, action, True)
    if not name:
        del action["agentName"]
    assert decide(access, {"action": action, "nonce": NOW_MS, "signature": signature}) == MASTER.address.lower()


def test_a_denial_does_not_use_up_a_nonce(access: Access):
    """A stranger who signs with somebody's nonce does not take it away."""
    assert isinstance(access.authorise(read_request(signed(STRANGER)), NOW_MS), Denied)
    assert decide(access, signed(MASTER)) == MASTER.address.lower()
