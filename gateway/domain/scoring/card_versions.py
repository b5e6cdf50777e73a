"""The versions of the scorecard. Each is in force from its effective date until that of the next version."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import pairwise

from gateway.domain.errors import Misconfigured
from gateway.domain.scoring.card import Scorecard
from gateway.kit.clock import BusinessTime


class CardVersions:
    """One or more versions of a card, oldest first. They have the same name, but neither the same version nor the same
    effective date. Raises Misconfigured with the source otherwise."""

    def __init__(self, cards: Iterable[Scorecard]) -> None:
        self._cards = tuple(sorted(cards, key=lambda card: card.effective))
        if not self._cards:
            raise Misconfigured("a scorecard needs at least one version")
        for previous, card in pairwise(self._cards):
            if card.name != previous.name:
                raise card.error(f"is another card than {previous.source}: all versions must have the same name")
            if card.effective == previous.effective:
                raise card.error(f"has the same effective date {card.effective} as {previous.source}")
        sources = dict[str, str]()
        for card in self._cards:
            if card.version in sources:
                raise card.error(f"has the same version {card.version} as {sources[card.version]}")
            sources[card.version] = card.source

    def __iter__(self) -> Iterator[Scorecard]:
        return iter(self._cards)

    def at(self, now: datetime) -> Scorecard:
        """Returns the version in force at `now`: the newest whose effective date, from midnight UTC, has come. Before
        the first effective date, returns the first version."""
        if len(self._cards) == 1:  # each read of a score asks for it
            return self._cards[0]
        day = now.astimezone(UTC).date()
        return next((card for card in reversed(self._cards) if card.effective <= day), self._cards[0])

    def require_effective(self, now: datetime) -> None:
        """Raises Misconfigured if no version is in force at `now`."""
        first = self._cards[0]
        if first.effective > now.astimezone(UTC).date():
            raise first.error(f"is effective from {first.effective}, and there is no earlier version")

    def next_change(self, now: datetime) -> BusinessTime | None:
        """Returns when the next version comes into force, None if there is none."""
        day = now.astimezone(UTC).date()
        later = (card.effective for card in self._cards if card.effective > day)
        return next((_midnight(effective) for effective in later), None)

    def changes_between(self, after: datetime, until: datetime) -> list[BusinessTime]:
        """Returns the moments at which a version comes into force, after `after` and until `until`."""
        moments = (_midnight(card.effective) for card in self._cards[1:])
        return [moment for moment in moments if after < moment <= until]

    def of_version(self, version: str) -> Scorecard | None:
        """Returns the card with this version, or None."""
        return next((card for card in self._cards if card.version == version), None)


def _midnight(day: date) -> BusinessTime:
    return BusinessTime(datetime(day.year, day.month, day.day, tzinfo=UTC))
