"""Risk rules, circuit breakers and toxicity."""
