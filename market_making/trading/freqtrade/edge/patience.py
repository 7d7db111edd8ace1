"""How long the bot waits: for the answer to a question, and after a loop that has failed.

ccxt waits 10 s for an answer. After a failed request Freqtrade sleeps 30 s, whatever rests at the exchange meanwhile.
Neither suits a bot whose quotes are good for a second.
"""

import threading
from typing import Any

from freqtrade import worker

from market_making.trading.freqtrade.edge.door import Forward, Request

_STOCK_S: float = worker.RETRY_TIMEOUT
RETRY_S = 1
QUESTION_S = 4.0


class Patience:
    """Step of the client that gives a question up sooner; actions keep ccxt's time.

    Parameters
    ----------
    client : ccxt.hyperliquid
        Whose ``timeout`` [ms] it changes while the main thread asks.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        worker.RETRY_TIMEOUT = RETRY_S

    def step(self, request: Request, forward: Forward) -> Any:
        """Ask; errors are those of the exchange."""
        if request.is_action or threading.current_thread() is not threading.main_thread():
            return forward(request)
        stock_ms = self._client.timeout
        self._client.timeout = min(stock_ms, QUESTION_S * 1e3)
        try:
            return forward(request)
        finally:
            self._client.timeout = stock_ms


def restore() -> None:
    """Let Freqtrade sleep as long as it ships: a bot before this one, in this process, may have had the override."""
    worker.RETRY_TIMEOUT = _STOCK_S
