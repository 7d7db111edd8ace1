"""An answer that lacks what it must have counts as a failed request, of every kind that money depends on."""

import asyncio

import ccxt
import pytest

from market_making.trading.freqtrade.edge.door import Door, Request
from market_making.trading.freqtrade.edge.sound_answers import SoundAnswers
from tests.trading.freqtrade.edge.fakes import Client

SOUND = {
    "clearinghouseState": {"marginSummary": {"accountValue": "1.0"}, "assetPositions": []},
    "spotClearinghouseState": {"balances": []},
    "openOrders": [],
    "frontendOpenOrders": [],
    "historicalOrders": [],
    "userFills": [],
    "userFillsByTime": [],
    "candleSnapshot": [],
    "userFunding": [],
    "fundingHistory": [],
    "l2Book": {"coin": "ETH", "time": 1, "levels": [[], []]},
    "meta": {"universe": []},
    "spotMeta": {"universe": [], "tokens": []},
    "metaAndAssetCtxs": [{"universe": []}, []],
    "spotMetaAndAssetCtxs": [{"universe": []}, []],
}


@pytest.fixture
def client():
    client = Client()
    Door(client, [SoundAnswers().step])
    return client


@pytest.mark.parametrize("kind", SOUND)
@pytest.mark.parametrize("answer", [None, {}, "text", 7, [None][:0]])
def test_null_and_empty_are_no_answer_where_something_must_be(client, kind, answer):
    """Only an empty list where a list may be empty is one."""
    client.answers[kind] = answer
    if answer == SOUND[kind]:
        assert client.ask(kind) == []
    else:
        with pytest.raises(ccxt.ExchangeNotAvailable, match=kind):
            client.ask(kind)


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_answer_passes_as_it_is(client, kind):
    """Also that of a question nobody has a rule for, which may be null."""
    client.answers[kind] = SOUND[kind]
    assert client.ask(kind) is SOUND[kind]
    client.answers["subAccounts"] = None
    assert client.ask("subAccounts") is None


@pytest.mark.parametrize(
    "answer",
    [None, {}, [], {"status": None}, {"status": "ok"}, {"status": "ok", "response": {"data": {"statuses": []}}}],
)
def test_an_action_whose_answer_says_nothing_may_have_been_carried_out(client, answer):
    """It is a lost answer: the order is looked for, not taken for one without a number."""
    client.answers["order"] = answer
    client.answers["updateLeverage"] = {"status": "ok", "response": {"type": "default"}}
    assert client.act("updateLeverage") is client.answers["updateLeverage"]
    with pytest.raises(ccxt.NetworkError):
        client.act()


def test_an_asynchronous_client_is_covered_too():
    """Freqtrade asks it for candles."""

    async def forward(_):
        return None

    request = Request("info", "public", "POST", {"type": "candleSnapshot"}, {})
    with pytest.raises(ccxt.NetworkError):
        asyncio.run(SoundAnswers().step_later(request, forward))
