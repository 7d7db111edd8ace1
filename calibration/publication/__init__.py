"""The parameter file, its history, and publishing both."""
