"""Personas that a partner makes for its tests, besides those that every partner has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.errors import InvalidInput
from gateway.domain.identity.principal import Principal
from gateway.domain.merchants import Product
from gateway.domain.policies.outcome_override import OutcomeOverride, require_overrides
from gateway.domain.scoring.tier import Tier
from gateway.kit.crypto import Secrets
from gateway.services.identity.accounts import AccountService
from gateway.services.identity.persona_records import PersonaBlueprint, blueprint_of_tier
from gateway.services.identity.personas import PersonaService, persona_password, username
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.identity.users import PersonaRow
from gateway.store.merchants.partners import PartnerRow
from gateway.store.unit import UnitOfWork
from merchants.registry import AdapterRegistry

MOST_PERSONAS = 30
"""The largest number of personas of one partner, with those that every partner has."""

LONGEST_HANDLE = 40
_HANDLE = re.compile(r"[a-z](?:-?[a-z0-9])*", re.ASCII)


@dataclass(frozen=True, slots=True)
class CreatedPersona:
    """A new persona with its username and its password in plain text."""

    id: str
    username: str
    password: str


class SandboxPersonaService:
    """Makes personas of the caller's partner."""

    def __init__(
        self,
        database: Database,
        registry: AdapterRegistry,
        settings: Settings,
        personas: PersonaService,
        accounts: AccountService,
        secrets: Secrets,
    ) -> None:
        self._database, self._registry, self._settings = database, registry, settings
        self._personas, self._accounts, self._secrets = personas, accounts, secrets

    def create(
        self, principal: Principal, handle: str, tier: Tier, overrides: Sequence[OutcomeOverride]
    ) -> CreatedPersona:
        """Makes a persona with behaviour records from which the scorecard computes a score in this tier. `overrides`
        are its fixed outcomes.

        Raises InvalidInput for an invalid or taken handle, for overrides that cannot hold together, with LIMIT_EXCEEDED
        if the partner has MOST_PERSONAS, and if the scores of this deployment are not those of the built-in scorecard.
        Field paths begin with handle, tier or overrides."""
        if len(handle) > LONGEST_HANDLE or not _HANDLE.fullmatch(handle):
            message = f"A handle has 1 to {LONGEST_HANDLE} letters a to z, digits and single hyphens between them."
            raise InvalidInput("INVALID", message, ("handle",))
        if self._settings.score_source != "scorecard":
            message = "The scores of this sandbox come from a provider, which does not know new personas."
            raise InvalidInput("INVALID", message, ("tier",))
        require_overrides(overrides, self._longest_review)
        partner = self._database.read(lambda unit: _load_available(unit, principal.partner_id, handle))
        password = persona_password(self._secrets, partner, handle)
        hashed, blueprint = self._accounts.hash_password(password), blueprint_of_tier(tier, handle)
        persona = self._database.write(lambda unit: self._create(unit, partner, tier, blueprint, hashed, overrides))
        return CreatedPersona(persona.id, username(handle, partner), password)

    def _create(
        self,
        unit: UnitOfWork,
        partner: PartnerRow,
        tier: Tier,
        blueprint: PersonaBlueprint,
        password_hash: str,
        overrides: Sequence[OutcomeOverride],
    ) -> PersonaRow:
        unit.partners.lock(partner.id)  # of concurrent calls, none exceeds the number
        current = _load_available(unit, partner.id, blueprint.handle)
        try:
            persona = self._personas.add(unit, current, blueprint, password_hash, overrides)
        except InvalidInput as error:
            error.field = ("handle",)  # of the username
            raise
        score = unit.scores.load(persona.user_id)
        if score is None or score.tier != tier:
            message = "The scorecard of this deployment is not the built-in one. It gives this persona another tier."
            raise InvalidInput("INVALID", message, ("tier",))
        return persona

    def _longest_review(self, product: Product) -> timedelta | None:
        validities = [each.approval_validity for each in self._registry.values() if each.product is product]
        return max(validities, default=None)


def _load_available(unit: UnitOfWork, partner_id: str, handle: str) -> PartnerRow:
    """The partner. Raises InvalidInput if it has a persona with this handle, or too many."""
    personas = unit.users.list_personas(partner_id)
    if any(each.handle == handle for each in personas):
        raise InvalidInput("INVALID", "This partner has a persona with this handle.", ("handle",))
    if len(personas) >= MOST_PERSONAS:
        message = f"A partner has at most {MOST_PERSONAS} personas. sandboxReset ends those that you made."
        raise InvalidInput("LIMIT_EXCEEDED", message, ())
    partner = unit.partners.load(partner_id)
    assert partner is not None  # the partner of a checked token
    return partner
