"""All coins of a scan side by side: their quotes at any fee, what these earn, and the fee at which that ends."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.estimators.estimate import EstimateSource, FlowEstimates
from calibration.scanning.candidates import Candidate
from calibration.scanning.earnings import Behind, Earnings, earnings
from calibration.scanning.prospect import Figures
from calibration.scanning.requoting import action_cost_per_hour, actions_per_hour, rest_s
from calibration.scanning.resting import orders_of, rested
from calibration.scanning.uncertainty import Draws
from market_making.market.errors import NoSolution
from market_making.market.sides import Direction, Directions, Sides
from market_making.market.tape import FloatArray
from market_making.quoting.risk.toxicity import WIDEN_FACTOR, Regime, regime, toxicity
from market_making.quoting.value.cartea_jaimungal import FillArrays, Fills, ValueProblem
from market_making.quoting.value.penalty import default_running_penalty
from market_making.quoting.value.quote_table import CarteaJaimungalSettings, value_problem
from market_making.quoting.value.stationary import stationary
from market_making.settings.settings import Settings

_HOUR_S = 3600.0
_LARGEST_FEE = 0.01
_BISECTIONS = 16  # of 200 bps: to 0.003 bps
_INTERVAL = (0.025, 0.975)
_MOST_OF_THE_TIME = 0.95


class Shown(NamedTuple):
    """Quotes at some fee, how they are filled, and what the bot makes of the flow.

    Attributes
    ----------
    best : Sides[FloatArray], shape (C,)
        Depths without inventory as the bot would show them; NaN where there are no stationary quotes [price].
    depths : Sides[FloatArray], shape (N, C)
        The same at each inventory, but no deeper than market orders were seen to reach; infinite on the side that the
        bot does not rest there [price].
    fills : Sides[FillArrays], shape (C,)
        How they are filled.
    toxicity, states : shape (C,)
        Of the worse side, and what follows from it.
    """

    best: Sides[FloatArray]
    depths: Sides[FloatArray]
    fills: Sides[FillArrays]
    toxicity: FloatArray
    states: Sequence[Regime]


class CoinPanel:
    """Coins that have quotes, as arrays of one entry a coin.

    Parameters
    ----------
    candidates : sequence of Candidate
        At least one.
    settings : Settings
        Of the bot. Its drift weight and its session are left out: a scan looks at quotes without a view and an end.

    Raises
    ------
    InvalidFlow
        If a coin cannot be quoted at all; one without stationary quotes earns nothing.
    """

    def __init__(self, candidates: Sequence[Candidate], settings: Settings) -> None:
        self._candidates = candidates
        self._settings = settings
        self._model = _without_view(settings)
        self._flows = [candidate.order_flow() for candidate in candidates]
        self._mid = np.array([candidate.mid for candidate in candidates])
        self._orders = orders_of(settings.role)
        self._presence = np.array([candidate.presence.value for candidate in candidates])
        self._surplus = np.array([candidate.surplus.value for candidate in candidates])
        # Of two orders that rest at a time one is filled while the other one rests on.
        self._pause_s = np.array([candidate.pause_s for candidate in candidates]) / self._orders
        self._behind = self._behind_mid()
        usual, paid = self._model.maker_fee, [candidate.terms.maker_fee for candidate in candidates]
        self._fee = np.array([usual if fee is None else fee for fee in paid])
        self._deepest = Directions(
            *(np.array([candidate.deepest.of(side) for candidate in candidates]) for side in Direction)
        ).on_quotes()
        free = value_problem(self._flows, self._mid.tolist(), replace(self._model, maker_fee=0.0))
        given = self._model.running_penalty
        penalty = _default_penalties(_charged(free, self._fee, self._mid)) if given is None else given
        self._free = free.with_penalty(penalty)
        self._value = stationary(_charged(self._free, self._fee, self._mid)).value

    def shown(self, fee: FloatArray) -> Shown:
        """Best quotes at a maker fee of each coin, shape (C,), widened and bounded as the bot does it.

        The running penalty stays that of the user's fee.
        """
        problem = _charged(self._free, fee, self._mid)
        depths = stationary(problem, self._value).depths
        toxicities = [toxicity(*each) for each in zip(self._flows, self._mid, fee, strict=True)]
        states = [self._state(*each) for each in zip(self._candidates, toxicities, strict=True)]
        factor = np.array([1.0 if state is Regime.QUOTE else WIDEN_FACTOR for state in states])
        bounds = self._settings.quote.bounds
        least, most = (bps * self._mid / 1e4 for bps in (bounds.minimum_bps, bounds.maximum_bps))
        shown = depths.map(lambda depth: np.clip(depth.T * factor, least, most))
        fills = problem.arrays().sides.map(lambda side: side._replace(cost=side.cost - self._surplus))
        reached = Sides(*(np.fmin(*each) for each in zip(shown, self._deepest, strict=True)))
        return Shown(
            shown.map(lambda depth: depth[len(depth) // 2]),
            rested(reached, fills, self._settings.role),
            fills,
            np.array([max(both) for both in toxicities]),
            states,
        )

    def earnings(self, shown: Shown) -> Earnings:
        """What quotes earn if the estimates are right."""
        return earnings(shown.depths, shown.fills).at_age(self._presence, self._pause_s, self._behind)

    def pays(self, fee: FloatArray, minimum_per_hour: float) -> NDArray[np.bool_]:
        """Whether a coin is quoted at this fee and expected to earn more than a minimum and its actions."""
        shown = self.shown(fee)
        earned = self.earnings(shown)
        quoted = np.array([state is not Regime.PAUSE for state in shown.states])
        for best, deepest in zip(shown.best, self._deepest, strict=True):
            quoted &= best <= deepest
        _, cost = self._actions(earned)
        return np.asarray(quoted & (self._net(earned) > minimum_per_hour + cost))

    def break_even(self, minimum_per_hour: float) -> FloatArray:
        """Highest fee at which a coin pays, NaN where none within ±100 bps does; bisected for all coins at once."""
        pays: FloatArray = np.full(len(self._mid), -_LARGEST_FEE)
        fails: FloatArray = np.full(len(self._mid), _LARGEST_FEE)
        ever = self.pays(pays, minimum_per_hour)
        for _ in range(_BISECTIONS):
            middle = (pays + fails) / 2
            still = self.pays(middle, minimum_per_hour)
            pays, fails = np.where(still, middle, pays), np.where(still, fails, middle)
        return np.where(ever, (pays + fails) / 2, np.nan)

    def figures(self, minimum_per_hour: float) -> list[Figures]:
        """Everything a scan tells of each coin."""
        shown = self.shown(self._fee)
        earned = self.earnings(shown)
        columns = {
            "maker_fee_bps": 1e4 * self._fee,
            **self._money(shown, earned),
            **self._reach(shown),
            "break_even_fee_bps": 1e4 * self.break_even(minimum_per_hour),
            "toxicity": shown.toxicity,
            "inventory_sd": earned.inventory_sd,
            "inventory_95": earned.largest_inventory(_MOST_OF_THE_TIME),
        }
        return [
            Figures(state=state, **{name: float(column[coin]) for name, column in columns.items()})
            for coin, state in enumerate(shown.states)
        ]

    def _money(self, shown: Shown, earned: Earnings) -> dict[str, FloatArray]:
        lot, ones = self._settings.model.order_notional, np.ones(len(self._mid))
        net = self._net(earned)
        low, high = self._interval(shown)
        volatility = np.array([candidate.volatility for candidate in self._candidates]) / self._mid
        actions, cost = self._actions(earned)
        return {
            "net_per_hour": net,
            "low": np.minimum(low, net),
            "high": np.maximum(high, net),
            "net_per_100": 100 * net / (self._model.maximum_inventory * lot),
            "noise_per_hour": lot * volatility * np.sqrt(_HOUR_S * earned.mean_square_inventory),
            "fills_per_hour": _HOUR_S * earned.fills,
            "turnover_per_hour": _HOUR_S * earned.fills * lot,
            "lot_value": lot * ones,
            "capital": (self._model.maximum_inventory + 1) * lot / self._settings.leverage * ones,
            "actions_per_hour": actions,
            "action_cost_per_hour": cost,
        }

    def _reach(self, shown: Shown) -> dict[str, FloatArray]:
        """Depths of the quotes without inventory, how deep is believed in, and what a fill there earns [bps]."""
        bps = 1e4 / self._mid
        columns = {}
        for side, depth, deepest, fills in zip(Sides._fields, shown.best, self._deepest, shown.fills, strict=True):
            columns[f"{side}_depth_bps"] = bps * depth
            columns[f"{side}_deepest_bps"] = bps * deepest
            columns[f"{side}_margin_bps"] = bps * (fills.proceeds * deepest - fills.cost)
        return columns

    def _interval(self, shown: Shown) -> FloatArray:
        """95 % interval of the earnings of these quotes, the estimates drawn from theirs; shape (2, C) [an hour]."""
        draws = Draws.of()
        both = np.empty((2, len(self._candidates)))
        for coin, candidate in enumerate(self._candidates):
            depths = Sides(*(depth[:, coin : coin + 1] for depth in shown.depths))
            drawn = earnings(depths, _drawn(draws, candidate, shown.fills, coin))
            behind = Behind(*(column[coin : coin + 1] for column in self._behind))
            money = drawn.at_age(draws.presence(candidate.presence), self._pause_s[coin], behind).money
            both[:, coin] = np.quantile(money, _INTERVAL) * _HOUR_S * self._coins_per_lot[coin]
        return both

    @property
    def _coins_per_lot(self) -> FloatArray:
        return np.asarray(self._settings.model.order_notional / self._mid)

    def _net(self, earned: Earnings) -> FloatArray:
        """Money an hour, shape (C,) [quote currency]."""
        return np.asarray(earned.money * _HOUR_S * self._coins_per_lot)

    def _actions(self, earned: Earnings) -> tuple[FloatArray, FloatArray]:
        """Actions an hour and the price of those beyond the volume, shape (C,)."""
        quote, fills = self._settings.quote, _HOUR_S * earned.fills
        needed = np.empty(len(fills))
        for coin, candidate in enumerate(self._candidates):
            rest = rest_s(1e4 * candidate.volatility / candidate.mid, quote.tolerance_bps, quote.minimum_life_s)
            needed[coin] = actions_per_hour(rest, fills[coin], quote.actions_per_minute, self._orders)
        turnover = fills * self._settings.model.order_notional
        earned_by_volume = turnover * np.array([candidate.terms.actions_earned for candidate in self._candidates])
        return needed, np.array([action_cost_per_hour(*each) for each in zip(needed, earned_by_volume, strict=True)])

    def _behind_mid(self) -> Behind:
        """How far the order after a fill is behind, and for how long: until it is no longer young, and moved.

        The shadow maker's next order is on the same side, where it is too close and goes at once. Of two legs the other
        one's order has rested for a while.
        """
        if self._orders > 1:
            return Behind(np.zeros(len(self._flows)), np.zeros(len(self._flows)))
        moved = [each.unseen * np.mean([_walked(flow) for flow in each.flows]) for each in self._candidates]
        return Behind(np.array(moved), self._settings.quote.minimum_life_s + self._pause_s)

    def _state(self, candidate: Candidate, toxicities: Directions[float]) -> Regime:
        """Toxicity decides; a fill model that is only guessed asks for more distance."""
        state = regime(toxicities, widen=self._model.widen_toxicity, pause=self._model.pause_toxicity)
        guessed = any(
            flow.fill_decay.source in (EstimateSource.PRIOR, EstimateSource.STALE) for flow in candidate.flows
        )
        return Regime.WIDEN if guessed and state is Regime.QUOTE else state


def _without_view(settings: Settings) -> CarteaJaimungalSettings:
    return replace(settings.model.cartea_jaimungal(), drift_weight=0.0, session_s=None)


def _default_penalties(problem: ValueProblem) -> FloatArray:
    """Default running penalty of each coin; 0 where it cannot be found, because the coin is too toxic to be filled."""
    try:
        return default_running_penalty(problem)
    except NoSolution:
        if problem.coins == 1:
            return np.zeros(1)
        return np.concatenate([_default_penalties(problem.of(np.array([coin]))) for coin in range(problem.coins)])


def _charged(free: ValueProblem, fee: FloatArray, mid: FloatArray) -> ValueProblem:
    """A problem without fee, with a fee of each coin: on the mid in the cost, on the depth in the proceeds."""

    def charged(side: Fills, on_depth: FloatArray) -> Fills:
        cost, proceeds = np.asarray(side.cost), np.asarray(side.proceeds)
        return replace(side, cost=cost + fee * mid, proceeds=proceeds + on_depth)

    return replace(free, ask=charged(free.ask, -fee), bid=charged(free.bid, fee))


def _walked(flow: FlowEstimates) -> float:
    """How far mid moves with a fill, in mean depths of the orders."""
    return max(0.0, flow.fill_decay.value * flow.adverse_selection_on_fill.value)


def _one(fills: FillArrays, coin: int) -> FillArrays:
    return FillArrays(*(array[coin : coin + 1] for array in fills))


def _drawn(draws: Draws, candidate: Candidate, fills: Sides[FillArrays], coin: int) -> Sides[FillArrays]:
    """How the market may truly fill the bot's orders, arrays of shape (D,)."""
    more, sides = draws.surplus_error(candidate.surplus), Directions(fills.ask, fills.bid)
    drawn = [
        draws.fills(direction, candidate.flows.of(direction), _one(sides.of(direction), coin), candidate.tail_start)
        for direction in Direction
    ]
    return Directions(*(side._replace(cost=side.cost - more) for side in drawn)).on_quotes()
