"""The one place through which every request of a ccxt client passes, and the steps a request takes there.

ccxt calls ``request(path, api, method, params, config)`` for every endpoint. The door stands in its place and hands the
request to one step after the other; the last one is ccxt's own. A step may answer by itself, wait, or note what passes.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple


class Request(NamedTuple):
    """A request as ccxt makes it; `params` is the body. One that `may_wait` not is left out where it would have to."""

    path: str
    api: Any
    method: str
    params: Any
    config: Any
    may_wait: bool = True

    @property
    def is_action(self) -> bool:
        """Whether it is signed and changes something."""
        return self.path == "exchange"

    @property
    def body(self) -> dict[str, Any]:
        """The question, or the action without its signature; empty where it is neither."""
        body = self.params.get("action") if self.is_action and isinstance(self.params, dict) else self.params
        return body if isinstance(body, dict) else {}

    @property
    def kind(self) -> str:
        """The exchange's word for the question or action."""
        return str(self.body.get("type", ""))


Forward = Callable[[Request], Any]
ForwardLater = Callable[[Request], Awaitable[Any]]
Step = Callable[[Request, Forward], Any]
StepLater = Callable[[Request, ForwardLater], Awaitable[Any]]


class Door:
    """Stands before a synchronous ccxt client.

    Parameters
    ----------
    client : ccxt.Exchange
        Its ``request`` is replaced.
    steps : Sequence[Step]
        From the first that sees a request to the last before ccxt's own.
    """

    def __init__(self, client: Any, steps: Sequence[Step]) -> None:
        self._stock = client.request
        self._forward: Forward = self._ask
        for step in reversed(steps):
            self._forward = _before(step, self._forward)
        client.request = self.request

    def request(
        self, path: str, api: Any = ("public",), method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        """Carry a request through all steps."""
        return self._forward(Request(path, api, method, params or {}, config or {}))

    def _ask(self, request: Request) -> Any:
        return self._stock(*request[:4], config=request.config)


class DoorLater:
    """Stands before an asynchronous ccxt client.

    Parameters
    ----------
    client : ccxt.async_support.Exchange
        Its ``request`` is replaced.
    steps : Sequence[StepLater]
        From the first that sees a request to the last before ccxt's own.
    """

    def __init__(self, client: Any, steps: Sequence[StepLater]) -> None:
        self._stock = client.request
        self._forward: ForwardLater = self._ask
        for step in reversed(steps):
            self._forward = _before_later(step, self._forward)
        client.request = self.request

    async def request(
        self, path: str, api: Any = ("public",), method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        """Carry a request through all steps."""
        return await self._forward(Request(path, api, method, params or {}, config or {}))

    async def _ask(self, request: Request) -> Any:
        return await self._stock(*request[:4], config=request.config)


def _before(step: Step, forward: Forward) -> Forward:
    return lambda request: step(request, forward)


def _before_later(step: StepLater, forward: ForwardLater) -> ForwardLater:
    return lambda request: step(request, forward)
