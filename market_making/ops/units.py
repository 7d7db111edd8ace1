"""Units of what a calibration estimates, by the names of the parameter file, as tables for people show them."""

UNITS = {
    "arrival_rate": "1/s",
    "fill_intensity": "1/s",
    "fill_decay": "1/price",
    "adverse_selection": "price",
    "adverse_selection_on_fill": "price",
    "adverse_selection_slope": "price per price",
    "volatility": "price/√s",
    "half_spread": "price",
    "tick": "price",
    "lot": "coins",
    "funding_rate": "1/s",
}
