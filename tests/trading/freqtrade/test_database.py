"""Dry run and live, and two bots, never share a database."""

import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from freqtrade.enums import RunMode
from freqtrade.persistence import Order, Trade, init_db

from market_making.settings.settings import Settings
from market_making.trading.freqtrade.live import StartRefused, refuse_mixed_database

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PAIR = "ETH/USDC:USDC"


@pytest.fixture
def traded(tmp_path):
    """Freqtrade's own database with one trade in it, of one order."""
    url = f"sqlite:///{tmp_path}/trades.sqlite"
    init_db(url)

    def trade(order_id):
        held = Trade(
            pair=PAIR, base_currency="ETH", stake_currency="USDC", stake_amount=100.0, amount=0.03,
            amount_requested=0.03,
            open_rate=3000.0, open_date=datetime.now(UTC), fee_open=0.0, fee_close=0.0, exchange="hyperliquid",
            is_short=False, is_open=False,
        )  # fmt: skip
        held.orders.append(
            Order(
                ft_order_side="buy", ft_pair=PAIR, ft_is_open=False, ft_amount=0.03, ft_price=3000.0, order_id=order_id,
                status="closed", symbol=PAIR, order_type="limit", side="buy", price=3000.0, amount=0.03,
            )
        )  # fmt: skip
        Trade.session.add(held)
        Trade.commit()
        return url

    yield trade
    Trade.session.remove()


def starts(url, runmode, sides="long_only"):
    """Let a bot look at its database."""
    config = {"db_url": url, "dry_run": runmode is RunMode.DRY_RUN}
    refuse_mixed_database(
        SimpleNamespace(dp=SimpleNamespace(runmode=runmode), config=config, settings=Settings(sides=sides))
    )


@pytest.mark.parametrize(
    ("order_id", "runmode", "said"),
    [
        ("dry_run_buy_ETH/USDC:USDC_1", RunMode.LIVE, "orders of a dry run"),
        ("4711", RunMode.DRY_RUN, "orders of a live bot"),
        ("dryXrunX", RunMode.DRY_RUN, "orders of a live bot"),
    ],
)
def test_a_database_of_the_other_mode_is_refused_by_name(traded, order_id, runmode, said):
    """In either direction; the message holds the database."""
    url = traded(order_id)
    with pytest.raises(StartRefused, match=f"db_url must be a database of its own, got .*trades.sqlite.* with {said}"):
        starts(url, runmode)


def test_its_own_database_is_accepted_and_so_is_an_empty_one(traded, tmp_path):
    """After a restart as at the first start; a backtest has none."""
    starts(f"sqlite:///{tmp_path}/trades.sqlite", RunMode.LIVE)
    url = traded("4711")
    starts(url, RunMode.LIVE)
    starts(url, RunMode.BACKTEST)


def test_a_database_that_another_bot_uses_is_refused(traded, tmp_path):
    """Each would take the other's position for its own; it is free again when the other bot ends."""
    url = traded("4711")
    program = "import sys; from market_making.safety.account_lock import take_database as take; take(sys.argv[1]);"
    command = [
        sys.executable,
        "-c",
        f"{program} print('held', flush=True); sys.stdin.read()",
        f"{tmp_path}/trades.sqlite",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StartRefused, match=f"must be a database of its own.* of process {other.pid}, started"):
            starts(url, RunMode.LIVE, "short_leg")
        other.stdin.close()
        other.wait(10)
    starts(url, RunMode.LIVE, "short_leg")
    starts(url, RunMode.LIVE, "short_leg")
