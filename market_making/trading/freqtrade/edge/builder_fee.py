"""No order of ours pays a builder, and none is approved.

ccxt approves its own builder at the first authenticated call, sets its own referrer, and adds the builder to every
order; with ``options.builderFee`` false it still approves and adds it, at a fee of zero. No configuration alone stops
both: ``approvedBuilderFee`` true prevents the approval but adds the builder, false the other way round. So the
configuration says true, which covers the calls before a strategy exists, and the strategy calls this when it starts.
"""

from inspect import iscoroutinefunction
from typing import Any


def refuse_builder_fee(*clients: Any) -> None:
    """Stop ccxt's clients of Hyperliquid from paying its builder and from asking to.

    A client may be synchronous or not, or None where Freqtrade has none.
    """
    for client in filter(None, clients):
        client.options["approvedBuilderFee"] = False
        asynchronous = iscoroutinefunction(client.handle_builder_fee_approval)
        client.handle_builder_fee_approval = _approved_later if asynchronous else _approved


def _approved() -> bool:
    return True


async def _approved_later() -> bool:
    return True
