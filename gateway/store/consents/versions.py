"""The history of consents. Rows are only ever inserted."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlmodel import Field

from gateway.domain.consents.authorization_detail import parse_details
from gateway.domain.consents.request import Request
from gateway.domain.consents.version import ConsentAction, ConsentVersion
from gateway.domain.events import Actor
from gateway.kit.clock import BusinessTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.consents.consents import CONSENTS
from gateway.store.repository import Repository


class ConsentVersionRow(Record):
    """One version of a consent. `version` counts from 1 for each consent. `asked` holds the scopes and details that the
    person was shown. `at` is the partner's business time."""

    consent_id: str = Field(primary_key=True, foreign_key="consents.id")
    version: int = Field(primary_key=True)
    action: str
    actor: str
    scopes: list[str] = json_column()
    details: list[dict[str, Any]] = json_column()
    asked: dict[str, Any] | None = json_column(optional=True, default=None)
    at: BusinessTime = moment_column()


class ConsentVersionTable(ConsentVersionRow, table=True):
    __tablename__ = "consent_versions"


CONSENT_VERSIONS = table_of(ConsentVersionTable)
_ALL = select(CONSENT_VERSIONS).order_by(CONSENT_VERSIONS.c.version)
_OF_CONSENT = _ALL.where(CONSENT_VERSIONS.c.consent_id == bindparam("consent_id"))
_OF_USER = _ALL.join(CONSENTS, CONSENTS.c.id == CONSENT_VERSIONS.c.consent_id).where(
    CONSENTS.c.user_id == bindparam("user_id")
)
_LATEST = select(func.max(CONSENT_VERSIONS.c.version)).where(CONSENT_VERSIONS.c.consent_id == bindparam("consent_id"))
_MOMENTS = select(CONSENT_VERSIONS.c.consent_id, CONSENT_VERSIONS.c.version, CONSENT_VERSIONS.c.at).where(
    CONSENT_VERSIONS.c.consent_id.in_(bindparam("ids", expanding=True))
)


class ConsentVersionRepository(Repository):
    """Reads and appends versions of consents."""

    def append(self, version: ConsentVersion) -> None:
        """Writes a version. If two units of work append the same version, one fails."""
        row = ConsentVersionRow(
            consent_id=version.consent_id,
            version=version.version,
            action=version.action,
            actor=version.actor,
            scopes=list(version.scopes),
            details=[detail.document() for detail in version.details],
            asked=version.asked.document() if version.asked else None,
            at=version.at,
        )
        self._insert(CONSENT_VERSIONS, row)

    def load_latest_number(self, consent_id: str) -> int:
        """Returns the number of a consent's newest version, or 0 for an unknown consent."""
        return self._value(_LATEST, consent_id=consent_id) or 0

    def list_of_consent(self, consent_id: str) -> list[ConsentVersion]:
        """Returns a consent's versions, oldest first."""
        return [_value(row) for row in self._all(ConsentVersionRow, _OF_CONSENT, consent_id=consent_id)]

    def list_of_user(self, user_id: str) -> list[ConsentVersion]:
        """Returns the versions of all consents of a person, oldest first for each consent."""
        return [_value(row) for row in self._all(ConsentVersionRow, _OF_USER, user_id=user_id)]

    def load_moments(self, consent_ids: Iterable[str]) -> Mapping[tuple[str, int], BusinessTime]:
        """Returns the times of all versions of these consents, by consent id and number."""
        rows = self._rows(_MOMENTS, ids=sorted(set(consent_ids)))
        return {(row.consent_id, row.version): row.at for row in rows}


def _value(row: ConsentVersionRow) -> ConsentVersion:
    return ConsentVersion(
        consent_id=row.consent_id,
        version=row.version,
        action=ConsentAction(row.action),
        actor=Actor(row.actor),
        scopes=tuple(row.scopes),
        details=parse_details(row.details),
        asked=Request.from_document(row.asked) if row.asked else None,
        at=row.at,
    )
