from __future__ import annotations

from tests.explain.builder import found, quantized
from tests.report.builder import latency, results, row

RULE = "data_loading_hides"


def test_fires_where_reading_is_most_of_the_time() -> None:
    study = results(row(), quantized(), data_loading=latency("end_to_end", 1000, 60.0))
    (finding,) = found(RULE, study)
    assert (finding.weight, finding.rows) == ("note", ("float32 on torch",))
    assert [evidence.value for evidence in finding.evidence] == [60.0, 60.0, 100.0]


def test_does_not_fire_where_the_network_is_most_of_it_or_nothing_is_read() -> None:
    assert found(RULE, results(row(), data_loading=latency("end_to_end", 1000, 40.0))) == []
    assert found(RULE, results(row(), data_loading=None)) == []
