"""Sends notices out of the gateway: by mail, or to a hook of the operator."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gateway.domain.decisions.dispute import ContestWindow
from gateway.domain.notices.delivery import GIVE_UP_AFTER, NotSent, next_wait
from gateway.domain.notices.notice import Notice, NoticeKind
from gateway.kit.circuit_breaker import CircuitBreaker
from gateway.kit.clock import WallClock, WallTime
from gateway.kit.languages import LANGUAGES
from gateway.kit.logging import get_logger
from gateway.kit.outage import Outage, outage_log
from gateway.services.decisions.contest_windows import load_windows, start_window
from gateway.services.notices.inbox import NamedNotice
from gateway.services.notices.outward import Channel, Deferred, Letter, LetterWriter, Outward, Recipient, Refused
from gateway.store.database import Database
from gateway.store.identity.users import UserRow
from gateway.store.notices.sending import ClaimedNotice
from gateway.store.unit import UnitOfWork

BATCH = 500
"""The largest number of notices that one unit of work gives up."""

PAUSE = 30.0
"""How many seconds nothing is sent after the receiver could not be used, and up to half of that more."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A notice that this process sends now. `recipient` is None if it was given up. `contest_window` is that of the
    breach that it reports, None without one."""

    claimed: ClaimedNotice
    merchant_name: str = ""
    recipient: Recipient | None = None
    contest_window: ContestWindow | None = None


class NoticeSender:
    """Sends each notice until it is accepted, refused or given up. A notice is sent twice if the process ends between
    the acceptance and its record; both have the same id. `outward` is None if nothing is sent: then notices are given
    up when they would have been."""

    def __init__(
        self, database: Database, clock: WallClock, outward: Outward | None, breaker: CircuitBreaker | None = None
    ) -> None:
        self._database, self._clock, self._outward = database, clock, outward
        self._breaker = breaker or CircuitBreaker(1, PAUSE)

    @property
    def sends_mail(self) -> bool:
        """Whether notices are sent to the persons' email addresses."""
        return self._outward is not None and self._outward.needs_address

    @property
    def is_configured(self) -> bool:
        """Whether notices leave the gateway."""
        return self._outward is not None

    def send_due(self, write: LetterWriter, may_continue: Callable[[], bool] = lambda: True) -> int:
        """Sends the notices that are due, until there are no more or the receiver cannot be used. Asks `may_continue`
        before each, and stops if it is false. Returns how many were accepted. `write` returns their texts. Raises
        Outage."""
        self._give_up_expired(may_continue)
        if self._outward is None or not self._has_due(self._clock()):
            return 0
        attempt = self._breaker.begin_attempt()
        if attempt is None:
            return 0
        accepted = 0
        try:
            with self._outward.connect() as channel:
                while may_continue() and (claimed := self._database.write(self._claim)) is not None:
                    accepted += self._send(channel, claimed, write)
        except Deferred as deferred:
            self._breaker.fail(attempt)
            outage_log.report(Outage(self._outward.name, deferred.code, str(deferred)), "notices")
        except BaseException:
            self._breaker.abandon(attempt)
            raise
        else:
            self._breaker.succeed(attempt)
        return accepted

    def _send(self, channel: Channel, claimed: _Claimed, write: LetterWriter) -> bool:
        """Whether the notice was accepted. Raises Deferred if the receiver cannot be used."""
        notice, recipient = claimed.claimed.notice, claimed.recipient
        if recipient is None:
            return False
        text = write(NamedNotice(notice, claimed.merchant_name, claimed.contest_window), recipient.language)
        try:
            channel.send(Letter(notice, claimed.merchant_name, recipient, text))
        except Refused as refused:
            _log.warning("notice_refused", notice=notice.id, code=refused.code)
            self._database.write(lambda unit: unit.sent_notices.give_up(claimed.claimed, NotSent.REFUSED))
            return False
        except Deferred as deferred:
            at = WallTime(self._clock() + next_wait(claimed.claimed.attempt))
            self._database.write(lambda unit: unit.sent_notices.retry(claimed.claimed, at))
            if deferred.is_receiver:
                raise
            _log.info("notice_deferred", notice=notice.id, code=deferred.code)
            return False
        return self._database.write(partial(_accept, claimed=claimed.claimed))

    def _claim(self, unit: UnitOfWork) -> _Claimed | None:
        claimed = unit.sent_notices.claim()
        if claimed is None:
            return None
        notice = claimed.notice
        user, preferences = unit.users.load(notice.user_id), unit.notice_preferences.load(notice.user_id)
        reason = self._reason_against(notice, user, unit.wall)
        if reason is None and not preferences.sends(notice.kind):
            reason = NotSent.OPTED_OUT
        if reason is not None or user is None:
            unit.sent_notices.give_up(claimed, reason or NotSent.NO_ADDRESS)
            return _Claimed(claimed)
        merchants = unit.load_counterparts([notice.merchant_id] if notice.merchant_id is not None else [])
        language = preferences.language or user.language or LANGUAGES[0]
        return _Claimed(
            claimed,
            merchants[notice.merchant_id].name if notice.merchant_id is not None else "",
            Recipient(user.id, user.external_id, user.email, language),
            load_windows(unit, [notice]).get(notice.id),
        )

    def _reason_against(self, notice: Notice, user: UserRow | None, now: WallTime) -> NotSent | None:
        if now >= notice.created_at + GIVE_UP_AFTER:
            return NotSent.EXPIRED
        if user is None or (user.email is None and self.sends_mail):
            return NotSent.NO_ADDRESS
        return NotSent.DISABLED if user.disabled_at is not None else None

    def _has_due(self, at: WallTime) -> bool:
        return self._database.read(lambda unit: unit.sent_notices.has_due(at))

    def _give_up_expired(self, may_continue: Callable[[], bool]) -> None:
        before = WallTime(self._clock() - GIVE_UP_AFTER)
        while may_continue() and self._has_due(before):
            self._database.write(lambda unit: unit.sent_notices.expire(before, BATCH))


def _accept(unit: UnitOfWork, claimed: ClaimedNotice) -> bool:
    if claimed.notice.kind is NoticeKind.BREACH_REPORTED:
        start_window(unit, claimed.notice)
    return unit.sent_notices.accept(claimed)
