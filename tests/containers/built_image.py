"""The project's image, built without Docker: buildah, over a stand-in for Freqtrade's image from Debian's packages.

The stand-in has what the Dockerfile relies on: user 1000 called ftuser, Freqtrade in its home, its PATH. Everything
lies below ``build/image`` and is kept there; the project's own layers are built anew each time.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "build" / "image"
NAME = "freqtrade-market-making:0.1.0"
PACKAGES = "python3,python3-pip,ca-certificates,libgomp1"
STAND_IN = """FROM scratch
ADD base.tar /
ENV LANG=C.UTF-8 FT_APP_ENV=docker PIP_BREAK_SYSTEM_PACKAGES=1 \\
    PATH=/home/ftuser/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN mkdir /freqtrade && useradd -u 1000 -U -m ftuser && chown ftuser:ftuser /freqtrade && ln -s python3 /usr/bin/python
WORKDIR /freqtrade
USER ftuser
RUN pip install --user --no-cache-dir '{freqtrade}' && mkdir /freqtrade/user_data
ENTRYPOINT ["freqtrade"]
CMD ["trade"]
"""
TOOLS = ("buildah", "debootstrap", "unshare", "setpriv")


def missing_tools() -> str:
    """What this machine lacks to build and run the image; empty if nothing."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else "" if os.geteuid() == 0 else "needs root"


def buildah(*words: str) -> str:
    """Run buildah on the store below ``build/image``; return what it prints."""
    command = ["buildah", f"--root={STORE / 'store'}", f"--runroot={STORE / 'run'}", *words]
    environment = os.environ | {
        "BUILDAH_ISOLATION": "chroot",
        "STORAGE_DRIVER": os.environ.get("STORAGE_DRIVER", "vfs"),
    }
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{' '.join(words)}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


def base_image() -> str:
    """The name that the Dockerfile begins with."""
    (name,) = re.findall(r"^FROM (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return f"docker.io/{name}"


def build() -> None:
    """Build the stand-in where it is missing, then the Dockerfile as it is."""
    STORE.mkdir(parents=True, exist_ok=True)
    if base_image() not in buildah("images", "--format", "{{.Name}}:{{.Tag}}").split():
        _build_base()
    buildah("bud", "--pull-never", *_as_this_machine(), "-t", NAME, str(ROOT))


def _build_base() -> None:
    folder = STORE / "base"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    made = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(folder / "files")]
    subprocess.run(made, stdout=subprocess.DEVNULL, check=True)
    subprocess.run(["tar", "-C", str(folder / "files"), "-cf", str(folder / "base.tar"), "."], check=True)
    shutil.rmtree(folder / "files")
    version = base_image().rsplit(":", 1)[1]
    (folder / "Dockerfile").write_text(STAND_IN.format(freqtrade=f"freqtrade[hyperopt]=={version}"))
    buildah("bud", "--pull-never", *_as_this_machine(), "-t", base_image(), str(folder))
    shutil.rmtree(folder)


def _as_this_machine() -> Sequence[str]:
    """pip looks where this machine's pip looks: its configuration, its folders of packages, its certificates."""
    told = subprocess.run(["pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    folders = {Path(path).parts[1] for path in re.findall(r"(?:file://|')(/[^\s']+)", told)} - {"etc", "root", "home"}
    here = [Path("/etc/pip.conf"), Path("/etc/xdg/pip"), Path("/etc/ssl/certs"), *(Path("/", name) for name in folders)]
    return [f"--volume={path}:{path}:ro" for path in here if path.exists()]


@contextmanager
def built() -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Build the image from this checkout; yield where its files are, and its environment."""
    build()
    name, files = _mounted()
    try:
        yield files, _environment()
    finally:
        buildah("rm", name)


def _environment() -> dict[str, str]:
    """Environment variables of the image."""
    told = json.loads(buildah("inspect", "--type=image", NAME))["OCIv1"]["config"]
    assert told["User"] == "1000:1000"
    assert told["WorkingDir"] == "/freqtrade"
    return dict(line.split("=", 1) for line in told["Env"])


def _mounted() -> tuple[str, Path]:
    """Mount the image's files; return the name of the container to be removed, and where they are."""
    name = buildah("from", "--pull-never", NAME).strip()
    return name, Path(buildah("mount", name).strip())
