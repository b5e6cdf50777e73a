"""OAuth clients, as the operator registers them."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.realm import Realm
from gateway.kit.crypto import digest, random_token
from gateway.kit.ids import Ids
from gateway.services.merchants import require_name
from gateway.store import clients, merchants
from gateway.store.clients import ClientRow
from gateway.store.database import Session

BASELINE = "baseline"
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NEVER_IN_A_URI = set(' "#<>\\^`{|}')


class ClientService:
    """Registers and disables clients of the profiles that the realm has."""

    def __init__(self, ids: Ids, realm: Realm) -> None:
        self._ids, self._realm = ids, realm

    @property
    def secret_prefix(self) -> str:
        """How the secrets of clients begin."""
        return self._realm.token_prefix("cs")

    def register(
        self,
        session: Session,
        merchant_id: str,
        name: str,
        redirect_uris: Sequence[str],
        now: datetime,
        *,
        scopes: Sequence[str] | None = None,
        secret: str | None = None,
        client_id: str | None = None,
    ) -> tuple[ClientRow, str]:
        """A new baseline client and its secret, which is shown once and stored as a digest only. Without
        `scopes` it may use all. Raises NotFound for an unknown merchant, InvalidInput for the rest."""
        if BASELINE not in self._realm.profiles:
            raise InvalidInput("INVALID", "This deployment has no baseline clients.", ("profile",))
        if merchants.load(session, merchant_id) is None:
            raise NotFound(f"There is no merchant {merchant_id}.")
        for uri in redirect_uris:
            _require_redirect_uri(uri)
        secret = secret or random_token(self.secret_prefix)
        row = ClientRow(
            id=client_id or self._ids.new("cli"),
            merchant_id=merchant_id,
            name=require_name(name, "client"),
            profile=BASELINE,
            secret_digest=digest(secret),
            redirect_uris=list(dict.fromkeys(redirect_uris)),
            grant_types=list(GRANT_TYPES if redirect_uris else GRANT_TYPES[2:]),
            scopes=self._scopes(scopes),
            created_at=now,
        )
        session.add(row)
        session.flush()
        return row, secret

    def disable(self, session: Session, client_id: str, now: datetime) -> None:
        """Ends the client and with it all its tokens. Raises NotFound."""
        row = clients.load(session, client_id)
        if row is None:
            raise NotFound(f"There is no client {client_id}, or it is disabled.")
        row.disabled_at = now
        session.add(row)

    def _scopes(self, wanted: Sequence[str] | None) -> list[str]:
        known = self._realm.scopes
        unknown = [name for name in wanted or () if name not in known]
        if unknown:
            raise InvalidInput("INVALID", f"Unknown scope {unknown[0]}. Known: {' '.join(known)}.", ("scopes",))
        return [name for name in known if wanted is None or name in wanted]


def _require_redirect_uri(uri: str) -> None:
    """Absolute https without a fragment, or http on loopback for programs on the partner's own machine."""
    if not _is_redirect_uri(uri):
        raise InvalidInput(
            "INVALID",
            "A redirect URI is https (or http on 127.0.0.1), absolute, without a fragment.",
            ("redirect_uris",),
        )


def _is_redirect_uri(uri: str) -> bool:
    if not uri.isascii() or not uri.isprintable() or set(uri) & _NEVER_IN_A_URI:  # urlsplit drops line ends unseen
        return False
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:  # a bracket that is not closed, a port that is no number
        return False
    allowed = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    return allowed and bool(host) and port != 0 and "@" not in parts.netloc
