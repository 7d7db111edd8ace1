"""Settings of the local venue. The defaults are the real exchange's where it has published them."""

from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from market_making.hyperliquid.signing import read_address
from market_making.market.errors import ConfigurationError, MalformedMessage
from market_making.venue.faults.document import Faults

LOCAL_HOSTS = ("127.0.0.1", "localhost")
UNIFIED = ("unifiedAccount", "portfolioMargin")
ABSTRACTIONS = ("default", "disabled", *UNIFIED)


class AgentConfig(NamedTuple):
    """A key that may trade for an account, until a Unix time [ms] if one is given."""

    address: str
    valid_until_ms: int | None = None


@dataclass(frozen=True)
class AccountConfig:
    """One account that exists from the start.

    Parameters
    ----------
    address : str
        Its address; its own key may sign everything.
    agents : tuple[str or AgentConfig, ...]
        Addresses of keys that may trade for it.
    balance : float or None
        Deposit [USDC]; None takes `VenueConfig.starting_balance`.
    master : str or None
        The account this one is a sub-account of: its keys act here by ``vaultAddress``.
    leader : str or None
        The account that leads this one, which is a vault: its keys act here by ``vaultAddress``.
    used_actions : int
        Actions it has sent before the start.
    volume : float
        Volume it has traded before the start [USDC]; it counts for the budget of actions and for ``scheduleCancel``.
    """

    address: str
    agents: tuple[str | AgentConfig, ...] = ()
    balance: float | None = None
    master: str | None = None
    leader: str | None = None
    used_actions: int = 0
    volume: float = 0.0

    @property
    def agent_configs(self) -> tuple[AgentConfig, ...]:
        """The agents, each with its end."""
        return tuple(AgentConfig(agent) if isinstance(agent, str) else agent for agent in self.agents)

    def __post_init__(self) -> None:
        """Refuse what is no address.

        Raises
        ------
        ConfigurationError
            Naming the address.
        """
        agents = [agent.address for agent in self.agent_configs]
        try:
            for address in (self.address, *agents, *filter(None, (self.master, self.leader))):
                read_address(address, "an address")
        except MalformedMessage as error:
            raise ConfigurationError(f"venue: accounts: {error}") from None


@dataclass(frozen=True)
class VenueConfig:
    """How the venue behaves.

    Parameters
    ----------
    accounts : tuple[AccountConfig, ...]
        Who may trade.
    host, port
        Where to listen; port 0 takes a free one. Only this machine can connect.
    history_s : float
        How much of the market is past when the venue starts: clients find candles of it [s].
    order_latency_ms, data_latency_ms
        Delay before an action takes effect, and before an answer or a message leaves.
    older_candles_s : float
        Length of the time before that, of which candles are invented in the manner of those that are known [s].
    speed : float
        The source's clock runs this many times faster; its stamps are compressed into real time, so every stamp a
        client sees is of its own clock.
    maker_fee, taker_fee, spot_maker_fee, spot_taker_fee
        Base rates of every account, as fractions of notional; what a market makes of them stands in its listing.
    referral_discount : float
        Share of a fee that a referred account does not pay.
    starting_balance : float
        Deposit of each account [USDC], on the main dex, on every other dex and in spot; of a unified account only one.
    funding_rate : float
        Fraction of notional that longs pay to shorts at every full hour.
    slow_book_period_s, fast_book_period_s
        Periods of the ``l2Book`` stream with 20 levels, and of the one with 5 levels.
    mids_period_s, context_period_s, mark_period_s
        Periods of ``allMids``, of ``activeAssetCtx``, and of the mark price itself.
    whole_fills : bool
        The market fills a resting order whole as soon as it fills any of it, as exchanges of backtests do.
    trade_backlog : int
        How many past trades a subscription to ``trades`` begins with.
    builder_approval : bool
        Whether an approval of a builder's fee succeeds.
    free_actions : int
        Actions of an account before it has traded anything.
    schedule_cancel_volume : float
        Traded volume from which ``scheduleCancel`` is allowed [USDC].
    abstraction : str
        Answer to ``userAbstraction``.
    weight_limit : int or None
        Weight an IP address may ask for in a minute; None never answers 429.
    greeting : bool
        Whether a websocket begins with the plain text the official SDK knows.
    faults : Faults or None
        What goes wrong; None also closes ``/faults``, where faults are injected at run time.
    fault_seed : int
        Seed of the faults.
    """

    accounts: tuple[AccountConfig, ...] = field(default=())
    host: str = "127.0.0.1"
    port: int = 0
    history_s: float = 0.0
    older_candles_s: float = 0.0
    order_latency_ms: float = 0.0
    data_latency_ms: float = 0.0
    speed: float = 1.0
    maker_fee: float = 0.00015
    taker_fee: float = 0.00045
    spot_maker_fee: float = 0.0004
    spot_taker_fee: float = 0.0007
    referral_discount: float = 0.0
    starting_balance: float = 10_000.0
    funding_rate: float = 0.0000125
    slow_book_period_s: float = 5.0
    fast_book_period_s: float = 0.5
    mids_period_s: float = 5.0
    context_period_s: float = 1.0
    mark_period_s: float = 3.0
    whole_fills: bool = False
    trade_backlog: int = 30
    builder_approval: bool = True
    free_actions: int = 10_000
    schedule_cancel_volume: float = 1_000_000.0
    abstraction: str = "default"
    weight_limit: int | None = None
    greeting: bool = False
    faults: Faults | None = None
    fault_seed: int = 1

    @property
    def is_unified(self) -> bool:
        """Whether an account has one balance for spot and every dex."""
        return self.abstraction in UNIFIED

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises
        ------
        ConfigurationError
            Naming the setting, the value seen and the values accepted.
        """
        if self.host not in LOCAL_HOSTS:
            raise ConfigurationError(f"venue: host must be one of {', '.join(LOCAL_HOSTS)}, got {self.host!r}")
        if self.abstraction not in ABSTRACTIONS:
            raise ConfigurationError(
                f"venue: abstraction must be one of {', '.join(ABSTRACTIONS)}, got {self.abstraction!r}"
            )
        for name in ("speed", "slow_book_period_s", "fast_book_period_s", "mids_period_s", "context_period_s"):
            _require(name, getattr(self, name), above_zero=True)
        for name in (
            "history_s",
            "older_candles_s",
            "order_latency_ms",
            "data_latency_ms",
            "mark_period_s",
            "starting_balance",
            "free_actions",
        ):
            _require(name, getattr(self, name), above_zero=False)


def _require(name: str, value: float, *, above_zero: bool) -> None:
    if not isfinite(value) or value < 0 or (above_zero and value == 0):
        raise ConfigurationError(f"venue: {name} must be {'above zero' if above_zero else 'zero or more'}, got {value}")
