"""What the service has read of each coin. It reads between two cycles, so that a cycle itself reads nothing."""

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from calibration.observation.increments import FollowedIncrements, Increments
from calibration.observation.observations import ObservedWindow
from calibration.observation.rolling import LiveObservations
from market_making.market.errors import DataError, ModelError
from market_making.market.tape import FloatArray, QuoteTape
from market_making.recording.store.tick_store import TickStore

_NEVER = -1
_NOTHING: FloatArray = np.zeros(0)


class ObservationReader:
    """The observations of many coins, each kept up to date from the tick store.

    Parameters
    ----------
    store : TickStore
        Where a collector records.
    coins : iterable of str
        The venue's names.
    window_ms : int
        Length of the window.
    """

    def __init__(self, store: TickStore, coins: Iterable[str], window_ms: int) -> None:
        self._store = store
        self._window_ms = window_ms
        self._read_ms = dict.fromkeys(coins, _NEVER)
        self._increments: dict[str, FollowedIncrements] = {}
        self._live: dict[str, LiveObservations] = {}
        self._faults: dict[str, DataError | ModelError] = {}

    def add(self, coin: str) -> None:
        """Read another coin, from the next period on."""
        self._read_ms.setdefault(coin, _NEVER)

    def read(self, coin: str, now_ms: int) -> None:
        """Take in what is recorded of a coin by now; `observations` raises what went wrong."""
        self._read_ms[coin] = now_ms
        try:
            self._follow(coin, now_ms)
        except (DataError, ModelError) as error:
            self._faults[coin] = error
        except OSError as error:  # a disk that is away comes back, and the service must still be there
            self._faults[coin] = DataError(f"what is recorded of {coin} cannot be read: {error}")
        else:
            self._faults.pop(coin, None)

    def read_on(self, clock: Callable[[], float], is_over: Callable[[], bool]) -> list[str]:
        """Read coin by coin until the time is over, the one read longest ago first; return the coins that were read.

        If one period is too short for all coins, the others follow in the next periods.
        """
        reached: list[str] = []
        for coin in sorted(self._read_ms, key=lambda coin: self._read_ms[coin]):
            if is_over():
                break
            self.read(coin, round(clock() * 1e3))
            reached.append(coin)
        return reached

    def observations(self, coin: str, now_ms: int) -> ObservedWindow:
        """The window up to now, as far as it was read.

        Raises
        ------
        DataError, ModelError
            If the coin could not be read the last time.
        """
        if coin in self._faults:
            raise self._faults[coin]
        return self._live[coin].window(now_ms)

    def increments(self, coin: str) -> Increments:
        """Tick and lot of a coin that was read."""
        return self._increments[coin].known

    def forget(self, coin: str) -> None:
        """Read a coin from the start the next time: its tick came from too few quotes."""
        self._live.pop(coin, None)
        if coin in self._increments:
            self._increments[coin].forget()

    def _follow(self, coin: str, now_ms: int) -> None:
        """Read on; start again if the tick was unknown or has changed."""
        if coin not in self._increments:
            self._increments[coin] = FollowedIncrements(partial(self._quotes, coin))
        live, mid = self._live.get(coin), _NOTHING
        if live is not None:
            live.read(now_ms)
            mid = live.window(now_ms).seconds.mid
        tick = self._increments[coin].follow(mid, now_ms - self._window_ms, now_ms).tick
        if live is None or live.tick != tick:
            live = LiveObservations(partial(self._store.tape, coin), tick, self._window_ms)
            live.read(now_ms)
            self._live[coin] = live

    def _quotes(self, coin: str, start_ms: int, end_ms: int) -> QuoteTape:
        return self._store.tape(coin, start_ms, end_ms).quotes
