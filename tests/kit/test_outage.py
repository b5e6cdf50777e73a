"""The log of outages: one line for many equal outages."""

from structlog.testing import capture_logs

from gateway.kit.outage import Outage, OutageLog


def test_h5_equal_outages_are_logged_once_every_ten_seconds_with_their_number() -> None:
    now = [100.0]
    log = OutageLog(lambda: now[0])
    with capture_logs() as lines:
        for _ in range(2000):
            log.report(Outage("database", "53300", "too many"), "/graphql")
        log.report(Outage("database", "08006", "lost"), "/graphql")
        log.report(Outage("database", "53300", "too many"), "/login")
        now[0] += 10
        log.report(Outage("database", "53300", "too many"), "/graphql", request_id="req_1")
    assert [(line["cause"], line["path"], line["repeated"]) for line in lines] == [
        ("53300", "/graphql", 0),
        ("08006", "/graphql", 0),
        ("53300", "/login", 0),
        ("53300", "/graphql", 1999),
    ]
    assert lines[-1]["request_id"] == "req_1"


def test_h5_memory_of_the_log_is_bounded() -> None:
    log = OutageLog()
    with capture_logs():
        for number in range(1000):
            log.report(Outage("database", "53300", "too many"), f"/path/{number}")
    assert len(log._logged) <= 256
