"""Elimination of a − J, where J is the generator of a birth–death process, for many processes at once.

J moves inventory i + 1 → i at `down[i]` and i → i + 1 at `up[i]`. Diagonals are never formed: each pivot is kept as
the excess of its row sum plus the rate upwards, so that only positive numbers are added and nothing cancels, however
far apart the rates are. Source of the idea: Grassmann, Taksar, Heyman (1985).
"""

from typing import NamedTuple

import numpy as np

from market_making.market.tape import FloatArray


class Elimination(NamedTuple):
    """Factors of a − J: multipliers (N − 1, C), rates upwards (N − 1, C), inverse pivots (N, C)."""

    multiplier: FloatArray
    up: FloatArray
    inverse_pivot: FloatArray

    @classmethod
    def of(cls, shift: FloatArray, down: FloatArray, up: FloatArray) -> "Elimination":
        """Factorise for a positive `shift` a of shape (C,) and rates of shape (N − 1, C)."""
        last = len(down)
        multiplier = np.empty_like(down)
        inverse_pivot = np.empty((last + 1, down.shape[1]))
        excess = np.broadcast_to(shift, down.shape[1:])
        for row in range(last):
            inverse = np.divide(1.0, excess + up[row], out=inverse_pivot[row])
            factor = np.multiply(down[row], inverse, out=multiplier[row])
            excess = shift + factor * excess
        np.divide(1.0, excess, out=inverse_pivot[last])
        return cls(multiplier, up, inverse_pivot)

    def solve(self, right: FloatArray) -> FloatArray:
        """Solution x of (a − J) x = right, shape (N, C)."""
        x = right.copy()
        for row, factor in enumerate(self.multiplier):
            x[row + 1] += factor * x[row]
        x[-1] *= self.inverse_pivot[-1]
        for row in range(len(self.up) - 1, -1, -1):
            x[row] += self.up[row] * x[row + 1]
            x[row] *= self.inverse_pivot[row]
        return x
