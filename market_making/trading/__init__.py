"""From a model's quotes to the one order that rests: the plan, what is held, checks, budget and journal."""
