"""How far the demo is: a bar on a terminal, and plain lines where there is none."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_EVERY_S = 15.0

Report = Callable[[str, float], None]


@contextmanager
def progress_on(console: Console) -> Iterator[Report]:
    """Yield a function that takes what is being done and which share of it is done."""
    if not console.is_terminal:
        yield PlainLines(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda text, share: progress.update(task, description=text, completed=share)


class PlainLines:
    """A line whenever something else is being done, and every 15 s while it goes on."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._began = clock()
        self._stage = ""
        self._next = 0.0

    def __call__(self, text: str, share: float) -> None:
        """Print what is being done, if it is time."""
        stage, now = text.split(":", maxsplit=1)[0], self._clock() - self._began
        if stage == self._stage and now < self._next:
            return
        self._stage, self._next = stage, now + _EVERY_S
        done = f" ({share:.0%})" if 0 < share < 1 else ""
        self._console.print(f"{now:4.0f} s  {text}{done}", markup=False, highlight=False, soft_wrap=True)
