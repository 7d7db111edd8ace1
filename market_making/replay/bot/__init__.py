"""The bot in a replay: the live loop with the very same desk, planner, models and rules."""
