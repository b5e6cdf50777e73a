"""The inbox: a person's notices with the names of the merchants, and what of them is sent to the person."""

from dataclasses import dataclass, replace

from gateway.domain.decisions.dispute import ContestWindow
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.identity.person import parse_language
from gateway.domain.notices.delivery import ALWAYS_SENT, Preferences
from gateway.domain.notices.notice import Notice
from gateway.services.decisions.contest_windows import load_windows
from gateway.store.unit import UnitOfWork

LISTED = 20
"""The number of notices on one page."""

MOST_COUNTED = 100
"""Unread notices are counted up to this number."""


@dataclass(frozen=True, slots=True)
class NamedNotice:
    """A notice. `merchant_name` is "" if it is about no merchant. `contest_window` is that of the breach that it
    reports, None if it reports none, or one that was contested, cured or void since."""

    notice: Notice
    merchant_name: str
    contest_window: ContestWindow | None = None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of a person's notices, newest first. `next` is the id after which the next page begins, None if this is
    the last page."""

    notices: tuple[NamedNotice, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class SendingChoice:
    """What a person wants to get outside of the inbox. `email` is the person's address, None if there is none."""

    preferences: Preferences
    email: str | None


class InboxService:
    """Reads a person's notices, marks them as read, and keeps what the person wants to get, in the caller's unit of
    work."""

    def list_page(self, unit: UnitOfWork, user_id: str, after: str | None = None) -> InboxPage:
        """LISTED notices of the person, newest first, from the one after `after`."""
        notices = unit.notices.list_page(user_id, LISTED + 1, before=after)
        merchants = unit.load_counterparts({each.merchant_id for each in notices if each.merchant_id is not None})
        windows = load_windows(unit, notices[:LISTED])
        named = tuple(
            NamedNotice(
                each, merchants[each.merchant_id].name if each.merchant_id is not None else "", windows.get(each.id)
            )
            for each in notices[:LISTED]
        )
        return InboxPage(named, notices[LISTED - 1].id if len(notices) > LISTED else None)

    def count_unread(self, unit: UnitOfWork, user_id: str) -> int:
        """The number of unread notices of the person, at most MOST_COUNTED."""
        return unit.notices.count_unread(user_id, MOST_COUNTED)

    def mark_read(self, unit: UnitOfWork, user_id: str, notice_id: str | None = None) -> None:
        """Marks one notice of the person as read, or all. Ignores an unknown id."""
        unit.notices.mark_read(user_id, notice_id)

    def load_choice(self, unit: UnitOfWork, user_id: str) -> SendingChoice:
        """What the person wants to get outside of the inbox. Raises NotFound for an unknown person."""
        user = unit.users.load(user_id)
        if user is None:
            raise NotFound("The account does not exist.")
        preferences = unit.notice_preferences.load(user_id)
        return SendingChoice(replace(preferences, language=preferences.language or user.language), user.email)

    def save_preferences(self, unit: UnitOfWork, user_id: str, preferences: Preferences) -> None:
        """Keeps what the person wants to get. Raises InvalidInput for a kind that cannot be switched off, and for an
        unknown language."""
        if preferences.not_sent & ALWAYS_SENT:
            raise InvalidInput("INVALID", "This kind of notice is always sent.")
        if preferences.language is not None:
            parse_language(preferences.language)
        unit.notice_preferences.save(user_id, preferences)
