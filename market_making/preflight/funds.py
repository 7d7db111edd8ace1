"""Whether there is money where the bot trades: main dex, every other dex and spot keep theirs apart."""

from collections.abc import Mapping
from typing import Any

from market_making.hyperliquid.balances import parse_balances
from market_making.hyperliquid.numbers import from_wire
from market_making.market.identity import Kind, Market
from market_making.market.names import USDC
from market_making.preflight.outcome import Outcome, judged, unknown
from market_making.preflight.subject import Subject

_MAIN, _SPOT = "the main dex", "spot"
_UNIFIED = ("unifiedAccount", "portfolioMargin")


def funds(subject: Subject, name: str) -> Outcome:
    """Whether each place where the bot trades has at least what one order holds, with what is held already."""
    if subject.markets is None:
        return unknown(name, "the exchange did not tell its markets", "check the network and market_making.url")
    chosen = [market for market in subject.markets if market.names in subject.choice.chosen]
    is_unified = str(subject.answers["userAbstraction"]) in _UNIFIED
    worth = {_place(market, is_unified=is_unified): _worth(subject, market, is_unified) for market in chosen}
    least = subject.settings.model.order_notional / subject.settings.leverage
    poor = [place for place, usdc in worth.items() if usdc < least]
    told = ", ".join(f"{usdc:.2f} USDC on {place}" for place, usdc in worth.items()) or "no market is chosen"
    remedy = f"move USDC to {' and '.join(poor)} on the exchange's page: each keeps its own"
    return judged(name, not poor, f"{told}; an order needs {least:g}", remedy)


def _place(market: Market, *, is_unified: bool) -> str:
    if market.kind is Kind.SPOT or is_unified:
        return _SPOT
    return f"dex {market.dex.name}" if market.dex.name else _MAIN


def _worth(subject: Subject, market: Market, is_unified: bool) -> float:
    """What is there [USDC]: the account's value on a dex; the USDC of spot, and the market's token at mid."""
    answers = subject.answers
    if market.kind is Kind.PERPETUAL and not is_unified:
        state = answers["dexes"][market.dex.name] if market.dex.name else answers["clearinghouseState"]
        return from_wire(state["marginSummary"]["accountValue"])
    wallet = parse_balances(answers["spotClearinghouseState"])
    return wallet.get(USDC, 0.0) + _token_worth(market, wallet, answers["allMids"])


def _token_worth(market: Market, wallet: Mapping[str, float], mids: Mapping[str, Any]) -> float:
    held = wallet.get(market.tokens.base, 0.0) if market.tokens is not None else 0.0
    return held * from_wire(mids[market.wire]) if held else 0.0
