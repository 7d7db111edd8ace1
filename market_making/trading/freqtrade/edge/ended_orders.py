"""An order that the exchange has ended by itself has ended for Freqtrade, too.

ccxt knows an end by the last letters of its word, Canceled or Rejected. ``scheduledCancel``, with which the dead man's
switch ends every order, and ``internalCancel`` are passed on as they are; Freqtrade then takes the order for open, and
its pair is neither quoted nor sold again.
"""

from typing import Any

_READ = frozenset(("open", "closed", "canceled", "rejected"))


def name_ends(client: Any) -> None:
    """Let ccxt's client of Hyperliquid take every word for an end that it does not know.

    Parameters
    ----------
    client : ccxt.hyperliquid
        Whose ``parse_order_status`` is replaced.
    """
    stock = client.parse_order_status

    def parse_order_status(status: str | None) -> Any:
        parsed = stock(status)
        return parsed if parsed is None or parsed in _READ else "canceled"

    client.parse_order_status = parse_order_status
