"""Every service of docker-compose.yml runs in the image that the Dockerfile builds, against the local exchange.

``EVERY_SERVICE=1 pytest --log-cli-level=INFO tests/containers`` needs root, buildah and debootstrap, and no Docker. It
says how large the image is, and how long each service takes.
"""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import requests
import yaml

from market_making.ops.demo.processes import Programs, free_port
from market_making.ops.local_account import ThrowAwayAccount, exchange_section
from market_making.safety.claim import port_fault
from market_making.settings.files import load_all
from tests.containers import built_image
from tests.containers.container import Container
from tests.polling import until

ROOT = built_image.ROOT
log = logging.getLogger(__name__)
COIN = ("ETH",)
PRIVATE = ("config-private", "private-long", "private-short")
GROUPS = {
    "default": ("collector", "calibrator", "freqtrade", "dashboard"),
    "live": ("collector", "calibrator", "guard", "freqtrade-live"),
    "two-sided": ("collector", "calibrator", "guard-two-sided", "freqtrade-long", "freqtrade-short"),
}
HEALTHY_S, DRAINED_S = 30, 10
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900, func_only=True),  # how long the image takes to be built is the network's matter
    pytest.mark.skipif(not os.environ.get("EVERY_SERVICE"), reason="builds an image; EVERY_SERVICE=1 runs it"),
    pytest.mark.skipif(bool(built_image.missing_tools()), reason=built_image.missing_tools()),
]


@pytest.fixture(scope="module")
def image():
    """Files and environment of the image, built from this checkout."""
    with built_image.built() as image:
        yield image


@pytest.fixture(scope="module")
def services():
    """The services, with YAML's anchors merged."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.fixture
def checkout(tmp_path):
    """The tracked files of user_data as a newcomer has them, with the local exchange in place of the real one."""
    folder, url = tmp_path / "checkout", f"http://127.0.0.1:{free_port()}"
    tracked = subprocess.run(["git", "ls-files", "user_data"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in tracked.stdout.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    user_data = folder / "user_data"
    accounts = [ThrowAwayAccount.new() for _ in PRIVATE]
    for name, account in zip(PRIVATE, accounts, strict=True):
        bot = {"bot_name": "market-making-live", "db_url": "sqlite:///user_data/live.sqlite"}
        if name != "config-private":
            bot = {"db_url": f"sqlite:///user_data/{name}.sqlite"}
        private = bot | {"dry_run": False, "exchange": exchange_section(url, *account, COIN)}
        (user_data / f"{name}.json").write_text(json.dumps(private))
    public = load_all([user_data / "config.json"])
    local = exchange_section(url, *accounts[0], COIN)["ccxt_config"]
    local["options"] |= public["exchange"]["ccxt_config"]["options"]
    public["exchange"]["ccxt_config"] = local
    public["market_making"]["url"] = url
    (user_data / "config.json").write_text(json.dumps(public))
    venue = [sys.executable, "-m", "market_making.ops", "venue", "--simulate", "--coin", *COIN, "--weight-limit=0"]
    venue += [f"--port={url.rsplit(':', 1)[1]}", f"--prehistory={user_data / 'market_data'}"]
    venue += [word for account in accounts for word in ("--account", account.address)]
    with Programs(tmp_path / "venue") as programs:
        programs.start("venue", venue)
        until(lambda: "Hyperliquid, local" in programs.log("venue").read_text(), 60, "the exchange")
        _give(folder, 1000)
        yield folder, url, accounts


def _give(folder: Path, owner: int) -> None:
    subprocess.run(["chown", "-R", f"{owner}:{owner}", str(folder)], check=True)
    for parent in folder.parents[:2]:
        parent.chmod(0o755)


def test_the_image_holds_both_programs_and_the_strategies_and_no_secret(image, services, tmp_path):
    """Whoever runs it, 1000 or another number; and nothing of the checkout but what is needed."""
    files, environment = image
    (tmp_path / "user_data").mkdir()
    _give(tmp_path, 1000)
    size = sum(path.lstat().st_size for path in files.rglob("*") if not path.is_symlink() and path.is_file())
    log.info("image: %.2f GB", size / 1e9)
    for user in ("1000:1000", "1001:1001"):
        inside = Container(files, environment, services["collector"] | {"user": user}, tmp_path)
        assert inside.run("id", "-u").stdout.strip() == user.partition(":")[0]
        assert inside.run("mm", "--version").returncode == 0
        assert "2026.9" in inside.run("freqtrade", "--version").stdout
        written = inside.run("touch", "/freqtrade/anything")
        assert written.returncode != 0, "the root is not read-only"
        listed = inside.run("freqtrade", "list-strategies", "-1", "--strategy-path=/market-making/user_data/strategies")
        for path in (ROOT / "user_data" / "strategies").glob("*.py"):
            assert path.stem in listed.stdout, listed.stderr
    assert list((files / "market-making").rglob("*private*")) == []


@pytest.mark.parametrize("group", GROUPS)
def test_every_service_gets_healthy_trades_and_drains(image, services, checkout, group):
    """Each within its time; the bots' orders rest at the exchange while they run, and none is left afterwards."""
    folder, url, accounts = checkout
    assert not port_fault("127.0.0.1", 8090), "the page of something else is open here: end it first"
    with ExitStack() as stack:
        running = {name: stack.enter_context(_started(image, services, folder, name)) for name in GROUPS[group]}
        for name, container in running.items():
            log.info("%s/%s: healthy after %.1f s", group, name, container.wait_for_health(True, HEALTHY_S))
        if group == "default":
            _page_shows_a_quote()
        else:
            trading = accounts[:1] if group == "live" else accounts[1:]
            until(lambda: all(_audit(url, who)["orders_placed"] for who in trading), 120, "an order of each bot")
        for name, container in reversed(running.items()):
            took = container.stop()
            log.info("%s/%s: ended %.1f s after SIGTERM", group, name, took)
            assert took < DRAINED_S, container.said()
    assert [_audit(url, who)["open_orders"] for who in accounts] == [0, 0, 0]


