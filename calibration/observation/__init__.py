"""The window of one coin: reading, reducing and keeping it current."""
