"""Prometheus gets every number of the state files, and every condition of the table of notices is an alert."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from market_making.dashboard.alerts import JOB, alert_name, alert_rules
from market_making.dashboard.metrics import FAMILIES, exposition, families_in
from market_making.market.clock import now_ms
from market_making.market.reasons import Reason
from market_making.safety.condition import Severity
from market_making.safety.kill_switch import Kill
from market_making.safety.notices import CONDITIONS
from market_making.safety.overview import overview
from market_making.safety.state_file import ActiveNotice, CoinState, MarkoutState, write_state
from tests.dashboard.written import PAIR, bot_state, pair_state, sidecar, write_all
from tests.prometheus_server import INSTALLED, Prometheus, alerts_of

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana/dashboards/market-making.json").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
NOW_MS = 1_795_700_000_000
NOTICE = ActiveNotice("actions_low", "alarm", NOW_MS, "12 are left", "wait", PAIR)
RULES = [condition.name for condition in CONDITIONS if condition.severity is not Severity.INFO]
promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@pytest.fixture
def text():
    """What is scraped of a system in which there is something of everything."""
    recorder = sidecar("collector", NOW_MS)
    recorder = type(recorder)(**(vars(recorder) | {"coins": (CoinState("ETH", age_ms=1_500),)}))
    idle = pair_state("BTC", NOW_MS, quoting=False, resting=None, reason=Reason.TOXIC_FLOW)
    bot = bot_state(NOW_MS, (pair_state("ETH", NOW_MS), idle), notices=(NOTICE,))
    return exposition(overview([recorder, bot], "hyperliquid", NOW_MS + 2_000, Kill(NOW_MS))).decode()


def test_every_family_has_a_value_and_can_be_read(text):
    """By a parser that is not ours."""
    read = {family.name: family for family in text_string_to_metric_families(text)}
    assert set(read) == set(FAMILIES) == set(families_in(text))
    values = {tuple(sample.labels.values()): sample.value for sample in read["mm_day_result"].samples}
    assert values["bot", "ETH", "net"] == 0.1
    assert read["mm_program_age_seconds"].samples[0].value == 2.0
    assert {sample.labels["notice"] for sample in read["mm_notice"].samples} == {"actions_low"}


def test_terms_sum_to_the_distance(text):
    """In the units in which they are drawn."""
    read = {family.name: family for family in text_string_to_metric_families(text)}
    terms = [
        s.value for s in read["mm_depth_term_bps"].samples if (s.labels["coin"], s.labels["side"]) == ("ETH", "bid")
    ]
    (depth,) = (s.value for s in read["mm_depth_bps"].samples if (s.labels["coin"], s.labels["side"]) == ("ETH", "bid"))
    assert sum(terms) == pytest.approx(depth, abs=1e-9)


def test_what_is_not_known_is_left_out():
    """A missing number is never 0."""
    pair = pair_state("ETH", NOW_MS, mid=None, resting=None, markouts=(MarkoutState(60.0, 0.0, None, None, 0),))
    text = exposition(overview([bot_state(NOW_MS, (pair,))], "hyperliquid", NOW_MS)).decode()
    unknown = {"mm_mid", "mm_resting_price", "mm_depth_bps", "mm_depth_term_bps", "mm_notice", "mm_markout_bps"}
    assert not families_in(text) & unknown


def test_the_rules_are_those_that_the_table_makes():
    """Whoever adds a condition makes the file again."""
    assert (MONITORING / "alerts.yml").read_text() == alert_rules()
    printed = subprocess.run([sys.executable, "-m", "market_making.dashboard.alerts"], capture_output=True, check=True)
    assert printed.stdout.decode() == alert_rules()


@promtool
def test_every_rule_fires_by_its_notice_and_clears(tmp_path):
    """In Prometheus' own test of rules: silent before, firing while the notice holds, silent after."""
    (tmp_path / "alerts.yml").write_text(alert_rules())
    tests = [_rule_test(name) for name in dict.fromkeys(RULES)] + [_scrape_test()]
    document = {"rule_files": ["alerts.yml"], "evaluation_interval": "5s", "tests": tests}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(document))
    ended = subprocess.run(
        ["promtool", "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def _rule_test(name):
    labels = {"source": "bot", "pair": PAIR, "severity": "warning"}
    series = "mm_notice{" + ",".join(f'{key}="{value}"' for key, value in ({"notice": name} | labels).items()) + "}"
    checks = [
        {
            "eval_time": at,
            "alertname": alert_name(name),
            "exp_alerts": [{"exp_labels": labels, "exp_annotations": _said(name)}] if fires else [],
        }
        for at, fires in (("10s", False), ("50s", True), ("3m", False))
    ]
    return {
        "interval": "5s",
        "input_series": [{"series": series, "values": "_x4 1x12 stale"}],
        "alert_rule_test": checks,
    }


def _said(name):
    rules = {rule["alert"]: rule for rule in yaml.safe_load(alert_rules())["groups"][0]["rules"]}
    texts = rules[alert_name(name)]["annotations"].items()
    return {key: text.replace("{{ $labels.source }}", "bot").replace("{{ $labels.pair }}", PAIR) for key, text in texts}


def _scrape_test():
    up = {"series": f'up{{job="{JOB}"}}', "values": "1x24 0x48"}
    checks = [{"eval_time": "1m", "alertname": "NothingIsScraped"}]
    return {"interval": "5s", "input_series": [up], "alert_rule_test": checks}


def test_every_picture_draws_numbers_that_exist_and_says_what_to_see():
    """Each panel has a unit and a sentence."""
    for expression in EXPRESSIONS:
        assert set(re.findall(r"mm_\w+", expression)) <= set(FAMILIES), expression
    for panel in DASHBOARD["panels"]:
        assert panel["description"].endswith((".", "]."))
        assert panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED, reason="Prometheus is not installed")
def test_prometheus_scrapes_the_page_and_every_alert_fires_and_clears(tmp_path):
    """The real server, with our configuration but for ports and pace; a bot writes each condition into its state."""
    settings = write_all(tmp_path, now_ms())
    notices = [ActiveNotice(name, "warning", now_ms(), "said", "do", PAIR) for name in dict.fromkeys(RULES)]

    def firing(notices):
        write_state(settings.state, "bot", bot_state(now_ms(), (pair_state("ETH", now_ms()),), notices=tuple(notices)))
        return prometheus.firing()

    with Prometheus(settings) as prometheus:
        prometheus.until(lambda: bool(prometheus.asked("query", query="mm_mid").get("result")), "a number", 40.0)
        for expression in EXPRESSIONS:
            assert prometheus.asked("format_query", query=expression)
        every = alerts_of(*RULES)
        prometheus.until(lambda: firing(notices) >= every, "every alert", 40.0)
        prometheus.until(lambda: not firing(()) & every, "the end of all")
