"""What a scan of coins is made of: the candidates, what their quotes earn and how sure that is, the verdict."""
