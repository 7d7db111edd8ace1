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
        signer, account = self._identify(request, now_ms)
        if isinstance(account, Denied):
            return account
        return self._use_nonce(signer, request.nonce, now_ms) or account

    def account_of(self, request: SignedRequest, now_ms: int) -> Account | None:
        """The account a request would act for; errors as in `authorise`, and no nonce is used up."""
        account = self._identify(request, now_ms)[1]
        return None if isinstance(account, Denied) else account

    def _identify(self, request: SignedRequest, now_ms: int) -> tuple[str, Account | Denied]:
        """Who has signed, and the account he acts for."""
        by_user = request.action.get("type") in USER_SIGNED
        candidates = []
        for signer in signers(request):
            own = self._accounts.get(signer) if by_user else self._own_account(signer, now_ms)
            if own is not None:
                return signer, own if by_user or request.vault is None else self._vault(own, request.vault)
            candidates.append(signer)
        if by_user:
            return candidates[0], Denied(f"Must deposit before performing actions. User: {candidates[0]}")
        # Only one of the addresses has signed; if one is of an agent whose time is over, it is this one.
        known = {agent for account in self._accounts.values() for agent in account.agents}
        signer = next((candidate for candidate in candidates if candidate in known), candidates[0])
        return signer, Denied(f"User or API Wallet {signer} does not exist.")

    def _own_account(self, signer: str, now_ms: int) -> Account | None:
        own = self._accounts.get(signer)
        principals = (account for account in self._accounts.values() if account.acts_here(signer, now_ms))
        return own or next(principals, None)

    def _vault(self, own: Account, address: str) -> Account | Denied:
        """The sub-account or vault that an account wants to act for."""
        target = self._accounts.get(address)
        if target is None:
            return Denied(f"L1 error: Vault not registered: {address}")
        if own.address in (target.address, target.master, target.leader):
            return target
        return Denied(f"User or API Wallet {own.address} does not exist.")

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
