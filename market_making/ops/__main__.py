"""`python -m market_making.ops` is `mm`."""

from market_making.ops.command_line import main

main()
