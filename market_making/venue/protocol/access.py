"""Who may act for which account: signatures, agents, sub-accounts, nonces.

Source: the exchange's documentation, "Nonces and API wallets": the 100 highest nonces of a signer are kept, a new one
must be above the lowest of them and not among them, and lie between two days before and one day after now.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from typing import NamedTuple

from market_making.hyperliquid.signing import USER_SIGNED, SignedRequest, signers
from market_making.venue.accounts.account import Account

KEPT_NONCES = 100
DAY_MS = 86_400_000


class Denied(NamedTuple):
    """Why a request is not carried out, in the exchange's words."""

    text: str


class Access:
    """Decides for which account a request acts.

    Parameters
    ----------
    accounts : dict[str, Account]
        Accounts by address; shared with the exchange.
    """

    def __init__(self, accounts: dict[str, Account]) -> None:
        self._accounts = accounts
        self._nonces: dict[str, list[int]] = defaultdict(list)

    def authorise(self, request: SignedRequest, now_ms: int) -> Account | Denied:
        """Return the account a request acts for, and use up its nonce.

        Raises
        ------
        MalformedMessage
            If the signature cannot be verified at all.
        """
        by_user = request.action.get("type") in USER_SIGNED
        candidates = []
        for signer in signers(request):
            account = self._accounts.get(signer) if by_user else self._acting_for(signer, request.vault)
            if account is not None:
                return self._use_nonce(signer, request.nonce, now_ms) or account
            candidates.append(signer)
        if by_user:
            return Denied(f"Must deposit before performing actions. User: {candidates[0]}")
        return Denied(f"User or API Wallet {candidates[0]} does not exist.")

    def _acting_for(self, signer: str, vault: str | None) -> Account | None:
        own = self._accounts.get(signer) or self._principal(signer)
        if vault is None or own is None:
            return own
        target = self._accounts.get(vault)
        return target if target is not None and own.address in (target.address, target.master) else None

    def _principal(self, agent: str) -> Account | None:
        return next((account for account in self._accounts.values() if agent in account.agents), None)

    def _use_nonce(self, signer: str, nonce: int, now_ms: int) -> Denied | None:
        used = self._nonces[signer]
        if not now_ms - 2 * DAY_MS < nonce < now_ms + DAY_MS:
            return Denied(f"Invalid nonce: {nonce} is not within two days before and one day after {now_ms}")
        place = bisect_left(used, nonce)
        if place < len(used) and used[place] == nonce:
            return Denied(f"Invalid nonce: duplicate nonce {nonce}")
        if len(used) == KEPT_NONCES and place == 0:
            return Denied(f"Invalid nonce: {nonce} is below the {KEPT_NONCES} highest nonces of {signer}")
        insort(used, nonce)
        del used[:-KEPT_NONCES]
        return None
