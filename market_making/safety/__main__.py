"""`python -m market_making.safety` prints docs/troubleshooting.md."""

import sys

from market_making.safety.troubleshooting import page

sys.stdout.write(page())
