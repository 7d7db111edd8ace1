"""The book of a coin: orders of clients in their queues, between the sizes of a market made by others."""
