"""Switches of what makes the bot faster than stock Freqtrade, most of it in running objects of ccxt and Freqtrade."""

from pydantic import Field

from market_making.settings.section import Section


class EdgeSettings(Section):
    """What is on, by name; an override that is off leaves the object as ccxt or Freqtrade ships it."""

    builder_fee: bool = Field(
        True, description="Approve no builder and pay none; off, ccxt adds its own to every order"
    )
    pace: bool = Field(
        True, description="One bucket of the exchange's true weights for a machine's programs; off, ccxt's limiter"
    )
    asked_once: bool = Field(
        True, description="Ask the same question once until something happens; off, every question is asked"
    )
    leverage_once: bool = Field(
        True, description="Send the leverage of a pair once and verify it; off, with every order that is no exit"
    )
    address_budget: bool = Field(
        True, description="Fit the pace of quoting into what the address has left; off, only actions per minute count"
    )
    named: bool = Field(
        True, description="Name every order, and ask for it by its name if its answer is lost; off, it stays unknown"
    )
    socket: bool = Field(True, description="Hear of books, orders and fills by one websocket; off, they are asked for")
    unanswered: bool = Field(
        True,
        description="Look orders that cannot be asked about up in the account's lists, and cancel them unasked; "
        "off, they hold up the loop and rest on",
    )
    patience: bool = Field(
        True,
        description="Give a question up after 4 s, one for candles or listings after 1 s, and try again after 1 s; "
        "off, after 10 s and after 30 s",
    )
    sound_answers: bool = Field(
        True, description="Take an answer that lacks what it must have for none; off, ccxt takes it as it is"
    )
    wake: bool = Field(
        True, description="Let the websocket's news begin the next loop; off, the bot sleeps until its time is over"
    )
    cancel_first: bool = Field(
        True,
        description="Cancel stale orders of all pairs in one action before anything else; off, each in its pair's turn",
    )
    fee_token: bool = Field(
        True, description="Tell a fee paid in a token of spot in Freqtrade's word for it; off, as ccxt passes it on"
    )
    ended_orders: bool = Field(
        True, description="Take every word for an end that ccxt does not know; off, such an order is open for ever"
    )
    funding: bool = Field(
        True,
        description="Ask for funding once an hour, and not within the hour of the last fill; off, before every order",
    )
    remembered: bool = Field(True, description="Remember /stop and /stopentry over a restart; off, they are forgotten")
    fresh: bool = Field(
        True, description="Let a planned price follow the touch of the newest book; off, that of the plan's book"
    )
