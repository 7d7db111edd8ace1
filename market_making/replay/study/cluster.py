"""Where the trials of a study run: worker processes of this machine, or a Dask cluster that is there already.

A worker that dies costs time and no result: what it had not handed over is run again elsewhere.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from market_making.market.errors import ConfigurationError
from market_making.replay.study.trials import Ran, Readied, Setting, TrialRunner
from market_making.replay.study.units import Unit

_CONNECT = "30s"
_RETRIES = 3  # workers that a task may lose before it counts as failed
_SETTINGS = {
    "distributed.scheduler.allowed-failures": _RETRIES,
    "distributed.comm.timeouts.connect": _CONNECT,
    "distributed.worker.daemon": True,
    "distributed.worker.profile.enabled": False,  # for an hour it would keep more and more
    "distributed.nanny.pre-spawn-environ.ARROW_DEFAULT_MEMORY_POOL": "system",  # its own keeps what a day has taken
}


class Task(NamedTuple):
    """Settings of these trials on one unit."""

    trials: tuple[int, ...]
    unit: Unit
    settings: tuple[Setting, ...]


class Cluster:
    """Runs tasks.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def workers(self) -> int:
        """Number of tasks that run at once."""
        return sum(self._client.nthreads().values())

    def prepare(self, runner: TrialRunner, units: Sequence[Unit]) -> Iterator[tuple[Unit, Readied]]:
        """Prepare units, each once; yield each as it is done.

        Raises
        ------
        Exception
            What the runner has raised, or that its workers have died.
        """
        futures = {self._client.submit(runner.prepare, unit, pure=False): unit for unit in units}
        for future, readied in self._completed(futures):
            if isinstance(readied, BaseException):
                raise readied
            yield futures[future], readied

    def run(self, runner: TrialRunner, tasks: Iterable[Task]) -> Iterator[tuple[Task, list[Ran]]]:
        """Run tasks; yield each with what came of it, as it is done; a task that fails fails its trials."""
        futures = {}
        for task in tasks:
            carried = runner.carried(task.unit, task.settings)
            futures[self._client.submit(runner.run, task.unit, carried, pure=False)] = task
        for future, found in self._completed(futures):
            task = futures[future]
            if isinstance(found, BaseException):
                yield task, [Ran(None, f"{type(found).__name__}: {found}", 0.0)] * len(task.settings)
            else:
                yield task, found

    def _completed(self, futures: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
        """Each future with its result or its error as soon as it is there."""
        for future in _libraries()[1].as_completed(list(futures)):
            error = future.exception()
            yield future, future.result() if error is None else error
            future.release()


@contextmanager
def connected(scheduler: str | None, workers: int) -> Iterator[Cluster]:
    """A cluster for the time of a study.

    Parameters
    ----------
    scheduler : str or None
        Address of one that is there, such as ``tcp://host:8786``; None for processes of this machine.
    workers : int
        How many of them.

    Raises
    ------
    ConfigurationError
        If Dask is not installed, or nobody answers at the address.
    """
    dask, distributed = _libraries()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # its own comings and goings are no news of a study
    with dask.config.set(_SETTINGS):
        if scheduler is None:
            local = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
            with local, distributed.Client(local) as client:
                yield Cluster(client)
            return
        try:
            client = distributed.Client(scheduler, timeout=_CONNECT)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"--scheduler must be the address of a Dask scheduler that answers, got {scheduler}: {error}"
            ) from None
        with client:
            yield Cluster(client)


def _libraries() -> tuple[Any, Any]:
    try:
        import dask  # noqa: PLC0415
        import distributed  # noqa: PLC0415
    except ImportError as error:
        raise missing(error) from None
    return dask, distributed


def missing(error: ImportError) -> ConfigurationError:
    """What to say where a library of studies is not installed."""
    return ConfigurationError(f'a study needs {error.name}: pip install -e ".[study]"')
