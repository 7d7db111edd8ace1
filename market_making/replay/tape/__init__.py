"""From the tick store to event arrays that a replay engine reads hour by hour."""
