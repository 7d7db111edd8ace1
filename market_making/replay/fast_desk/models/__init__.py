"""What each model that the fast desk knows wants on both sides."""
