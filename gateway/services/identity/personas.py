"""Sandbox personas: test users whose first score is known. Each partner has its own copy of them."""

from base64 import b32encode
from collections.abc import Mapping, Sequence

from gateway.domain.events import Actor
from gateway.domain.policies.outcome_override import OutcomeOverride
from gateway.domain.scoring.record import Dimension
from gateway.kit.clock import BusinessTime, business_time
from gateway.kit.crypto import Secrets
from gateway.kit.ids import Ids
from gateway.services.consents.service import ConsentService
from gateway.services.identity.accounts import AccountService
from gateway.services.identity.persona_records import CATALOGUE, PersonaBlueprint
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store.identity.users import PersonaRow
from gateway.store.merchants.partners import PartnerRow
from gateway.store.scoring.records import new_record_row
from gateway.store.unit import UnitOfWork

SOURCE = "personas"
"""The source of the behaviour records of personas."""


class PersonaService:
    """Creates and replaces a partner's personas."""

    def __init__(
        self, accounts: AccountService, consents: ConsentService, scorecard: ScorecardSource, ids: Ids
    ) -> None:
        self._accounts, self._consents, self._scorecard, self._ids = accounts, consents, scorecard, ids

    def list_missing(self, unit: UnitOfWork, partner: PartnerRow) -> list[str]:
        """The handles of the personas that the partner does not have."""
        present = {row.handle for row in unit.users.list_personas(partner.id)}
        return [each.handle for each in CATALOGUE if each.handle not in present]

    def provision(self, unit: UnitOfWork, partner: PartnerRow, hashes: Mapping[str, str]) -> list[PersonaRow]:
        """All personas of the partner. Creates missing ones, with the password hashes in `hashes` by handle, and the
        behaviour records of those that have none."""
        present = {row.handle: row for row in unit.users.list_personas(partner.id)}
        now = business_time(unit.wall, partner.clock_offset_seconds)
        for each in CATALOGUE:
            if each.handle in present:
                self.write_records(unit, each, present[each.handle], now)
            else:
                present[each.handle] = self.add(unit, partner, each, hashes[each.handle])
        return [present[each.handle] for each in CATALOGUE]

    def add(
        self,
        unit: UnitOfWork,
        partner: PartnerRow,
        blueprint: PersonaBlueprint,
        password_hash: str,
        overrides: Sequence[OutcomeOverride] = (),
    ) -> PersonaRow:
        """Creates a persona with its behaviour records and its score. Raises InvalidInput for a taken username."""
        user = self._accounts.register(
            unit,
            username=username(blueprint.handle, partner),
            password_hash=password_hash,
            display_name=blueprint.handle.replace("-", " ").capitalize(),
            partner_id=partner.id,
        )
        persona = PersonaRow(
            id=self._ids.new("per"),
            partner_id=partner.id,
            user_id=user.id,
            handle=blueprint.handle,
            summary=blueprint.summary,
            score=blueprint.score,
            open_overdue=blueprint.overdue,
            overrides=[each.document() for each in overrides] or None,
        )
        unit.users.insert_persona(persona)
        self.write_records(unit, blueprint, persona, business_time(unit.wall, partner.clock_offset_seconds))
        return persona

    def write_records(
        self, unit: UnitOfWork, blueprint: PersonaBlueprint, persona: PersonaRow, now: BusinessTime
    ) -> None:
        """Writes the behaviour records of a new persona and computes its score. Does nothing if it has a score."""
        if unit.scores.load(persona.user_id) is not None:
            return  # its records were written with its score
        unit.behaviour_records.insert_all(
            [
                new_record_row(record, persona.user_id, source=SOURCE, reference=record.id)
                for record in blueprint.records(persona.id, now)
            ]
        )
        unit.scores.choose(persona.user_id, Dimension.FINANCIAL_CAPACITY, unit.wall, share=True)
        self._scorecard.compute(unit, persona.user_id, now)

    def replace(self, unit: UnitOfWork, partner: PartnerRow, hashes: Mapping[str, str]) -> list[PersonaRow]:
        """Ends the personas of the partner, and creates new ones with the same usernames. The rows of the old ones
        stay: their users are disabled, with other names, and have no session and no active consent."""
        for persona in unit.users.list_personas(partner.id):
            unit.users.disable(persona.user_id, unit.wall)  # first: then no other consent can be given
            for consent in unit.consents.list_of_user(persona.user_id):
                self._consents.revoke(unit, consent.id, persona.user_id, actor=Actor.OPERATOR)
            unit.sessions.end_all(persona.user_id, unit.wall)
            unit.users.free_names(persona)
        return self.provision(unit, partner, hashes)


def persona_password(secrets: Secrets, partner: PartnerRow, handle: str) -> str:
    """The password of a persona: always the same for a handle, 12 letters and digits, because it is typed by hand."""
    return b32encode(secrets.derive(f"seed persona {partner.password_id or partner.id} {handle}")).decode().lower()[:12]


def username(handle: str, partner: PartnerRow) -> str:
    """The username of a persona. Contains the partner's name, because partners have the same handles."""
    return f"{handle}@{partner.name.lower().replace(' ', '-')}"
