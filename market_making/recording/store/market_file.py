"""What market a folder of recordings is of: ``<venue>/<COIN>/market.json``, written when its recording begins.

The folder's name does not tell: ``UBTC_USDC`` is the pair ``BTC/USDC``, and ``@142`` on the wire. A folder without the
file, as older recordings are, is the main perpetual of its name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from market_making.market.errors import MalformedMessage
from market_making.market.identity import Dex, Kind, Market, SpotTokens
from market_making.market.instrument import Listing
from market_making.market.names import Names
from market_making.recording.store.segments import coin_folder
from market_making.recording.store.storage import Storage, open_storage

_FILE = "market.json"
_Key = tuple[str, str, str]
_known: dict[_Key, Market] = {}


def write_market(storage: Storage, venue: str, market: Market) -> None:
    """Say what market a folder is of, unless it is said already.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path, content = f"{coin_folder(venue, market.key)}/{_FILE}", orjson.dumps(_fields(market))
    if _content(storage, path) != content:
        storage.publish(path, pa.py_buffer(content))


def read_market(root: Path | str, venue: str, coin: str) -> Market | None:
    """The market of a folder of recordings; None where nothing says which.

    Raises
    ------
    MalformedMessage
        If the file is torn, or of another folder.
    """
    key = str(root), venue, coin
    known = _known.get(key)
    if known is not None:
        return known
    path = f"{coin_folder(venue, coin)}/{_FILE}"
    content = _content(open_storage(root), path)
    if content is None:
        return None
    try:
        market = _market(orjson.loads(content))
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedMessage(f"{root}/{path} lacks {error}: {content!r:.200}") from None
    if market.key != coin:
        raise MalformedMessage(f"{root}/{path} must be of {coin}, got {market.key}")
    _known[key] = market
    return market


def _content(storage: Storage, path: str) -> bytes | None:
    try:
        with storage.open(path) as file:
            return bytes(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None


def _fields(market: Market) -> dict[str, Any]:
    return {
        "names": market.names._asdict(),
        "kind": market.kind,
        "asset": market.asset,
        "listing": market.listing._asdict(),
        "dex": vars(market.dex),
        "tokens": None if market.tokens is None else market.tokens._asdict(),
    }


def _market(fields: Mapping[str, Any]) -> Market:
    tokens, dex = fields["tokens"], fields["dex"]
    return Market(
        names=Names(**fields["names"]),
        kind=Kind(fields["kind"]),
        asset=int(fields["asset"]),
        listing=Listing(**fields["listing"]),
        dex=Dex(**dex),
        tokens=None if tokens is None else SpotTokens(**tokens),
    )
