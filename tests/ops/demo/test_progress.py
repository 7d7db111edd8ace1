"""What is said while the demo runs."""

import io

from rich.console import Console

from market_making.ops.demo.progress import PlainLines, progress_on


def test_without_a_terminal_every_stage_and_every_quarter_of_a_minute_has_a_line():
    """A log gets lines, not a picture of a bar; they are never cut."""
    out, now = io.StringIO(), [0.0]
    say = PlainLines(Console(file=out, width=20), lambda: now[0])
    for second, text, share in [
        (0, "starting", 0.0),
        (1, "starting", 0.0),
        (2, "trading: 0 fills", 0.0),
        (3, "trading: 1 fills", 0.1),
        (17, "trading: 2 fills", 0.5),
        (18, "winding down: the bot only closes what it holds", 1.0),
    ]:
        now[0] = second
        say(text, share)
    assert out.getvalue().splitlines() == [
        "   0 s  starting",
        "   2 s  trading: 0 fills",
        "  17 s  trading: 2 fills (50%)",
        "  18 s  winding down: the bot only closes what it holds",
    ]


def test_a_terminal_gets_a_bar():
    """With what is being done beside it."""
    out = io.StringIO()
    with progress_on(Console(file=out, force_terminal=True, width=80)) as say:
        say("trading", 0.5)
    assert "trading" in out.getvalue()
    assert "━" in out.getvalue()
