"""The `mm` command line and what it runs."""
