"""Log entries as versions before the trees wrote them: in a chain for each merchant, each entry with a signature."""

from typing import Any

from sqlalchemy import Connection, text

from gateway.kit.crypto import SigningKey
from gateway.kit.json import canonical
from gateway.store.logs.sealed_log import SIGNED_AS, hash_chained_entry
from tests.support.factories import ids


class Chains:
    """Appends entries to the logs of a database at an older revision."""

    def __init__(self, connection: Connection, key: SigningKey) -> None:
        self._connection, self._key = connection, key
        self._heads: dict[tuple[str, str], tuple[int, str]] = {}

    def append_decision(self, merchant: str, subject: str, decision: str, public: dict[str, Any]) -> str:
        """Appends an entry to the decision log and returns its id."""
        return self._append("decision", merchant, {"decision_id": decision}, {"subject": subject, **public})

    def append_request(self, merchant: str, subject: str) -> str:
        """Appends a request to the access log and returns its id."""
        return self._append("access", merchant, {"subject": subject}, {"subject": subject, "kind": "REQUEST"})

    def _append(self, log: str, merchant: str, columns: dict[str, Any], public: dict[str, Any]) -> str:
        before, previous = self._heads.get((log, merchant), (0, "0" * 64))
        sequence, entry_id = before + 1, ids.new("evt")
        document = {"log": log, "version": 1, "id": entry_id, "merchant": merchant, "sequence": sequence}
        body = canonical({**document, "key": "key_destroyed", "at": "2026-11-23T12:00:00Z", **public})
        sealed = entry_id.encode()
        digest = hash_chained_entry(previous, body, sealed)
        self._heads[log, merchant] = sequence, digest
        values = {
            "id": entry_id,
            "merchant_id": merchant,
            "sequence": sequence,
            "public": body.decode(),
            "sealed": sealed,
            "previous_hash": previous,
            "hash": digest,
            "kid": self._key.kid,
            "signature": self._key.sign(SIGNED_AS + bytes.fromhex(digest)),
            **columns,
        }
        names = ", ".join(f":{name}" for name in values)
        self._connection.execute(text(f"INSERT INTO {log}_log ({', '.join(values)}) VALUES ({names})"), values)
        return entry_id
