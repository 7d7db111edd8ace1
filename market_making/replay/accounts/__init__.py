"""What a replay earned and why: money that adds up, measures with intervals, and one page that shows it."""
