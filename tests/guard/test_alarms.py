"""People are told once when something begins, again with growing pauses, and once when it ends."""

import asyncio

import pytest
from aiohttp import web

from market_making.guard import alarms as module
from market_making.guard.alarms import TABLE, Alarms, Telegram, TelegramChat
from market_making.guard.watch import Alarm
from market_making.safety.findings import Finding
from market_making.safety.notices import CONDITIONS

SILENT = ("maker", Alarm("bot_silent", "it is silent"))


def test_a_condition_is_told_at_its_begin_and_end():
    """With its remedy, again with the pauses of every notice, and once when it is over."""
    said = []
    alarms = Alarms(said.append)
    for second in range(3600):
        alarms.hold([SILENT], second * 1000)
        assert alarms.is_alarmed
    assert len(said) == 3
    assert said[0].startswith("maker: it is silent. Its orders are cancelled. ")
    assert said[0].endswith(TABLE["bot_silent"].remedy)
    assert alarms.notices[0].since_ms == 0
    for second in range(3600, 3610):
        alarms.hold([], second * 1000)
    assert said[-1].startswith("maker loops again.")
    assert not alarms.is_alarmed
    assert len(said) == 4


def test_conditions_of_different_bots_and_coins_are_apart():
    said = []
    alarms = Alarms(said.append)
    found = [("one", Alarm("position_unknown", "a", coin)) for coin in ("ETH", "BTC")] + [SILENT]
    for second in range(10):
        alarms.hold(found if second < 2 else found[1:], second * 1000)
    assert {notice.pair for notice in alarms.notices} == {"one BTC", "maker"}
    assert len(said) == 4


def test_every_sentence_is_whole_and_no_name_is_that_of_another_notice():
    """All figures are filled in; a reader of state files tells them apart."""
    names = {condition.name for condition in CONDITIONS}
    for condition in TABLE.values():
        assert condition.name not in names
        notice = condition.notice(Finding(None, {"bot": "maker", "detail": "it is so"}), 0)
        for text in (notice.text, condition.over.replace("{bot}", "maker")):
            assert "{" not in text
            assert text.endswith(".")


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
    for text in ("first", "bad", "last"):
        telegram.send(text)
    sender = asyncio.create_task(telegram.run())
    await telegram.flush(5.0)
    assert [body for _, body in received] == [{"chat_id": "42", "text": text} for text in ("first", "bad", "last")]
    assert received[0][0] == "/bot123:secret/sendMessage"
    nobody = Telegram(TelegramChat("123:secret", "42", "http://127.0.0.1:1"))
    nobody.send("lost")
    other = asyncio.create_task(nobody.run())
    await nobody.flush(5.0)
    for task in (sender, other):
        task.cancel()
    await asyncio.gather(sender, other, return_exceptions=True)
    assert "does not answer" in caplog.text
    # The access log of the test's own chat tells paths; what counts is what the guard says.
    said = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]
    assert "secret" not in "".join(said) + repr(where)


async def test_alarms_take_the_proxy_that_freqtrades_own_messages_take(chat, monkeypatch):
    """A machine that reaches Telegram by its proxy only would hear the bot and not the guard."""
    where, received = chat
    monkeypatch.setenv("http_proxy", where.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    telegram = Telegram(TelegramChat(where.token, where.chat_id, "http://telegram.invalid"))
    telegram.send("through the proxy")
    sender = asyncio.create_task(telegram.run())
    await telegram.flush(5.0)
    sender.cancel()
    await asyncio.gather(sender, return_exceptions=True)
    assert [body["text"] for _, body in received] == ["through the proxy"]