@pytest.mark.parametrize("name", ["collector", "calibrator", "freqtrade"])
def test_a_service_whose_loop_stops_is_unhealthy(image, services, checkout, name):
    """It is alive, and does nothing."""
    folder, *_ = checkout
    with _started(image, services, folder, name) as container:
        container.wait_for_health(True, HEALTHY_S)
        container.signal(signal.SIGSTOP)
        limit = float(services[name]["healthcheck"]["test"][-1])
        container.wait_for_health(False, limit + 5)
        container.signal(signal.SIGCONT)
        container.wait_for_health(True, HEALTHY_S)


@pytest.mark.parametrize("name", ["collector", "calibrator", "guard", "freqtrade"])
def test_a_mount_that_belongs_to_root_is_refused_with_what_to_do(image, services, checkout, name):
    """It ends with the line that helps, and does not retry for ever; Freqtrade itself cannot say which."""
    folder, *_ = checkout
    _give(folder, 0)
    with _started(image, services, folder, name) as container:
        assert container.wait(60) != 0
        helpful = "make sure you have the write permission" if name == "freqtrade" else "chown -R 1000:1000"
        assert helpful in container.said()


def _started(image, services, folder, name):
    container = Container(*image, services[name], folder)
    container.start(name)
    return closing(container)


def _audit(url, account):
    answer = requests.get(f"{url}/audit", params={"user": account.address}, timeout=5)
    return answer.json()


def _page_shows_a_quote():
    """The dry run's order is explained on the page."""

    def resting():
        with requests.Session() as session:
            session.trust_env = False
            seen = session.get("http://127.0.0.1:8090/api/view", timeout=5).json()
        return [pair for pair in seen["coins"]["pairs"] if pair["resting"]]

    assert until(resting, 120, "a resting quote on the page")[0]["coin"] == "ETH"
