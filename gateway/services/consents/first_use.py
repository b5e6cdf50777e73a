"""The first use of a consent: the merchant gets an event, and the person a notice."""

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.clock import BusinessTime
from gateway.kit.ids import Ids
from gateway.store.outbox import message_of_first_use
from gateway.store.unit import UnitOfWork


class FirstUses:
    """Records when consents are used for the first time."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def record(self, unit: UnitOfWork, consent_id: str, at: BusinessTime) -> None:
        """Records that the merchant used the consent at `at`, with the message to the merchant and the notice to the
        person. Does nothing if it was used before. Locks the consent: before other rows, as everywhere.

        There is no message if the consent has ended since the token was checked: nothing about it follows its end, so
        that a receiver does not store again what it has deleted.
        """
        consent = unit.consents.note_first_use(consent_id, at)
        if consent is None:
            return
        if consent.status(unit.business_time(consent.merchant_id)) is ConsentStatus.ACTIVE:
            unit.outbox.add(message_of_first_use(self._ids.new("msg"), consent, at, unit.wall))
        unit.notices.add(
            consent.user_id,
            NoticeKind.CONSENT_FIRST_USED,
            merchant_id=consent.merchant_id,
            subject_id=consent.id,
            business_at=at,
        )
