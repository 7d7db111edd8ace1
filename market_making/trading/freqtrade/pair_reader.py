"""Everything the plan of one pair depends on, read from Freqtrade and from files, and checked."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, Protocol

from calibration.publication.parameter_cache import ParameterCache
from calibration.publication.parameters import Parameters
from market_making.market import clock
from market_making.market.errors import SafetyError
from market_making.market.instrument import Instrument
from market_making.market.names import Names
from market_making.market.reasons import Because, Reason
from market_making.market.smallest_order import smallest_notional
from market_making.quoting.quote import MarketView, Quoter
from market_making.quoting.risk.toxicity import Regime
from market_making.safety.state_file import CalibrationState
from market_making.settings.settings import Settings
from market_making.trading.fills import Fees
from market_making.trading.freqtrade.account import AccountWatch, FreqtradeWallets
from market_making.trading.freqtrade.edge.account_mode import is_unified
from market_making.trading.freqtrade.exchange_rules import instrument_of, names_of, require_listed
from market_making.trading.freqtrade.order_book import top_of_book
from market_making.trading.freqtrade.signals import last_bias
from market_making.trading.freqtrade.trade import FreqtradeTrade, position_of
from market_making.trading.holding import Holding, Position
from market_making.trading.pair_inputs import PairInputs
from market_making.trading.pair_observers import PairObservers
from market_making.trading.plan import Planner
from market_making.trading.published_table import Quoting, quoting_of
from market_making.trading.rules import QuotingRules, rules_of

logger = logging.getLogger(__name__)

_LOCKED = Because(Reason.PAIR_LOCKED, "the pair is locked")


class TunedParameter(Protocol):
    """What is needed of a parameter of Freqtrade's hyperopt."""

    value: Any


class QuotingStrategy(Protocol):
    """What is needed of the strategy: Freqtrade's own attributes, and those that `MarketMaking` adds."""

    config: Any
    dp: Any
    wallets: Any
    timeframe: str
    stoploss: float
    stake_currency: str
    settings: Settings
    orders_before_flat: int
    needs_deep_book: bool
    order_time_in_force: Any
    depth_factor: TunedParameter
    inventory_share: TunedParameter

    def quoter(self) -> Quoter:
        """Return the model with its settings bound."""
        ...

    def enumerate_parameters(self) -> Iterable[tuple[str, TunedParameter]]:
        """Every parameter with its name."""
        ...

    def is_pair_locked(self, pair: str, *, side: str = "*") -> bool:
        """Whether Freqtrade or a person has locked the pair."""
        ...


class PairReading(NamedTuple):
    """What was read of one pair: the inputs of its plan, and what it holds."""

    inputs: PairInputs
    holding: Holding


