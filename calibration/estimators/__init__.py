"""Estimators, one file a parameter: arrays in, a frozen result with its confidence interval out."""
