"""Everything that knows Freqtrade's objects."""
