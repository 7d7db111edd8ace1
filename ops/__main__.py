"""`python -m ops` is `mm`."""

from ops.command_line import main

main()
