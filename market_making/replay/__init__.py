"""The bot itself over recorded ticks: tapes, engines, the loop, and what came of it."""
