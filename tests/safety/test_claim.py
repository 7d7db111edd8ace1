"""A folder that cannot be written, or that another program works on, is refused at the start, and the words help."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from market_making.market.errors import ConfigurationError
from market_making.safety.claim import claimed, require_writable


def test_a_folder_that_is_missing_is_made_and_left_empty(tmp_path):
    """The probe is no file that anybody has to know of."""
    require_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_of_another_user_is_refused_with_the_command_that_helps(folders):
    """The owner, the user of this program and the chown line are named; a parent is never given away."""
    (foreign, _), user = folders, os.geteuid()
    for folder in (foreign, foreign / "market data" / "x"):
        with pytest.raises(ConfigurationError) as refusal:
            require_writable(folder)
        text = str(refusal.value)
        place = folder if folder.exists() else next(path for path in folder.parents if path.exists())
        assert f"{folder} cannot be written (Permission denied): {place} belongs to root (user id 0)" in text
        assert f"(user id {user})" in text
        quoted = f"'{folder}'" if " " in str(folder) else str(folder)
        make = "" if folder.exists() else f"sudo mkdir -p {quoted} && "
        assert text.endswith(f"; run: {make}sudo chown -R {user}:{os.getegid()} {quoted}")


def test_an_own_folder_without_permission_needs_another_command(folders):
    """Giving it to its owner would change nothing."""
    _, own = folders
    own.chmod(0o500)
    try:
        with pytest.raises(ConfigurationError, match=rf"run: chmod u\+rwx {own}"):
            require_writable(own)
    finally:
        own.chmod(0o700)


@pytest.mark.parametrize("make", [lambda path: Path("/proc/nope"), lambda path: path / "file" / "below"])
def test_where_no_folder_can_be_no_command_is_told(make, tmp_path):
    """A folder below a file, or in a file system without files, is a wrong name."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written") as refusal:
        require_writable(make(tmp_path))
    assert "chown" not in str(refusal.value)


def test_a_full_disk_is_another_error(tmp_path, disk):
    """It is not the fault of whoever owns the folder, and a program may go on without it."""
    disk.fill()
    with pytest.raises(OSError, match="No space left"):
        require_writable(tmp_path)


def test_a_second_program_is_refused_with_the_first_ones_process_and_start(tmp_path):
    """Another process holds it until it ends, also by kill −9; then it is free again."""
    program = (
        "import sys, time; from pathlib import Path; from market_making.safety.claim import claimed\n"
        "with claimed(Path(sys.argv[1]), 'collector'): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            for _ in range(2):  # being refused changes nothing
                with (
                    pytest.raises(
                        ConfigurationError,
                        match=rf"another collector works on {tmp_path}: process {process.pid}, started 20\d\d-.* UTC",
                    ),
                    claimed(tmp_path, "collector"),
                ):
                    pass
            with claimed(tmp_path, "calibrator"):
                pass
        finally:
            process.kill()
            process.wait()
    for _ in range(2):
        with claimed(tmp_path, "collector"):
            pass


def test_a_claim_whose_holder_has_said_nothing_yet_is_a_claim(tmp_path):
    """Between taking the lock and writing into it there is a moment."""
    with claimed(tmp_path, "collector"):
        (tmp_path / ".collector.lock").write_text("")
        with pytest.raises(ConfigurationError, match="just started"), claimed(tmp_path, "collector"):
            pass
