"""The bot's voice: log, messages and state file say the same, once."""

import logging
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.reasons import Reason
from market_making.safety.notice_tracker import Announcement, Telling
from market_making.safety.state_file import ActiveNotice
from market_making.trading.voice import LONGEST_MESSAGE, Voice, message
from tests.safety.test_notices import BOT, EXAMPLES, NOW_MS, bot


def notice(text, remedy="Do `mm status`."):
    return Announcement(Telling.BEGAN, ActiveNotice("name", "alarm", 0, text, remedy), text)


def test_log_message_and_state_say_the_same_once(caplog):
    """Beginning and end are one line and one message each; between them the state alone has the notice."""
    sent, well, risky = [], BOT, bot(risk=(Reason.FAST_MOVE,))
    voice = Voice(sent.append)
    with caplog.at_level(logging.INFO):
        states = [voice.speak(replace(risky, written_ms=NOW_MS + second * 1000)) for second in range(20)]
        states += [voice.speak(replace(well, written_ms=NOW_MS + second * 1000)) for second in range(20, 40)]
    assert [len(state.notices) for state in states] == [1] * 24 + [0] * 16
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.messages[0].startswith("[risk_rule] warning: ETH/USDC:USDC opens nothing: fast move.")
    assert sent[0].startswith("Warning: ETH/USDC:USDC opens nothing: fast move. Wait: ")
    assert sent[1] == "Over: ETH/USDC:USDC may open again: no risk rule holds. It lasted 19 s."


def is_markdown(text):
    """Whether Telegram's old Markdown has nothing to complain of: ticks in pairs, no other mark outside of them."""
    parts = text.split("`")
    return len(parts) % 2 == 1 and not any(re.search(r"[_*\[]", part) for part in parts[::2])


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_notice_can_be_sent_to_telegram(name):
    """A message with a mark that nothing closes would be refused, and lost."""
    state = EXAMPLES[name]
    if state.kind == "bot":
        sent = []
        voice = Voice(sent.append)
        for second in range(61):
            voice.speak(replace(state, written_ms=state.written_ms + second * 1000))
        assert all(map(is_markdown, sent))


@given(st.text("ab _*[]`./~é😀", max_size=80), st.text("ab _`*", max_size=20))
def test_no_text_can_break_a_message(text, remedy):
    """Whatever an exchange or a file system says."""
    assert is_markdown(message(notice(text, remedy)))


def test_words_of_a_message_stay_readable():
    """Only the words with marks are set as code, and commands stay whole."""
    said = message(notice("nothing in user_data/a_b.json, see [log].", "Do `mm collect --coin k_PEPE`."))
    assert said == "Alarm: nothing in `user_data/a_b.json`, see `[log].` Do `mm collect --coin k_PEPE`."


def test_a_long_message_is_cut():
    """Telegram would refuse it."""
    assert len(message(notice("x" * 10_000))) <= LONGEST_MESSAGE
