"""How much the bot may ask of the exchange: a token bucket."""

from typing import NamedTuple

from market_making.market.reasons import Because, Reason

CANCEL_ACTIONS, EXIT_ACTIONS = 1, 1
_SPENT = Because(Reason.ACTIONS_SPENT, "the action budget is spent")


class Patience(NamedTuple):
    """How much longer an order is left alone: factors on tolerance and minimum life; price of an action [USDC]."""

    tolerance_factor: float = 1.0
    life_factor: float = 1.0
    action_price: float = 0.0


class Standing(NamedTuple):
    """What a budget allows now.

    Attributes
    ----------
    saving : bool
        No action may be spent on a better price.
    opening : Because or None
        Why no order may be placed that opens or enlarges a position.
    placing : Because or None
        Why no order may be placed at all.
    patience : Patience
        How much longer an order is left alone.
    """

    saving: bool = False
    opening: Because | None = None
    placing: Because | None = None
    patience: Patience = Patience()


class ActionBudget:
    """`per_minute` actions a minute, of which at most one minute's worth is saved up.

    An action that reduces risk is taken even from an empty budget and is owed, but no more than one minute's worth:
    quoting goes on a minute later, however long a position took to leave. An entry costs `entry_actions`: its order,
    and where Freqtrade sends it with each, the leverage.
    """

    def __init__(self, per_minute: float, *, entry_actions: int = 2) -> None:
        self.entry_actions = entry_actions
        self._per_ms = per_minute / 60_000
        self._most = per_minute
        self._left = per_minute
        self._time_ms: int | None = None
        self.spent = 0
        """Actions asked for since the start."""

    def left(self, now_ms: int) -> float:
        """Actions left now; negative while some are owed."""
        if self._time_ms is not None:
            self._left = min(self._most, self._left + max(now_ms - self._time_ms, 0) * self._per_ms)
        self._time_ms = now_ms
        return self._left

    def spend(self, actions: int, now_ms: int) -> None:
        """Take note of actions asked for."""
        self.spent += actions
        self._left = max(self.left(now_ms) - actions, -self._most)

    def earned(self, value: float, now_ms: int) -> None:
        """Take note of a fill of this value [USDC]; a minute's bucket earns nothing by it."""

    def standing(self, now_ms: int, *, flat: bool) -> Standing:  # noqa: ARG002 - a minute's bucket asks nothing more
        """What may be done now; `flat`, with no position and no order of the pair."""
        saving = self.left(now_ms) < self.entry_actions + CANCEL_ACTIONS
        return Standing(saving, _SPENT if saving else None)
