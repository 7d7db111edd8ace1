"""``python -m market_making.ops.demo.leash PARENT COMMAND…``: become a program that ends with the one that started it.

However the parent ends, even by SIGKILL, Linux then sends this program SIGTERM. Elsewhere only an orderly end does.
"""

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h; it survives the exec below


def main() -> None:
    """Tie this process to its parent, then replace it by the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before it could be asked for
            sys.exit(128 + signal.SIGTERM)
    os.execvp(command[0], command)  # noqa: S606 - the commands are our own, without a shell


if __name__ == "__main__":
    main()
