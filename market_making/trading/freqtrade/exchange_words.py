"""What Freqtrade says when the exchange has refused an order: strategies are not told, but the log is."""

import logging
from collections import deque

_LONGEST = 300
# Of what concerns no pair by name: an order without funds, and a loop that was given up.
_GENERAL = ("Unable to place order", "Error: ")


class ExchangeWords(logging.Handler):
    """Hears the warnings of Freqtrade while it is attached.

    Freqtrade catches a refusal and logs the exchange's message with the pair; a contract test holds that.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: deque[str] = deque(maxlen=50)

    def attach(self) -> None:
        """Begin to hear, instead of one that a former start may have left."""
        logger = logging.getLogger("freqtrade")
        for former in [handler for handler in logger.handlers if isinstance(handler, ExchangeWords)]:
            logger.removeHandler(former)
        logger.addHandler(self)

    def detach(self) -> None:
        """Hear no more."""
        logging.getLogger("freqtrade").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was said."""
        self._said.append(record.getMessage()[:_LONGEST])

    def about(self, pair: str) -> str:
        """The last thing said of a pair since `forget`, or else of no pair; empty if nothing was."""
        mine = [text for text in self._said if pair in text] or [
            text for text in self._said if text.startswith(_GENERAL)
        ]
        return mine[-1] if mine else ""

    def forget(self) -> None:
        """What was said belongs to a loop that is over."""
        self._said.clear()
