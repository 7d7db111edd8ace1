"""The budget of actions that an exchange grants an address."""
