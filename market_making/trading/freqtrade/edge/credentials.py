"""The account and the key that Freqtrade's client signs with; its configuration no longer has them after the start."""

from typing import Any, NamedTuple


class Credentials(NamedTuple):
    """Address of the account and the private key; None where the client has none. Never write the key anywhere."""

    address: str | None
    key: str | None

    def __repr__(self) -> str:
        return f"Credentials(address={self.address!r}, key=…)"


def credentials_of(exchange: Any) -> Credentials:
    """Read them from a Freqtrade exchange."""
    client = exchange._api
    return Credentials(client.walletAddress or None, client.privateKey or None)
