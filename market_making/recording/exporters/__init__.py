"""Recordings for other programs: each exporter turns the rows of a coin into files that those read."""
