"""What was measured of the peers comes out as strict JSON and as one table for each traffic."""

import dataclasses
import json
import math

from benchmarks.comparison.harness import Harness, Measurement, Plan
from benchmarks.load.runs import Run
from benchmarks.load.traffic import Traffic
from benchmarks.report import summary
from benchmarks.report.peer_tables import markdown
from tests.benchmarks.peer_kit import FakePeer

RUN = Run(1000.04, 1.5, 9.0, 0.1, 5.0, 40.0, 60.0, 900.0, 450.0)


def test_every_traffic_has_its_table_and_the_spread_holds_the_median() -> None:
    traffics = [Traffic(64), Traffic(64, pipeline=8), Traffic(16, batch=100)]
    plan = Plan(traffics, 1, 1, rounds=1, trial_seconds=0)
    peer = FakePeer()
    harness = Harness([peer], plan)
    for traffic in traffics:
        known = traffic.pipeline == 1
        run = RUN if known else dataclasses.replace(RUN, p50_ms=math.nan, p99_ms=math.nan)
        harness.measured.append(Measurement(peer.name, "only", traffic, 1, run))
    harness.failed["other"] = "it broke\nsomewhere"
    measured = summary.summarize(harness, [peer], plan, {"cores": "2"}, [90_000.0])
    assert json.loads(json.dumps(measured, allow_nan=False)) == measured
    rows = measured["peers"][0]["results"]
    assert all(row["rate_min"] <= row["rate"] <= row["rate_max"] for row in rows)
    text = markdown(measured)
    assert [text.count(f"**{traffic.name}**") for traffic in traffics] == [1, 1, 1]
    assert "| A dictionary | 1,000 | – / – | 40 + 60 + 5 | 900 | only |" in text
    assert "other is missing: it broke\n" in text
