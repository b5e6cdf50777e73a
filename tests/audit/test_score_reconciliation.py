"""Reconciliation of behaviour records and scores after manual changes."""

import pytest

from tests.support.decision_history import DecisionHistory


def test_changed_behaviour_record_is_found(history: DecisionHistory) -> None:
    wrong = "its behaviour record does not say what the decision says"
    attempts = (
        ("UPDATE behaviour_records SET kind = 'LATE' WHERE id = {fulfilled}", wrong),
        ("UPDATE behaviour_records SET amount_minor = 1 WHERE id = {fulfilled}", wrong),
        ("UPDATE behaviour_records SET partner = 'friend' WHERE id = {fulfilled}", wrong),
        ("UPDATE behaviour_records SET contested_at = NULL WHERE id = {contested}", wrong),
        ("UPDATE behaviour_records SET counts_from = at WHERE id = {contested}", wrong),
        (
            "UPDATE behaviour_records SET user_id = (SELECT max(id) FROM users) WHERE id = {fulfilled}",
            "its behaviour record is of another person",
        ),
        ("UPDATE behaviour_records SET kind = 'GONE' WHERE id = {fulfilled}", "its behaviour record cannot be read"),
        ("DELETE FROM behaviour_records WHERE id = {contested}", "it has no behaviour record"),
        (
            "UPDATE behaviour_records SET id = {active}, reference = {active} WHERE id = {fulfilled}",
            "it has a behaviour record, but has not ended",
        ),
    )
    assert history.undetected(attempts) == []


def test_changed_present_score_is_found(history: DecisionHistory) -> None:
    wrong = "the present score is not the newest one in its history"
    changes = (
        "score = 950",
        "tier = 'EXCELLENT', score = 700",
        "has_document = NOT has_document",
        "held_until = as_of",
    )
    attempts = [(f"UPDATE person_scores SET {change} WHERE score = 420", wrong) for change in changes]
    assert history.undetected((*attempts, ("DELETE FROM score_snapshots", wrong))) == []


@pytest.mark.postgresql
def test_decision_that_ended_before_the_first_score_needs_no_behaviour_record(history: DecisionHistory) -> None:
    statements = (
        "DELETE FROM behaviour_records WHERE id = {fulfilled}",
        "DELETE FROM score_snapshots",
        "UPDATE person_scores SET as_of = NULL",
    )
    assert history.mismatches_after("; ".join(statements)) == []
