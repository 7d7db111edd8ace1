"""Compilation of the fast desk's functions by numba, which an extra brings along.

Machine code is kept on disk. Numba looks only at the file of a function to tell whether it is stale, yet it holds the
code of everything that is called and every constant; so the folder is named by all source that can be in it.
"""

import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

from market_making.market.errors import ConfigurationError

try:
    from llvmlite import binding
    from numba import __version__ as numba_version
    from numba import config as numba_config
    from numba import njit
    from numba.extending import register_jitable
except ImportError:
    raise ConfigurationError('the fast desk needs numba: pip install -e ".[replay]"') from None

_PACKAGE = Path(__file__).resolve().parents[2]
_PARTS = ("hyperliquid", "market", "quoting", "replay", "trading")

_config: Any = numba_config  # its members are made when it is loaded
Function = TypeVar("Function", bound=Callable[..., Any])


def _digest() -> str:
    """Name of all source that compiled code can be made from."""
    digest = blake2b(digest_size=10)
    for part in _PARTS:
        for path in sorted((_PACKAGE / part).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _folder() -> Path:
    """Where machine code is kept: beside the source, or where the user may write."""
    beside = Path(__file__).resolve().parent / "__pycache__"
    if os.access(beside if beside.exists() else beside.parent, os.W_OK):
        return beside / _digest()
    return Path.home() / ".cache" / "market-making" / _digest()


FOLDER = _folder()


def made_for(source: Path) -> str:
    """What machine code is good for besides all its source: numba, processor, and the file that numba looks at."""
    said = f"{numba_version} {binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"
    return blake2b(f"{said} {source.stat().st_mtime_ns}".encode(), digest_size=10).hexdigest()


def compiled(function: Function) -> Function:
    """Compile a function of numbers, records and arrays together with whatever calls it."""
    return cast(Function, njit(error_model="numpy")(function))


def entered(function: Function) -> Function:
    """Compile a function that is called from Python, with all that it calls; its machine code is kept on disk."""
    usual, _config.CACHE_DIR = _config.CACHE_DIR, str(FOLDER)
    try:
        return cast(Function, njit(cache=True, error_model="numpy")(function))
    finally:
        _config.CACHE_DIR = usual


def let_compile(function: Callable[..., Any]) -> None:
    """Let compiled functions call one that is itself called as it is elsewhere."""
    register_jitable(function)
