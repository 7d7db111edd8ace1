"""The `market_making` section of Freqtrade's config.json, read by the bot and by every sidecar.

A wrong value is refused with its key, the value seen and what is accepted.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError

from market_making.market.errors import ConfigurationError
from market_making.market.names import Names
from market_making.market.selection import Selection
from market_making.market.suggestion import nearest
from market_making.settings.edge import EdgeSettings
from market_making.settings.explanation import explain
from market_making.settings.files import load_all, typed
from market_making.settings.guard import GuardSettings
from market_making.settings.pairs import pairs_of
from market_making.settings.role import Role
from market_making.settings.section import USER_DATA, Section
from market_making.settings.sections import CalibrationSettings, ModelSettings, QuoteSettings, RiskSettings

if TYPE_CHECKING:  # numpy takes as long to load as all the rest of a command that ends with an error
    from market_making.quoting.risk.rules import RiskLimits

SECTION = "market_making"
_ADDRESS = "^0x[0-9a-fA-F]{40}$"
_NO_ADDRESS = "0x" + "0" * 40
_MISSPELT = 0.85
_SMALLEST_ORDER = 10.0
_SAFE_MULTIPLE = 4.0


class Settings(Section):
    """The whole `market_making` section."""

    venue: str = Field("hyperliquid", description="Name of the exchange, also its folder in the tick store")
    coins: tuple[str, ...] = Field(
        (), description="Coins to record and calibrate, by any name of their market; empty: those of `pairs`"
    )
    pairs: tuple[str, ...] = Field(
        (), description="Freqtrade's names of the markets to record and calibrate; empty: those of the pair lists"
    )
    url: str = Field("https://api.hyperliquid.xyz", description="Address of the Hyperliquid to record from")
    account: Annotated[str, Field(pattern=_ADDRESS)] | None = Field(
        None,
        description="Address whose fee tier holds; null: the exchange's walletAddress",
        json_schema_extra={"accepted": "0x and 40 hexadecimal digits, or null"},
    )
    market_data: Path | str = Field(
        USER_DATA / "market_data",
        description="Root of the tick store: a folder, or an address such as s3://bucket/ticks",
    )
    parameters: Path = Field(USER_DATA / "parameters", description="Folder of the parameter files and their history")
    decisions: Path = Field(USER_DATA / "logs/decisions", description="Folder of the bots' decision logs")
    legs: Path = Field(USER_DATA / "legs", description="Folder through which two legs share their positions")
    state: Path = Field(
        USER_DATA / "state",
        description="Folder of the state files, the kill switch and the pace of requests that bots share",
    )
    sides: Literal["long_only", "short_only", "alternate", "long_leg", "short_leg"] = Field(
        "long_only",
        description="What the bot may hold: long, short, one after the other, or one of two legs on two accounts",
    )
    leverage: Annotated[float, Field(ge=1, le=10)] = Field(1.0, description="Leverage in futures markets [–]")
    model: ModelSettings = Field(ModelSettings(), description="The quoting model")
    quote: QuoteSettings = Field(QuoteSettings(), description="How a quote becomes a resting order")
    risk: RiskSettings = Field(RiskSettings(), description="Losses that stop a pair")
    calibration: CalibrationSettings = Field(CalibrationSettings(), description="Cadence and window of calibrations")
    edge: EdgeSettings = Field(EdgeSettings(), description="What the bot changes in objects of ccxt and Freqtrade")
    guard: GuardSettings = Field(GuardSettings(), description="How patient `mm guard` is")
    _excluded: tuple[str, ...] = PrivateAttr(())

    @classmethod
    def from_section(
        cls, section: dict[str, Any], *, where: str = SECTION, user_data: Path | None = None
    ) -> "Settings":
        """Validate the section of an already loaded configuration.

        Parameters
        ----------
        section : dict
            What stands under `market_making`.
        where : str
            What messages call the section.
        user_data : Path, optional
            Freqtrade's folder, below which every path lies that is not configured.

        Raises
        ------
        ConfigurationError
            Naming every offending key, what is accepted and the value seen.
        """
        try:
            settings = cls.model_validate(section)
        except ValidationError as error:
            said = dict.fromkeys(explain(cls, where, item) for item in error.errors())
            raise ConfigurationError("; ".join(said)) from None
        return settings if user_data is None else settings.below(user_data)

    @classmethod
    def from_files(cls, paths: Sequence[Path], user_data: Path | None = None) -> "Settings":
        """Read the section from Freqtrade configuration files, merged as Freqtrade does: deeply, the later file wins.

        Without `coins` or `pairs` in the section Freqtrade's pair lists name the markets, without `account` it is the
        exchange's wallet address; without the section all defaults hold. `user_data` wins over ``user_data_dir``.

        Raises
        ------
        ConfigurationError
            If a file is missing, is not JSON, or the section is wrong.
        """
        config = load_all(paths)
        where = ", ".join(str(path) for path in paths)
        if user_data is None and "user_data_dir" in config:
            user_data = Path(str(config["user_data_dir"]))
        settings = cls.from_section(section_of(config), where=f"{where}: {SECTION}", user_data=user_data)
        exchange = typed(config, "exchange", dict, where)
        told: dict[str, Any] = {} if settings.pairs else {"pairs": pairs_of(config, where)}
        wallet = str(exchange.get("walletAddress", ""))
        if settings.account is None and re.match(_ADDRESS, wallet) and wallet != _NO_ADDRESS:
            told["account"] = wallet
        settings = settings.model_copy(update=told)
        settings._excluded = tuple(map(str, typed(exchange, "pair_blacklist", list, f"{where}: exchange")))
        return settings

    @classmethod
    def from_freqtrade(cls, config: dict[str, Any]) -> "Settings":
        """Read the section from the configuration that Freqtrade has loaded; paths follow its ``--userdir``.

        Raises
        ------
        ConfigurationError
            If the section is wrong.
        """
        user_data = config.get("user_data_dir")
        return cls.from_section(section_of(config), user_data=None if user_data is None else Path(user_data))

    @property
    def role(self) -> Role:
        """What this bot may hold."""
        return Role(self.sides)

    @property
    def selection(self) -> Selection:
        """Which markets to record and calibrate; one that is not listed keeps no other from it."""
        return Selection(self.coins or self.pairs, self._excluded)

    @property
    def asks_for_fee(self) -> bool:
        """Whether the maker fee is that of the account's tier: none is configured, and there is somebody to ask."""
        return self.account is not None and self.venue == "hyperliquid" and not self.has_own_fee

    @property
    def has_own_fee(self) -> bool:
        """Whether the maker fee was configured."""
        return "maker_fee" in self.model.model_fields_set

    def own_fee(self, names: Names) -> float | None:
        """The maker fee that is configured for a market, or else for all; None if neither is."""
        for name, fee in self.model.maker_fees.items():
            if name in names:
                return fee
        return self.model.maker_fee if self.has_own_fee else None

    def with_maker_fee(self, fee: float) -> "Settings":
        """Return the same with a fee from elsewhere; it does not count as configured."""
        values = dict(self.model) | {"maker_fee": fee}
        model = ModelSettings.model_construct(_fields_set=self.model.model_fields_set, **values)
        return self.model_copy(update={"model": model})

    @property
    def smallest_safe_notional(self) -> float:
        """The smallest order whose partly filled rest Freqtrade can still cancel and stop [quote currency].

        Freqtrade cancels and sells only what is worth a minimum that it multiplies by the leverage. Four times as much
        leaves room for a first part that is too small by itself (docs/strategy.md, "What stock Freqtrade leaves open").
        """
        return _SAFE_MULTIPLE * _SMALLEST_ORDER * self.leverage

    def risk_limits(self) -> "RiskLimits":
        """Limits of the risk rules; an inventory at its bound is two thirds of what they call the largest position."""
        from market_making.quoting.risk.rules import RiskLimits  # noqa: PLC0415

        bound = self.model.order_notional * self.model.maximum_inventory
        return RiskLimits(
            1.5 * bound,
            daily_loss=self.risk.daily_loss,
            drawdown=self.risk.drawdown,
            oldest_data_ms=max(1, round(self.quote.maximum_book_age_s * 1e3)),
        )


def section_of(config: dict[str, Any]) -> Any:
    """The section in a whole configuration, empty if there is none.

    Raises
    ------
    ConfigurationError
        If there is none, but one whose name is nearly the same.
    """
    if SECTION in config:
        return config[SECTION]
    alike = nearest(SECTION, config, alike=_MISSPELT)
    if alike is not None:
        raise ConfigurationError(f"unknown key {alike}, did you mean {SECTION}?")
    return {}
