"""People are told once when something begins, again with growing pauses, and once when it ends."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from market_making.guard import alarms as module
from market_making.guard.alarms import TABLE, Alarms, Telegram, TelegramChat
from market_making.guard.watch import Alarm

SILENT = ("maker", Alarm("bot_silent", "it is silent"))


def test_a_condition_is_told_at_its_begin_and_end(monkeypatch):
    clock = {"ms": 0}
    monkeypatch.setattr(module, "now_ms", lambda: clock["ms"])
    said = []
    alarms = Alarms(said.append)
    for second in range(3600):
        clock["ms"] = second * 1000
        alarms.hold([SILENT])
        assert alarms.is_alarmed
    # After 5, 15 and 35 minutes; the pause doubles.
    assert len(said) == 4
    assert alarms.notices[0].since_ms == 0
    alarms.hold([])
    assert said[-1] == "maker: over: it is silent"
    assert not alarms.is_alarmed
    assert TABLE["bot_silent"].remedy in said[0]


def test_conditions_of_different_bots_and_coins_are_apart():
    said = []
    alarms = Alarms(said.append)
    found = [("one", Alarm("position_unknown", "a", coin)) for coin in ("ETH", "BTC")] + [SILENT]
    alarms.hold(found)
    alarms.hold(found[1:])
    assert len(alarms.notices) == 2
    assert sum("over" in text for text in said) == 1


@pytest.fixture
async def chat():
    """Telegram as far as a message goes: it takes what is sent, and refuses a text of its own choice."""
    received = []

    async def take(request):
        received.append((request.path, await request.json()))
        refused = received[-1][1]["text"] == "bad"
        return web.json_response({"ok": not refused}, status=400 if refused else 200)

    application = web.Application()
    application.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield TelegramChat("123:secret", "42", f"http://127.0.0.1:{runner.addresses[0][1]}"), received
    await runner.cleanup()


async def test_messages_reach_the_chat_and_the_token_reaches_nothing_else(chat, monkeypatch, caplog):
    """In order; one that is refused or cannot be sent holds up no other."""
    where, received = chat
    monkeypatch.setattr(module, "_BETWEEN_S", 0.0)
    telegram = Telegram(where)
    async with aiohttp.ClientSession() as session:
        for text in ("first", "bad", "last"):
            telegram.send(text)
        sender = asyncio.create_task(telegram.run(session))
        await telegram.flush(5.0)
        assert [body for _, body in received] == [{"chat_id": "42", "text": text} for text in ("first", "bad", "last")]
        assert received[0][0] == "/bot123:secret/sendMessage"
        nobody = Telegram(TelegramChat("123:secret", "42", "http://127.0.0.1:1"))
        nobody.send("lost")
        other = asyncio.create_task(nobody.run(session))
        await nobody.flush(5.0)
        for task in (sender, other):
            task.cancel()
        await asyncio.gather(sender, other, return_exceptions=True)
    assert "does not answer" in caplog.text
    assert "secret" not in caplog.text + repr(where)
