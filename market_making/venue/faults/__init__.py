"""What goes wrong: fault schedules as values, and the seeded decision what they strike."""
