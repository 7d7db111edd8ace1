"""`mm demo`: the whole product on one machine, without a key or a network."""
