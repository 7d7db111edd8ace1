"""docker-compose.yml and Dockerfile keep the promises made about them."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def services():
    """The services as they are after YAML anchors are merged."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_the_three_programs_of_the_product_start_by_default(services):
    """`docker compose up` starts collector, calibrator and Freqtrade and nothing that needs a profile."""
    assert {name for name, service in services.items() if "profiles" not in service} == {
        "collector",
        "calibrator",
        "freqtrade",
    }


def test_money_is_traded_only_by_the_service_that_is_named_for_it(services):
    """The private configuration is read by it and the guard that cancels for it, and by nobody without being asked."""
    live = {name for name, service in services.items() if any("private" in word for word in service.get("command", []))}
    assert live == {"freqtrade-live", "guard"}
    assert all(services[name]["profiles"] == ["live"] for name in live)
    assert services["guard"]["entrypoint"] == ["mm", "guard"]


def test_nothing_runs_as_root_or_is_reachable_from_outside(services):
    """Every container has a plain user and no capability; every published port is bound to 127.0.0.1."""
    for service in services.values():
        assert service["user"] == "1000:1000"
        assert service["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


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
