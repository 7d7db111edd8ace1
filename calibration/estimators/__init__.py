"""Estimators of the model's parameters: arrays in, a frozen result with its uncertainty out."""
