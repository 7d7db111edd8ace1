"""The `mm` command: one group, one file a command, one place where an error becomes an exit status.

Exit status: 0 done; 2 wrong use or configuration; 3 not enough or no data; 4 a safety check refused; 1 anything else.
"""

import errno
import logging
from typing import Any

import click

from market_making.market.errors import ConfigurationError, DataError, MarketMakingError, ParameterError, SafetyError
from market_making.ops.catalogue import ENTRIES, Catalogue

# What the user named cannot be used: a folder below a file, a place without permission, a port that is taken.
_NAMED_WRONGLY = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EADDRINUSE,
    errno.EADDRNOTAVAIL, errno.ENAMETOOLONG, errno.ELOOP,
}  # fmt: skip


def exit_status(error: MarketMakingError | OSError) -> int:
    """Exit status that tells a script what kind of error it was."""
    if isinstance(error, OSError):
        return 2 if error.errno in _NAMED_WRONGLY else 1
    if isinstance(error, ConfigurationError):
        return 2
    if isinstance(error, DataError | ParameterError):
        return 3
    return 4 if isinstance(error, SafetyError) else 1


class Commands(click.Group):
    """Commands whose errors end in one line on standard error and an exit status of their own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = Catalogue()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List every command with one sentence, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in ENTRIES.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read our output has gone: click ends quietly
        except (MarketMakingError, OSError) as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            ctx.exit(exit_status(error))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Log every detail, not only what matters.")
@click.version_option(package_name="freqtrade-market-making")
def main(*, verbose: bool) -> None:
    """Make a market on Hyperliquid with Freqtrade: record, calibrate, quote, try it all on a local exchange."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    logging.getLogger("numexpr").setLevel(logging.WARNING)
