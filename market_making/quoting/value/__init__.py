"""The Cartea–Jaimungal value function: stationary and finite-horizon solvers and the quote table."""
