"""`python -m market_making.settings` prints docs/settings.md."""

import sys

from market_making.settings.explanation import reference_page
from market_making.settings.settings import SECTION, Settings

sys.stdout.write(reference_page(Settings, SECTION))
