"""A ccxt client that answers what a test says, counted."""

import ccxt


class Client:
    """Only what the edge touches: `request`, answering from `answers` by kind; an exception there is raised."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def request(self, path, api="public", method="GET", params=None, config=None):
        """Answer as the test says."""
        self.body = params["action"] if path == "exchange" else params
        kind = self.body["type"]
        self.asked.append(kind)
        answer = self.answers.get(kind, {})
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def ask(self, kind, **more):
        """Ask as ccxt's implicit methods do."""
        return self.request("info", "public", "POST", {"type": kind, **more}, config={"cost": 10})

    def act(self, kind="order", **more):
        """Send an action."""
        return self.request("exchange", "private", "POST", {"action": {"type": kind, **more}, "nonce": 1}, config={})


TOO_MANY = ccxt.RateLimitExceeded("hyperliquid POST 429 Too Many Requests")
