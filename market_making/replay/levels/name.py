"""How a strategy with all of its levels is named, on the command line and in results."""

ALL_LEVELS = "all-levels"


def full_name(strategy: str) -> str:
    """Name of a strategy with all of its levels."""
    return f"{strategy}:{ALL_LEVELS}"
