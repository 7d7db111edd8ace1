"""Where prices and trades come from: a simulation with known truth or a recording, behind one `Source`."""
