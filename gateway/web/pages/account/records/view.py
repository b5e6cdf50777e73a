"""The view of a behaviour record: what it says, who reported it, whether it counts, and the disputes about it."""

from dataclasses import dataclass

from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind
from gateway.domain.scoring.record_dispute import REOPENING_TIME, RecordDispute, RecordDisputeStatus
from gateway.domain.scoring.record_state import RecordState
from gateway.services.scoring.person_records import PersonRecord
from gateway.web.site.redirects import ACCOUNT
from gateway.web.texts import Texts, msgid

RECORDS = f"{ACCOUNT}/records"
_KINDS = {
    RecordKind.KEPT: msgid("You kept this in time."),
    RecordKind.KEPT_WITH_DEPOSIT: msgid("You kept this in time, and had paid a deposit."),
    RecordKind.LATE: msgid("You settled this late."),
    RecordKind.BROKEN: msgid("You did not keep this."),
    RecordKind.OVERDUE: msgid("This is overdue."),
    RecordKind.MONTHS: msgid("%(months)s of 12 months."),
    RecordKind.PHONE: msgid("Your phone number was verified."),
    RecordKind.DOCUMENT: msgid("An identity document of yours was verified."),
    RecordKind.LIVENESS: msgid("Your identity was verified with a live picture."),
}
_MONTHS = {
    Dimension.SHOPPING: msgid("%(months)s of 12 months with a paid order."),
    Dimension.FINANCIAL_CAPACITY: msgid("%(months)s of 12 months with all bills covered."),
}
_CLAIMED = msgid("You said that you kept this, and the merchant did not contradict you.")
_STATES = {
    RecordState.COUNTS: msgid("It counts for your score."),
    RecordState.NOT_YET: msgid("It does not count before %(date)s."),
    RecordState.CONTESTED: msgid("It is disputed, and does not count for now."),
    RecordState.REMOVED: msgid("Your dispute was upheld. It does not count any more."),
    RecordState.FADED: msgid("It is too old to count."),
    RecordState.NOT_SHARED: msgid("It does not count, because you do not share this."),
    RecordState.IGNORED: msgid("It does not count, because too many disputes about this partner were upheld."),
}
_OVERDUE_COUNTS = msgid("It does not change your score, but merchants can decline your requests because of it.")
_DISPUTES = {
    RecordDisputeStatus.AWAITING_SOURCE: msgid(
        "You disputed this. It does not count until the source has answered. If it does not answer by %(date)s, your"
        " dispute is upheld."
    ),
    RecordDisputeStatus.UPHELD: msgid("Your dispute was upheld."),
    RecordDisputeStatus.REJECTED: msgid("Your dispute was rejected, so this counts. Your statement is kept with it."),
    RecordDisputeStatus.WITHDRAWN: msgid("You withdrew your dispute."),
}
_WITHDRAWAL = msgid(
    "If you withdraw your dispute, this counts again at once. You can dispute it again after %(days)s, with a new"
    " statement."
)
_SUSPENDED = msgid("It will not count against you until the dispute has ended.")
_ASSESSMENT = msgid("It will not count until the dispute has ended. Your score can be lower for that time.")


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record. `source` is who delivered it, `state` whether it counts, `again` from when on it can be disputed
    again. `address` is its page: that of the agreement for a decision of this service. `contest_address` and
    `withdraw_address` are the actions of its forms; `hint` and `withdrawal` say what happens then. Each of these is ""
    if it does not apply."""

    partner: str
    sentence: str
    amount: str
    date: str
    source: str
    state: str
    is_bad: bool
    is_own: bool
    address: str
    contest_address: str
    hint: str
    again: str
    withdraw_address: str
    withdrawal: str
    has_disputes: bool


@dataclass(frozen=True, slots=True)
class RecordDisputeView:
    """One dispute: what the person and the operator wrote, "" if nothing or if it cannot be read any more."""

    sentence: str
    date: str
    statement: str
    resolution: str


def describe_record(texts: Texts, person_record: PersonRecord) -> RecordView:
    """The view of the record in the person's language."""
    listed, record, dispute = person_record.listed, person_record.listed.record, person_record.open_dispute
    again = person_record.contestable_from
    address = f"{ACCOUNT}/decisions/{listed.reference}" if listed.is_own else f"{RECORDS}/{record.id}"
    return RecordView(
        partner=person_record.merchant_name or record.partner,
        sentence=describe_kind(texts, record),
        amount=texts.money(record.amount) if record.amount is not None else "",
        date=texts.date(record.at),
        source="" if listed.is_own else listed.source,
        state=_describe_state(texts, person_record),
        is_bad=person_record.state is RecordState.COUNTS
        and record.kind in (RecordKind.LATE, RecordKind.BROKEN, RecordKind.OVERDUE),
        is_own=listed.is_own,
        address=address,
        contest_address=f"{RECORDS}/{record.id}/contest" if person_record.can_contest else "",
        hint=texts.gettext(_ASSESSMENT if record.kind is RecordKind.MONTHS else _SUSPENDED),
        again=texts.date(again) if again is not None else "",
        withdraw_address=f"{ACCOUNT}/record-disputes/{dispute.id}/withdraw" if dispute is not None else "",
        withdrawal=texts.gettext(_WITHDRAWAL, days=texts.length(REOPENING_TIME)) if dispute is not None else "",
        has_disputes=bool(person_record.disputes),
    )


def describe_record_dispute(texts: Texts, dispute: RecordDispute) -> RecordDisputeView:
    """The view of the dispute in the person's language."""
    return RecordDisputeView(
        sentence=_describe_dispute(texts, dispute),
        date=texts.date(dispute.opened_at),
        statement=dispute.statement,
        resolution=dispute.resolution or "",
    )


def describe_kind(texts: Texts, record: BehaviourRecord) -> str:
    """A sentence about what the record says."""
    if record.kind is RecordKind.MONTHS:
        sentence = _MONTHS.get(record.dimension, _KINDS[RecordKind.MONTHS])
        return texts.gettext(sentence, months=record.months or 0)
    if record.claimed_at is not None:
        return texts.gettext(_CLAIMED)
    return texts.gettext(_KINDS[record.kind])


def _describe_state(texts: Texts, person_record: PersonRecord) -> str:
    record, state, dispute = person_record.listed.record, person_record.state, person_record.open_dispute
    if state is RecordState.CONTESTED and dispute is not None:
        return _describe_dispute(texts, dispute)
    if state is RecordState.NOT_YET:
        return texts.gettext(_STATES[state], date=texts.date(record.counts_from or record.at))
    if state is RecordState.COUNTS and record.kind is RecordKind.OVERDUE:
        return texts.gettext(_OVERDUE_COUNTS)
    return texts.gettext(_STATES[state])


def _describe_dispute(texts: Texts, dispute: RecordDispute) -> str:
    return texts.gettext(_DISPUTES[dispute.status], date=texts.date(dispute.respond_by))
