"""The score provider of docs/examples, with changed responses or as a process of its own."""

import importlib.util
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, get_ident
from types import TracebackType
from typing import Any, Self

from joserfc.util import urlsafe_b64decode

from gateway.kit.clock import WallClock
from tests.support.checkout import ROOT
from tests.support.fapi import NULL, public, signed
from tests.support.local_server import LocalServer, http_response
from tests.support.page_blocks import block

EXAMPLE = ROOT / "docs/examples/score_provider.py"
_spec = importlib.util.spec_from_file_location("score_provider", EXAMPLE)
assert _spec is not None
assert _spec.loader is not None
example: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(example)

JOSE = (("Content-Type", "application/jose"),)
REASONS = {
    "FEW_PARTNERS": {"en": "You have few partners.", "zh": "您的合作商家较少。"},
    "SHORT_HISTORY": {"en": "Your history is short.", "zh": "您的记录较短。"},
}


def person(score: int | None = 702, **changed: Any) -> dict[str, Any]:
    """The entry of a person in the provider's file."""
    reasons = [] if score is None else ["FEW_PARTNERS"]
    return {"score": score, "reasons": reasons, "openOverdue": 0, "documentIdentity": True, **changed}


class Provider(LocalServer):
    """The provider of the example as a server of this process. `people` has the persons by subject. An answer is signed
    after `change` has changed its claims and `header` was added to its header, with `signing_key`. `raw` has responses
    to questions, or their pieces, that are sent first, as they are, and `raw_catalogue` is sent in place of the
    catalogue. Waits until `may_respond` is set."""

    def __init__(self, folder: Path, gateway: str, clock: WallClock) -> None:
        super().__init__(self._respond)
        self.folder, self.people = folder, dict[str, dict[str, Any]]()
        self.document: dict[str, Any] = {"model": "2026-11", "reasons": dict(REASONS)}
        self.key = self.signing_key = example.load_key(folder / "key.json")
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.header: dict[str, Any] = {}
        self.raw = deque[bytes | Iterable[bytes]]()
        self.raw_catalogue: bytes | None = None
        self.is_down = False
        self.sent: list[str] = []
        self.may_respond = Event()
        self.may_respond.set()
        self._scores = example.Scores(folder / "scores.json", self.key, self.base, gateway, lambda: clock().timestamp())

    @property
    def base(self) -> str:
        return self.url("")

    @property
    def keys_file(self) -> Path:
        return self.folder / "key.public.json"

    @property
    def questions(self) -> list[dict[str, Any]]:
        """The questions about persons that it received."""
        bodies = [each.partition(b"\r\n\r\n")[2] for each in self.requests if each.startswith(b"POST /scores ")]
        return [json.loads(body) for body in bodies]

    def settings(self, **changed: Any) -> dict[str, Any]:
        """The settings of a deployment that uses this provider."""
        return {
            "score_source": "remote",
            "score_provider": self.base,
            "score_provider_keys": self.keys_file,
            "outgoing_networks": "127.0.0.0/8",
            **changed,
        }

    def catalogue(self) -> str:
        """The signed catalogue of reasons."""
        self._write()
        return self._changed(self._scores.reasons())

    def _write(self) -> None:
        write_scores(self.folder, {**self.document, "scores": self.people})

    def _respond(self, request: bytes) -> Iterable[bytes]:
        self.may_respond.wait(timeout=20)
        if self.is_down:
            return [http_response(b"no", 503)]
        is_question = request.startswith(b"POST /scores ")
        if self.raw and is_question:
            response = self.raw.popleft()
            return [response] if isinstance(response, bytes) else response
        if not is_question:
            return [self.raw_catalogue or http_response(self.catalogue().encode(), headers=JOSE)]
        self._write()
        token = self._scores.score(json.loads(request.partition(b"\r\n\r\n")[2]))
        self.sent.append(self._changed(token))
        return [http_response(self.sent[-1].encode(), headers=JOSE)]

    def _changed(self, token: str) -> str:
        header, claims = (json.loads(urlsafe_b64decode(part.encode())) for part in token.split(".")[:2])
        claims = {name: NULL if value is None else value for name, value in claims.items()}
        changed = self.change(claims) if header["typ"] == "score+jwt" else claims
        return signed({**header, **self.header}, changed, self.signing_key)


class ProviderProcess:
    """The example as a process, with its files in `folder`. Use it as a context manager. After `kill` it can be
    started again, at the same port and with the same key."""

    def __init__(self, folder: Path, gateway: str, token: str | None = None) -> None:
        self.folder, self._gateway, self._token = folder, gateway, token
        self.people = dict[str, dict[str, Any]]()
        self.base, self._port = "", 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def keys_file(self) -> Path:
        return self.folder / "key.public.json"

    def write(self) -> None:
        """Writes the file of scores."""
        write_scores(self.folder, {"model": "2026-11", "reasons": REASONS, "scores": self.people})

    def start(self) -> Self:
        """Starts the process, and waits until it listens."""
        self.write()
        _, program, scores, key, *options = block("docs/score-provider.md", "export PATH").splitlines()[1].split()
        files = [str(self.folder / name) for name in (scores, key)]
        replaced = {"http://127.0.0.1:8000": self._gateway, "9000": str(self._port)}
        command = [sys.executable, str(ROOT / program), *files, *(replaced.get(each, each) for each in options)]
        environment = {**os.environ, **({"SCORE_PROVIDER_TOKEN": self._token} if self._token else {})}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        assert self._process.stdout is not None
        self.base = self._process.stdout.readline().strip()
        self._port = int(self.base.rpartition(":")[2])
        return self

    def kill(self) -> None:
        """Ends the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=20)
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def write_scores(folder: Path, document: dict[str, Any]) -> None:
    """Replaces the file of scores at once, since requests read it meanwhile."""
    new = folder / f"scores-{get_ident()}.json"
    new.write_text(json.dumps(document))
    new.replace(folder / "scores.json")


def public_keys(*keys: Any) -> str:
    """A JWK Set of the public parts of these keys, as JSON."""
    return json.dumps({"keys": [public(key) for key in keys]})
