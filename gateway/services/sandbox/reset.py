"""A fresh start for a partner of a sandbox, although the logs keep every entry.

The partner's rows stay as they are, under a retired partner that nobody can reach. A new partner with the same name
gets new merchants and new personas, and the clients move to it. So the logs of the new merchants are empty, every entry
of the old ones can still be verified, and the business time of a merchant never moves back.
"""

from collections.abc import Mapping, Sequence

from gateway.domain.errors import InvalidInput
from gateway.domain.events import Actor
from gateway.domain.identity.principal import Principal
from gateway.kit.crypto import Secrets
from gateway.kit.ids import Ids
from gateway.services.consents.service import ConsentService
from gateway.services.identity.accounts import AccountService
from gateway.services.identity.persona_records import CATALOGUE
from gateway.services.identity.personas import PersonaService, persona_password
from gateway.services.sandbox.request_log import MOST_ENTRIES
from gateway.store.database import Database
from gateway.store.identity.users import PersonaRow
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.merchants.partner_sessions import PartnerSessionRepository
from gateway.store.merchants.partners import PartnerRow
from gateway.store.unit import UnitOfWork


class SandboxResetService:
    """Resets the caller's partner."""

    def __init__(
        self,
        database: Database,
        consents: ConsentService,
        personas: PersonaService,
        accounts: AccountService,
        secrets: Secrets,
        ids: Ids,
    ) -> None:
        self._database, self._consents, self._personas = database, consents, personas
        self._accounts, self._secrets, self._ids = accounts, secrets, ids

    def reset(self, principal: Principal, *, confirm: bool) -> int:
        """Replaces the merchants and personas of the partner by new ones, with the real time, and moves the clients to
        them. Merchant tokens stay valid. Returns how many personas have ended. Raises InvalidInput with the field
        confirm unless it is confirmed, and if another call has reset the partner at the same moment."""
        if not confirm:
            raise InvalidInput("INVALID", "must be true, because all that you made ends", ("confirm",))
        partner, hashes = self._database.read(lambda unit: _load_hashes(unit, principal.partner_id))
        for each in CATALOGUE:
            if each.handle not in hashes:
                password = persona_password(self._secrets, partner, each.handle)
                hashes[each.handle] = self._accounts.hash_password(password)
        return self._database.write(lambda unit: self._reset(unit, partner.id, hashes))

    def _reset(self, unit: UnitOfWork, partner_id: str, hashes: Mapping[str, str]) -> int:
        unit.deployment.lock()  # before names are used again
        unit.partners.lock(partner_id)
        old = unit.partners.load(partner_id)
        if old is None or old.retired_at is not None:
            raise InvalidInput("INVALID", "Another call has reset this partner at the same moment.", ("confirm",))
        personas = unit.users.list_personas(old.id)
        self._end_personas(unit, personas)
        unit.faults.delete_all(old.id)
        unit.request_log.trim(old.id, 0, MOST_ENTRIES)
        new = self._replace_partner(unit, old)
        for merchant in unit.merchants.list_merchants(old.id):
            self._replace_merchant(unit, merchant, new)
        PartnerSessionRepository(unit.connection).move(old.id, new.id)
        self._personas.provision(unit, new, hashes)
        return len(personas)

    def _end_personas(self, unit: UnitOfWork, personas: Sequence[PersonaRow]) -> None:
        for persona in personas:
            unit.users.disable(persona.user_id, unit.wall)  # first: then no other consent can be given
            self._consents.revoke_of_user(unit, persona.user_id, Actor.OPERATOR)
            unit.sessions.end_all(persona.user_id, unit.wall)
            unit.users.free_names(persona)

    def _replace_partner(self, unit: UnitOfWork, old: PartnerRow) -> PartnerRow:
        """Retires a partner. Returns a new one with its name and the real time."""
        unit.partners.retire(old.id, f"{old.name} (until the reset of {old.id})", unit.wall)
        new = PartnerRow(
            id=self._ids.new("ptn"), name=old.name, password_id=old.password_id or old.id, created_at=unit.wall
        )
        unit.partners.insert(new)
        return new

    def _replace_merchant(self, unit: UnitOfWork, old: MerchantRow, partner: PartnerRow) -> None:
        """Moves the clients of a merchant to a new one with its name, contract, adapters, bounds and overrides."""
        new = MerchantRow(
            **old.model_dump(exclude={"id", "partner_id", "created_at"}),
            id=self._ids.new("mer"),
            partner_id=partner.id,
            created_at=unit.wall,
        )
        clients = unit.clients.list_clients(old.id)
        for client in clients:
            unit.clients.lock(client.id)
            self._consents.revoke_of_client(unit, client.id, Actor.OPERATOR)
            unit.endings.end_requests(client.id, unit.wall)
        for listed in unit.webhook_endpoints.list_of_merchant(old.id):
            endpoint = unit.webhook_endpoints.lock(listed.id)
            if endpoint is not None:
                unit.webhook_endpoints.delete(endpoint, unit.wall)
        old.name = old.id  # its name is that of the new one
        unit.merchants.update(old)
        unit.merchants.insert(new)
        for adapter in unit.merchants.list_enabled_adapters(old.id):
            unit.merchants.enable_adapter(new.id, adapter, unit.wall)
            unit.policy_overrides.copy(old.id, new.id, adapter, self._ids.new, unit.wall)
        for client in clients:
            client.merchant_id = new.id
            unit.clients.update(client)


def _load_hashes(unit: UnitOfWork, partner_id: str) -> tuple[PartnerRow, dict[str, str]]:
    """The partner, and the password hashes of its personas by handle: the new ones have the same passwords."""
    partner = unit.partners.load(partner_id)
    assert partner is not None  # the partner of a checked token
    users = {each.handle: unit.users.load(each.user_id) for each in unit.users.list_personas(partner_id)}
    return partner, {handle: user.password_hash for handle, user in users.items() if user and user.password_hash}
