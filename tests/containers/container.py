"""One service of docker-compose.yml, run as it stands there: command, user, mounts, environment, capabilities."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# A mount namespace of its own: root read-only, a fresh /tmp, the service's volumes; then the service's plain user.
ENTER = """set -e
mount --bind "$FILES" "$FILES"
mount -t tmpfs tmpfs "$FILES/tmp"
mount -t proc proc "$FILES/proc"
mount --rbind /dev "$FILES/dev"
for name in etc/resolv.conf etc/hosts; do touch "$FILES/$name"; mount --bind "/$name" "$FILES/$name"; done
IFS=' '
for pair in $VOLUMES; do
  from=${pair%%:*}; rest=${pair#*:}; to=${rest%%:*}
  mkdir -p "$FILES$to"
  mount --bind "$from" "$FILES$to"
  case $pair in *:ro) mount -o remount,bind,ro "$FILES$to";; esac
done
mount -o remount,bind,ro "$FILES"
exec chroot "$FILES" setpriv --reuid "$USER_ID" --regid "$GROUP_ID" --clear-groups --no-new-privs \
  --bounding-set=-all --inh-caps=-all env -i -C "$FOLDER" "$@"
"""


class Container:
    """A service in the image's files.

    Parameters
    ----------
    files : Path
        Root of the image.
    image : mapping
        The image's environment.
    service : mapping
        The service, as YAML says it.
    checkout : Path
        Folder that ``./`` in a volume means.
    """

    def __init__(self, files: Path, image: Mapping[str, str], service: Mapping[str, Any], checkout: Path) -> None:
        self._files, self._image, self._service, self._checkout = files, image, service, checkout
        self._log = checkout / "logs"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, name: str) -> None:
        """Start the service's own command."""
        self._log.mkdir(exist_ok=True)
        self._log /= f"{name}.log"
        with self._log.open("wb") as log:
            command = [*self._service["entrypoint"], *self._service.get("command", [])]
            self._process = subprocess.Popen(
                self.entered(command), env=self.outside, stdout=log, stderr=log, start_new_session=True
            )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run another command in the service until it ends."""
        return subprocess.run(
            self.entered(command), env=self.outside, capture_output=True, text=True, check=False, timeout=120
        )

    def is_healthy(self) -> bool:
        """Run the service's health check."""
        kind, *command = self._service["healthcheck"]["test"]
        assert kind == "CMD"
        return self.run(*command).returncode == 0

    def wait_for_health(self, healthy: bool, seconds: float) -> float:
        """Wait until the health check says so; return after how many seconds."""
        start = time.monotonic()
        while self.is_healthy() is not healthy:
            self.require_running()
            assert time.monotonic() - start < seconds, f"not so within {seconds:g} s\n{self.said()}"
            time.sleep(0.5)
        return time.monotonic() - start

    def require_running(self) -> None:
        """Fail with the log of a service that has ended."""
        assert self._process is not None
        assert self._process.poll() is None, f"ended with {self._process.returncode}\n{self.said()}"

    def signal(self, number: int) -> None:
        """Send a signal to the service's process."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> float:
        """Send SIGTERM, as compose does; return how long it took to end [s].

        A program may end by the signal after it has cleaned up; Freqtrade takes it for Ctrl-C; a guard's 4 is an alarm
        that it has told, such as a position that no bot watches any more.
        """
        start = time.monotonic()
        self.signal(signal.SIGTERM)
        assert self._process is not None
        grace = float(self._service["stop_grace_period"].rstrip("s"))
        status = self._process.wait(grace)
        self._process = None
        assert status in (0, 4, -signal.SIGTERM, 128 + signal.SIGINT), f"{status}\n{self.said()}"
        return time.monotonic() - start

    def wait(self, seconds: float) -> int:
        """Wait until the service ends by itself; return its status."""
        assert self._process is not None
        status = self._process.wait(seconds)
        self._process = None
        return status

    def close(self) -> None:
        """End it whatever it does."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def said(self) -> str:
        """The end of the service's log."""
        return self._log.read_text(errors="replace")[-3000:]

    def entered(self, command: Sequence[str]) -> list[str]:
        """The words that run a command in the service, given the environment `outside`."""
        told = self._image | {name: _filled(value) for name, value in self._service["environment"].items()}
        variables = [f"{name}={value}" for name, value in told.items()]
        return ["unshare", "--mount", "--propagation=private", "sh", "-c", ENTER, "sh", *variables, *command]

    @property
    def outside(self) -> dict[str, str]:
        """What the machine's own shell has to know to enter the service."""
        user, _, group = self._service["user"].partition(":")
        assert self._service["read_only"]
        assert self._service["cap_drop"] == ["ALL"]
        volumes = [volume.replace("./", f"{self._checkout}/", 1) for volume in self._service["volumes"]]
        return {
            "PATH": os.environ["PATH"],
            "FILES": str(self._files),
            "VOLUMES": " ".join(volumes),
            "USER_ID": user,
            "GROUP_ID": group,
            "FOLDER": self._service["working_dir"],
        }


def _filled(value: str) -> str:
    """What compose makes of ``${NAME:-default}``."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: os.environ.get(found[1]) or found[2], value)
