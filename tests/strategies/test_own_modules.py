"""The strategies among other files: a user's own modules beside them, and how much of the product they name."""

import ast
import shutil
import subprocess
import sys

from tests.live_bot import ROOT

STRATEGIES = ROOT / "user_data" / "strategies"
PACKAGES = ("market_making", "calibration")


def test_a_user_may_have_modules_of_any_name_beside_the_strategies(tmp_path):
    """All nine load though the folder holds a trading.py, market.py and ops.py that are somebody else's."""
    folder = tmp_path / "strategies"
    shutil.copytree(STRATEGIES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("trading", "market", "ops", "quoting", "settings", "safety"):
        (folder / f"{name}.py").write_text("MINE = True\n")
    command = [sys.executable, "-m", "freqtrade", "list-strategies", "--one-column", "--strategy-path", str(folder)]
    command += ["--userdir", str(ROOT / "user_data"), "--config", str(ROOT / "user_data" / "config.json")]
    listed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True).stdout
    assert {path.stem for path in STRATEGIES.glob("*.py")} <= set(listed.split())


def test_the_strategy_stays_a_set_of_hooks():
    """No more than 240 lines, and at most 30 names of our own: what it does is done in the packages."""
    text = (STRATEGIES / "MarketMaking.py").read_text()
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    own = [name for node in imports if node.module.split(".")[0] in PACKAGES for name in node.names]
    assert len(text.splitlines()) <= 240
    assert len(own) <= 30
