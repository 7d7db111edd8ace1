"""Many replays held against each other: makers compared, parameters searched, targets checked."""
