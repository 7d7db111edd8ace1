"""Pure mathematics of a quote: models, inventory, risk. Numbers in, numbers out."""