class PairReader:
    """Reads the pairs of one bot.

    Parameters
    ----------
    strategy : QuotingStrategy
        Whose configuration, parameters, data provider and wallets are used.
    is_live : bool
        Whether our own orders stand in the book; in a dry run they do not.
    """

    def __init__(self, strategy: QuotingStrategy, *, is_live: bool) -> None:
        settings, config = strategy.settings, strategy.config
        self._strategy = strategy
        self._is_live = is_live
        self._exchange = str(config["exchange"]["name"])
        self._parameters = ParameterCache(settings.parameters, settings.venue)
        self._fee_of: dict[str, float] = {}
        self._settings: dict[float, Settings] = {settings.model.maker_fee: settings}
        self._models: dict[float, Quoter] = {}
        self._chosen: dict[str, tuple[Parameters, Quoter, Quoting]] = {}
        self.observers = PairObservers(settings.model.maker_fee)
        spot, age_ms = config.get("trading_mode") == "spot", settings.quote.maximum_account_age_s * 1e3
        scale = settings.model.order_notional * settings.model.maximum_inventory
        bases = partial(_base_of, strategy) if spot else None
        self.account = AccountWatch(age_ms, bases=bases, dry_run=config["dry_run"], scale=scale)

    def read(self, pair: str, trade: FreqtradeTrade | None, now_ms: int) -> PairReading:
        """Read and check everything the plan of one pair depends on.

        Raises
        ------
        MarketMakingError
            If anything is missing, doubtful or too old.
        FreqtradeException
            If the exchange does not answer.
        OSError
            If a file cannot be read.
        """
        strategy, instrument, position = self._strategy, self.instrument(pair), position_of(trade)
        parameters = self._parameters.read(instrument.coin, now_ms).require_good()
        self._adopt_fee(pair, parameters.model.maker_fee)
        excess = self._excess(instrument, position, now_ms)
        market, quoting = self._market(pair, position.holding), self._quoting(parameters, instrument)
        parameters.require_market(pair, market.mid, self._names(pair).wire)
        planner = Planner(
            instrument=instrument,
            market=market,
            flow=parameters.order_flow(),
            quoter=quoting.quoter,
            lot=quoting.lot,
            rules=quoting_rules(strategy, instrument),
            now_ms=now_ms,
            regime=Regime(parameters.regime.state),
        )
        self.account.unified = self._is_live and is_unified(strategy.dp._exchange)
        worth = self.account.worth(strategy.wallets, strategy.stake_currency, pair)
        lost, locked = self.observers.take_lost(pair), self._locked(pair, trade)
        growing = locked or excess or self.account.doubt
        inputs = PairInputs(planner, parameters.calibration_id, growing, False, *worth, lost)
        inputs = replace(inputs, fees=self._fees(pair), calibration=_calibration(parameters, quoting))
        return PairReading(inputs, position.holding)

    def _excess(self, instrument: Instrument, position: Position, now_ms: int) -> Because | None:
        """Why the position may only be reduced: the account holds it, and more of which the bot knows nothing.

        Exits in futures are reduce-only, so what is certainly the bot's can always be left.

        Raises
        ------
        SafetyError
            If the account is not known, or does not hold what own orders add up to.
        """
        wallets = self._strategy.wallets
        try:
            self.account.check(wallets, instrument, position.closed, position.holding.resting, now_ms)
        except SafetyError as error:
            if error.reason is not Reason.POSITION_UNKNOWN or not self.account.covers(wallets, instrument, position):
                raise
            return error.because
        return None

    def instrument(self, pair: str) -> Instrument:
        """Trading rules of a pair.

        Raises
        ------
        MalformedMessage
            If the exchange does not list it, or says nothing of its steps.
        """
        market = self._strategy.dp.market(pair) or {}
        require_listed(market)
        return instrument_of(self._exchange, market)

    def coin(self, pair: str) -> str | None:
        """What a pair's coin is called in files; None where its market is not known."""
        market = self._strategy.dp.market(pair)
        return names_of(self._exchange, market).key if market else None

    def fee(self, pair: str) -> float:
        """The maker fee that a pair is quoted with; the configured one before its parameters have been read."""
        return self._fee_of.get(pair, self._strategy.settings.model.maker_fee)

    def _names(self, pair: str) -> Names:
        return names_of(self._exchange, self._strategy.dp.market(pair) or {})

    def _market(self, pair: str, holding: Holding) -> MarketView:
        # In a dry run our order is in no book, so there is nothing to leave out.
        strategy, own = self._strategy, holding.resting if self._is_live else None
        book, limit_ms = strategy.dp.orderbook(pair, 20), strategy.settings.quote.maximum_book_age_s * 1e3
        market = top_of_book(dict(book), now_ms=clock.now_ms(), maximum_age_ms=limit_ms, own=own)
        candles, _ = strategy.dp.get_analyzed_dataframe(pair, strategy.timeframe)
        wallets: FreqtradeWallets = strategy.wallets
        margin_used = self.account.margin_used(wallets, strategy.stake_currency)
        return self.observers.seen(pair, market, bias=last_bias(candles), margin_used=margin_used)

    def _locked(self, pair: str, trade: FreqtradeTrade | None) -> Because | None:
        side = "*" if trade is None else ("short" if trade.is_short else "long")
        return _LOCKED if self._strategy.is_pair_locked(pair, side=side) else None

    def _fees(self, pair: str) -> Fees:
        maker = self.fee(pair)
        return Fees(maker, float((self._strategy.dp.market(pair) or {}).get("taker") or maker))

    def _quoter(self) -> Quoter:
        """The model with the fee that holds; Freqtrade loads the parameters of hyperopt after the start."""
        fee = self._strategy.settings.model.maker_fee
        if fee not in self._models:
            self._models[fee] = self._strategy.quoter()
        return self._models[fee]

    def _quoting(self, parameters: Parameters, instrument: Instrument) -> Quoting:
        """The table and the lot of a pair, chosen anew when its calibration or the model changes."""
        model, known = self._quoter(), self._chosen.get(instrument.coin)
        if known is not None and known[0] is parameters and known[1] is model:
            return known[2]
        chosen = quoting_of(parameters, self._strategy.settings.model, instrument, model)
        if chosen.difference and (known is None or not known[2].difference):
            doing = ", so the bot solves its own table" if chosen.own_table else ""
            logger.warning("%s: the calibrator's settings differ%s: %s", instrument.coin, doing, chosen.difference)
        self._chosen[instrument.coin] = parameters, model, chosen
        return chosen

    def _adopt_fee(self, pair: str, published: float) -> None:
        """Quote a pair with the fee that its calibration was made with, unless the configuration has one of its own.

        Each market has its own: the settings are those of the pair that is read.
        """
        settings = self._strategy.settings
        own = settings.own_fee(self._names(pair))
        fee = published if own is None else own
        self._fee_of[pair] = fee
        self.observers.charge(pair, fee)
        if fee != settings.model.maker_fee:
            if fee not in self._settings:
                self._settings[fee] = settings.with_maker_fee(fee)
            self._strategy.settings = self._settings[fee]


def _base_of(strategy: QuotingStrategy, pair: str) -> str:
    """What the wallet calls the coin of a pair."""
    return str((strategy.dp.market(pair) or {}).get("base", ""))


def quoting_rules(strategy: QuotingStrategy, instrument: Instrument) -> QuotingRules:
    """Rules of a strategy's quotes on a pair, with its present parameters."""
    reserve = strategy.config.get("amount_reserve_percent")
    least = smallest_notional(instrument.minimum_notional, strategy.stoploss, reserve)
    factor, share = strategy.depth_factor.value, strategy.inventory_share.value
    return rules_of(strategy.settings, least, depth_factor=factor, inventory_share=share)


def _calibration(parameters: Parameters, quoting: Quoting) -> CalibrationState:
    """What the state file says of the parameters that a pair is quoted from."""
    return CalibrationState(
        calibration_id=parameters.calibration_id,
        created_ms=parameters.created_ms,
        valid_until_ms=parameters.valid_until_ms,
        status=parameters.quality.status,
        regime=parameters.regime.state,
        flags=tuple(parameters.quality.flags),
        own_table=quoting.own_table,
        why=quoting.difference,
    )
