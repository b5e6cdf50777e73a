"""The data files of a run, made once from the seed. Each measurement gets a new copy."""

import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tools.bench import gateway_data, peer_data
from tools.bench.dataset import Dataset
from tools.bench.registry import GATEWAY, Peer
from tools.bench.token_requests import ClientKeys

PEER_FILE = "peer.db"


class Templates:
    """The files in `folder`, and the keys of the client of the scenario token."""

    def __init__(self, folder: Path, data: Dataset) -> None:
        self._template, self._copy, self.keys = folder / "template", folder / "copy", ClientKeys()
        self._template.mkdir()
        self.client_id = gateway_data.write(self._template, data, self.keys.jwks)
        peer_data.write(self._template / PEER_FILE, data, self.client_id, self.keys.jwks)
        self.gateway_refresh_tokens = [f"sgw_test_rt_{text}" for text in data.refresh_tokens()]
        self.peer_refresh_tokens = data.refresh_tokens()
        self._rows = {
            True: gateway_data.count(self._template / gateway_data.FILE),
            False: peer_data.count(self._template / PEER_FILE),
        }

    def copy(self, peer: Peer) -> Path:
        """Returns a new copy of the server's database, with the key of the gateway beside it. It is on the disk before
        this returns, so that the first commits of the server do not have to write it."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._template, self._copy)
        file = self._copy / (gateway_data.FILE if peer.name == GATEWAY else PEER_FILE)
        for path in self._copy.iterdir():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
        return file

    def new_rows(self, peer: Peer, file: Path) -> dict[str, int]:
        """Returns by how many rows the copy has grown, by the kind of row."""
        is_gateway = peer.name == GATEWAY
        rows, before = (gateway_data if is_gateway else peer_data).count(file), self._rows[is_gateway]
        return {kind: rows[kind] - before[kind] for kind in rows}


def find_row_problem(peer: Peer, answered: Mapping[str, int], errors: int, rows: Mapping[str, int]) -> str | None:
    """Returns a sentence if the server has not written what it answered, or None. A request with an error may have been
    written or not."""
    expected = Counter({"tier": answered["tier"]})
    expected.update(dict.fromkeys(("decision", "decisions", "idempotency", "outbox"), answered["decision"]))
    expected["events"] = answered["decision"] * (1 if peer.name == GATEWAY else 2)
    expected["token"] = answered["token"]
    for kind, count in expected.items():
        most = count + errors * (2 if kind == "events" else 1)
        if not count <= rows[kind] <= most:
            return f"{peer.name} has {rows[kind]} new rows of the kind {kind}, but answered {count} requests"
    return None
