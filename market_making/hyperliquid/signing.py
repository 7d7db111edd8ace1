"""Who signed an action. The official SDK's own functions recover the signer, so that both sides cannot share an error.

An L1 action (order, cancel, …) is signed for mainnet by ccxt and for testnet by the SDK whenever the address is not the
mainnet's, and nothing in the request tells which; a wrong guess recovers an address nobody has. Both are offered.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from eth_abi.exceptions import EncodingError
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from hyperliquid.utils.signing import recover_agent_or_user_from_l1_action, recover_user_from_user_signed_action

from market_making.market.errors import MalformedMessage

ADDRESS_LENGTH = 42
_CHAIN = {"name": "hyperliquidChain", "type": "string"}
_NONCE = {"name": "nonce", "type": "uint64"}
USER_SIGNED = {
    "approveBuilderFee": (
        "HyperliquidTransaction:ApproveBuilderFee",
        [_CHAIN, {"name": "maxFeeRate", "type": "string"}, {"name": "builder", "type": "address"}, _NONCE],
    ),
    "approveAgent": (
        "HyperliquidTransaction:ApproveAgent",
        [_CHAIN, {"name": "agentAddress", "type": "address"}, {"name": "agentName", "type": "string"}, _NONCE],
    ),
}
# What recovery raises for a signature that is none, and for a field that does not fit the type it is signed as.
_UNVERIFIABLE = (BadSignature, EncodingError, ValidationError, ValueError, TypeError, KeyError, OverflowError)


class SignedRequest(NamedTuple):
    """A body of ``/exchange``; `action` keeps the order of its keys, which is part of what is signed."""

    action: dict[str, Any]
    nonce: int
    signature: Mapping[str, Any]
    vault: str | None
    expires_after: int | None


def read_address(value: Any, what: str) -> str:
    """Read an address in lower case.

    Raises
    ------
    MalformedMessage
        If it is not 0x and 40 hex digits.
    """
    if isinstance(value, str) and len(value) == ADDRESS_LENGTH and value.startswith("0x"):
        try:
            int(value, 16)
        except ValueError:
            pass
        else:
            return value.lower()
    raise MalformedMessage(f"{what} is 0x and 40 hex digits, got {value!r:.60}")


def read_request(body: Any) -> SignedRequest:
    """Read a body of ``/exchange``.

    Raises
    ------
    MalformedMessage
        If a part is missing or of a wrong type.
    """
    if not isinstance(body, dict) or not isinstance(body.get("action"), dict):
        raise MalformedMessage("an exchange request is an object with an action")
    nonce, expires = body.get("nonce"), body.get("expiresAfter")
    if type(nonce) is not int or not 0 <= nonce < 2**64:
        raise MalformedMessage(f"nonce must be an unsigned integer, got {nonce!r:.60}")
    if expires is not None and (type(expires) is not int or not 0 <= expires < 2**64):
        raise MalformedMessage(f"expiresAfter must be an unsigned integer, got {expires!r:.60}")
    vault = body.get("vaultAddress")
    if isinstance(vault, str) and len(vault) == ADDRESS_LENGTH - 2:
        vault = "0x" + vault  # ccxt strips the prefix; what is signed are the bytes of the address
    vault = None if vault is None else read_address(vault, "vaultAddress")
    return SignedRequest(body["action"], nonce, _read_signature(body.get("signature")), vault, expires)


def _read_signature(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or type(value.get("v")) is not int or value["v"] not in (0, 1, 27, 28):
        raise MalformedMessage("a signature has r, s and v, and v is 27 or 28")
    for part in ("r", "s"):
        text = value.get(part)
        if not isinstance(text, str) or not text.startswith("0x") or not 2 < len(text) <= 66:
            raise MalformedMessage(f"{part} of a signature is 0x and up to 64 hex digits, got {text!r:.80}")
        try:
            int(text, 16)
        except ValueError:
            raise MalformedMessage(f"{part} of a signature is not hex: {text!r:.80}") from None
    return value


def signers(request: SignedRequest) -> Iterator[str]:
    """Addresses that may have signed, in lower case: as for mainnet, then as for testnet.

    An action that an account must sign itself names its network, so there is one address.

    Raises
    ------
    MalformedMessage
        If the signature is no point of the curve or the action cannot be hashed.
    """
    network = request.action.get("hyperliquidChain") if request.action.get("type") in USER_SIGNED else None
    for is_mainnet in (True, False) if network is None else (network == "Mainnet",):
        try:
            yield _signer(request, is_mainnet).lower()
        except _UNVERIFIABLE as error:
            raise MalformedMessage(f"the signature cannot be verified: {error}") from error


def _signer(request: SignedRequest, is_mainnet: bool) -> str:
    kind = request.action.get("type")
    if kind not in USER_SIGNED:
        address = recover_agent_or_user_from_l1_action(
            request.action, request.signature, request.vault, request.nonce, request.expires_after, is_mainnet
        )
        return str(address)
    primary, types = USER_SIGNED[kind]
    # The SDK signs an unnamed agent with an empty name and then leaves the name out; it also writes into the action.
    action = {**request.action, "agentName": request.action.get("agentName") or ""}
    if kind != "approveAgent":
        del action["agentName"]
    return str(recover_user_from_user_signed_action(action, request.signature, types, primary, is_mainnet))
