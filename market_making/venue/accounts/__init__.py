"""The money: what an account owns, owes, may still do, and has done."""
