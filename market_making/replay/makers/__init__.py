"""Makers with any number of orders a side: one loop and one way over the tapes for all of them."""
