"""The voice of a bot: what its own state shows goes to its log, to a person's messages, and into its state file."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace

from market_making.safety.condition import Severity
from market_making.safety.notice_tracker import Announcement, NoticeTracker, Telling
from market_making.safety.notices import sightings
from market_making.safety.state_file import BotState

logger = logging.getLogger(__name__)

LONGEST_MESSAGE = 2000  # Telegram takes 4096 characters
_MARKED = re.compile(r"(`[^`]*`)")
_MARKS = re.compile(r"[\w*\[\]./:%@+=-]*[_*\[][\w*\[\]./:%@+=-]*")


class Voice:
    """Says once what begins, again with back-off what lasts, and once what is over.

    Parameters
    ----------
    send : Callable[[str], None]
        Takes a message for a person.
    """

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._tracker = NoticeTracker()

    def speak(self, state: BotState) -> BotState:
        """Say what the state of this loop makes necessary, and return it with the notices in force."""
        for said in self._tracker.update(sightings(state, state.written_ms), state.written_ms):
            _log(said)
            self._send(message(said))
        return replace(state, notices=self._tracker.active)


def message(said: Announcement) -> str:
    """An announcement as a message: how grave it is, what is the matter, what to do.

    Telegram reads messages as Markdown and refuses one with a mark that nothing closes, such as the underscore of a
    file's name. So words with marks are set as code.
    """
    if said.telling is Telling.OVER:
        text = f"Over: {said.text}"
    else:
        text = f"{said.notice.severity.capitalize()}: {said.text} {said.notice.remedy}"
    parts = _MARKED.split(text[:LONGEST_MESSAGE])
    # Every second part is code; a tick that nothing closes is in none of them.
    plain = (_MARKS.sub(r"`\g<0>`", part.replace("`", "'")) for part in parts[::2])
    marked = [*parts[1::2], ""]
    return "".join(word for pair in zip(plain, marked, strict=True) for word in pair)


def _log(said: Announcement) -> None:
    is_quiet = said.telling is Telling.OVER or said.notice.severity == Severity.INFO
    level = logging.INFO if is_quiet else logging.WARNING
    over = said.telling is Telling.OVER
    remedy = "" if over else f" {said.notice.remedy}"
    heading = "over" if over else said.notice.severity
    logger.log(level, "[%s] %s: %s%s", said.notice.name, heading, said.text, remedy)
