"""What a study is asked for, read from a YAML file."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import yaml
from pydantic import Field, ValidationError, model_validator

from market_making.market.errors import ConfigurationError
from market_making.recording.store.segments import DAY_MS, day_number
from market_making.settings.explanation import explain
from market_making.settings.section import NotNegative, Positive, Section

Count = Annotated[int, Field(ge=1, le=100_000)]


class StudySpec(Section):
    """A search through the parameters of a strategy, walking forward by day."""

    strategy: str = Field("MarketMaking", description="Name of the class")
    coins: tuple[str, ...] = Field(description="Coins, by the exchange's names", min_length=1)
    parameters: dict[str, Any] = Field(
        {},
        description="What is searched: name of a parameter, and its values as a list, a single value, or low and high; "
        "null: everything that the strategy accepts; empty: all of its parameters",
    )
    objective: Literal["net_per_hour", "net_per_hour_low", "net_bps", "sharpe"] = Field(
        "net_per_hour", description="What is to be as large as possible on the days of the search"
    )
    trials: Count = Field(50, description="Settings tried in each fold")
    batch: Count = Field(10, description="Settings asked for at once; the search learns from one batch to the next")
    settings_per_task: Count | None = Field(
        None,
        description="Settings that a worker runs in one pass; null: as many of a batch as leave each worker something "
        "to do, 50 at most",
    )
    train_days: Count = Field(1, description="Days of a fold on which settings are searched")
    test_days: Count = Field(1, description="Days after them on which the winner is judged")
    first_day: date | None = Field(None, description="First day; null: the first that is recorded")
    last_day: date | None = Field(None, description="Last day; null: the last that is recorded")
    engine: Literal["exchange", "hftbacktest"] = Field("hftbacktest", description="What fills the orders")
    two_sided: bool = Field(False, description="Two bots, one for each side")
    period_s: Positive = Field(1.0, description="From loop to loop [s]")
    delay_s: NotNegative = Field(0.05, description="One way between bot and exchange [s]")
    seed: int = Field(1, description="Of the search: the same seed, the same study")

    @model_validator(mode="after")
    def _days_ascend(self) -> "StudySpec":
        if self.first_day is not None and self.last_day is not None and self.first_day > self.last_day:
            raise ValueError(f"first_day {self.first_day} must not be after last_day {self.last_day}")
        return self

    @classmethod
    def read(cls, path: Path) -> "StudySpec":
        """Read a study.

        Raises
        ------
        ConfigurationError
            Naming the key, what is accepted and the value seen.
        """
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigurationError(f"{path} must be a readable YAML file: {error}") from None
        if not isinstance(document, dict):
            raise ConfigurationError(f"{path} must hold keys and values, got {type(document).__name__}")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            said = dict.fromkeys(explain(cls, str(path), item) for item in error.errors())
            raise ConfigurationError("; ".join(said)) from None

    @property
    def bounds_ms(self) -> tuple[int | None, int | None]:
        """Start of the first day and end of the last one [ms]."""
        first = None if self.first_day is None else day_number(self.first_day.isoformat()) * DAY_MS
        last = None if self.last_day is None else (day_number(self.last_day.isoformat()) + 1) * DAY_MS
        return first, last

    @property
    def identity(self) -> str:
        """Everything that its results depend on; more trials, and other tasks, belong to the same study."""
        said = self.model_dump(mode="json", exclude={"trials", "settings_per_task"})
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
