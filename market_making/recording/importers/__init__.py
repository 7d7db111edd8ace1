"""Market data of other programs and archives, brought into the tick store; one function a format.

Every importer streams, tells its progress, may be interrupted and started again, and counts what it cannot read with
the file and the line.
"""

from collections.abc import Callable

from market_making.recording.importers.hftbacktest import import_hftbacktest
from market_making.recording.importers.hyperliquid_archive import import_hyperliquid_archive
from market_making.recording.importers.hyperliquid_fills import import_hyperliquid_fills
from market_making.recording.importers.importing import ImportReport, Progress
from market_making.recording.importers.prior_art import import_prior_art
from market_making.recording.importers.tardis import import_tardis

__all__ = ["IMPORTERS", "ImportReport", "Progress"]

IMPORTERS: dict[str, Callable[..., ImportReport]] = {
    "hyperliquid-archive": import_hyperliquid_archive,
    "hyperliquid-fills": import_hyperliquid_fills,
    "tardis": import_tardis,
    "hftbacktest": import_hftbacktest,
    "prior-art": import_prior_art,
}
