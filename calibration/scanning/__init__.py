"""What a scan of coins is made of: the candidates, what their quotes earn and how sure that is, the verdict."""

MINIMUM_PER_HOUR = 0.1
"""What a coin must earn to be recommended [quote currency/h]."""
