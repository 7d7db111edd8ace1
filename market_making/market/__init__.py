"""What a market is: sides, prices, sizes, units, errors, the venue's wire format and the tick store."""
