"""What a demo tells about itself."""

import io
import shlex

from rich.console import Console

from market_making.ops.demo.run import Demo, DemoOptions
from market_making.ops.demo.schedule import Schedule
from market_making.ops.demo.summary import next_commands, show_places


def test_it_says_where_to_look_and_keeps_its_secrets(tmp_path):
    """Folders, the address of the bot's API and the file with its password; neither password nor key."""
    run = Demo(DemoOptions(Schedule(1), ("ETH",), root=tmp_path), lambda *_: None)
    out = io.StringIO()
    show_places(Console(file=out, width=40), run)
    for place in (run.files.logs, run.files.parameters, run.files.config, f"http://127.0.0.1:{run.api_port}/"):
        assert str(place) in out.getvalue()
    for secret in (run.credentials.password, run.credentials.private_key, run.credentials.private_key[2:]):
        assert secret not in out.getvalue()


def test_the_next_commands_name_the_files_of_this_run(tmp_path):
    """What they show is this run, not another one; as they are typed, also where a folder's name has a space in it."""
    run = Demo(DemoOptions(Schedule(1), ("SOL",), root=tmp_path / "my demos"), lambda *_: None)
    quotes, trades, collect = (shlex.split(command) for command in next_commands(run))
    assert quotes == ["mm", "quotes", "SOL", "--parameters", str(run.files.parameters)]
    assert trades == ["freqtrade", "show-trades", "--db-url", f"sqlite:///{run.files.database}"]
    assert collect == ["mm", "collect", "--coin", "SOL"]
