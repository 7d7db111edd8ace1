"""One process per account and role, for as long as it lives and no longer."""

import subprocess
import sys

import pytest

from market_making.market.errors import SafetyError
from market_making.safety.account_lock import release_account, take_account

ADDRESS, OTHER = "0x" + "aB" * 20, "0x" + "cd" * 20
HOLDER = """
import sys
from pathlib import Path
from market_making.safety.account_lock import take_account
take_account(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of ADDRESS until its input ends."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path), ADDRESS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path, holder):
    """However the address is written; other accounts and roles are free; a killed holder leaves nothing behind."""
    with pytest.raises(SafetyError, match=rf"process {holder.pid}, started 20\d\d-.* UTC") as refused:
        take_account(tmp_path, ADDRESS.lower())
    assert ADDRESS.lower() not in str(refused.value).lower()
    release_account(take_account(tmp_path, OTHER))
    release_account(take_account(tmp_path, ADDRESS, "guard"))
    holder.kill()
    holder.wait()
    release_account(take_account(tmp_path, ADDRESS))


def test_the_holder_may_take_it_again(tmp_path):
    """As Freqtrade does with a new strategy after `/reload_config`; the file's name tells no address."""
    path = take_account(tmp_path / "new", ADDRESS)
    assert take_account(tmp_path / "new", ADDRESS) == path
    assert ADDRESS[2:].lower() not in path.name.lower()
    release_account(path)
