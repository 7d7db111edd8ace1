"""Prices are what they were: every variant, in every state a plan may meet, against prices recorded long ago."""

import json
from pathlib import Path

import pytest

from .price_cases import VARIANTS, cases

GOLDEN = json.loads((Path(__file__).parent / "golden_prices.json").read_text())


@pytest.mark.parametrize("name", VARIANTS)
def test_prices_are_what_they_were(name):
    """Side, price, size and the model's depth of the planned order, or that there is none."""
    recorded = GOLDEN[name]
    for number, (case, known) in enumerate(zip(cases(name, len(recorded)), recorded, strict=True)):
        order = case.planner.plan(case.holding, case.restraints).order
        if known is None:
            assert order is None, number
            continue
        assert order is not None, number
        assert (str(order.side), order.price, order.size) == tuple(known[:3]), number
        if not case.restraints.leaving:
            assert order.terms.model_depth == pytest.approx(known[3], rel=1e-9), number
