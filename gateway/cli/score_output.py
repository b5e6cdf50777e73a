"""How the commands `gateway scores` print a score and its records."""

from collections.abc import Sequence

from gateway.cli.output import Columns, Record
from gateway.domain.money import Money
from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.reasons import describe_reason
from gateway.store.scoring.records import BehaviourRecordRow
from gateway.store.scoring.scores import PersonScoreRow


def describe_score(row: PersonScoreRow, records: Sequence[BehaviourRecordRow], *, listed: bool) -> Record:
    """Returns the score with the number of its records, or the records themselves if `listed`."""
    return {
        "user_id": row.user_id,
        "score": row.score,
        "tier": row.tier,
        "held_until": row.held_until,
        "as_of": row.as_of,
        "due_at": row.due_at,
        "card": row.card,
        "card_hash": row.card_hash,
        "dimension_points": row.dimension_points,
        "reasons": [{"code": code, "points": points} for code, points in row.reasons],
        "open_overdue": row.open_overdue,
        "has_document": row.has_document,
        "cause": row.cause,
        "records": [describe_record(record) for record in records] if listed else len(records),
    }


def describe_record(row: BehaviourRecordRow) -> Record:
    """Returns a record with the names of columns in an imported file."""
    has_amount = row.amount_minor is not None and row.currency is not None
    return {
        "source": row.source,
        "id": row.reference,
        "dimension": row.dimension,
        "kind": row.kind,
        "partner": row.partner,
        "amount": Money(row.amount_minor or 0, row.currency or "") if has_amount else None,
        "months": row.months,
        "at": row.at,
        "counts_from": row.counts_from,
        "ended_at": row.ended_at,
        "contested_at": row.contested_at,
        "claimed_at": row.claimed_at,
        "import_id": row.import_id,
    }


def score_columns(cards: CardVersions) -> Columns:
    """Returns the headings of a score. Reasons are printed with their sentences, if the card has them."""

    def sentence(reason: Record, version: str) -> str:
        card = cards.of_version(version)
        try:
            text = describe_reason(card, reason["code"])[0].text() if card else ""
        except KeyError:  # the file of the card has been changed
            text = ""
        return f"{reason['code']} ({reason['points']}) {text}".rstrip()

    return {
        "person": "user_id",
        "score": lambda each: "none" if each["score"] is None else each["score"],
        "tier": "tier",
        "held until": "held_until",
        "computed as of": "as_of",
        "due": "due_at",
        "card": lambda each: f"{each['card']} ({each['card_hash'][:12]})",
        "cause": "cause",
        "points": lambda each: "\n".join(f"{name} {points}" for name, points in each["dimension_points"].items()),
        "reasons": lambda each: "\n".join(sentence(reason, each["card"]) for reason in each["reasons"]),
        "open overdue": "open_overdue",
        "verified document": "has_document",
        "records": lambda each: len(each["records"]) if isinstance(each["records"], list) else each["records"],
    }
