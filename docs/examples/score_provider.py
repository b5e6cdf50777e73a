"""A score provider for a Sesame Gateway. It reads scores from a JSON file, signs them and serves them over HTTP.

    python docs/examples/score_provider.py scores.json key.json --gateway https://gateway.example --port 9000

docs/score-provider.md explains the contract, docs/reference/score_provider.yaml defines it. The file is read at each
request. Change it by a rename of a complete new file over it:

    {"model": "2026-11",
     "reasons": {"FEW_PARTNERS": {"en": "You have few partners.", "zh": "您的合作商家较少。"}},
     "scores": {"person-1": {"score": 702, "reasons": ["FEW_PARTNERS"], "openOverdue": 0, "documentIdentity": true}}}

key.json has the private key, and is created if it does not exist. key.public.json gets the JWK Set for the gateway's
GATEWAY_SCORE_PROVIDER_KEYS. If the variable SCORE_PROVIDER_TOKEN is set, requests need this bearer token. The program
needs joserfc. In front of it, a real provider has a proxy for TLS: then --base is the URL of the proxy.
"""

import argparse
import json
import os
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey

VALID_FOR, UNKNOWN_FOR = timedelta(hours=12), timedelta(minutes=5)
"""How long a score is valid, and how long it is valid that a person is not known."""

UNKNOWN = {"score": None, "reasons": [], "openOverdue": 0, "documentIdentity": False}
"""What is said about a person who is not in the file."""

LONGEST_REQUEST = 10_000
SIGNATURE_LIFE = 60


class UnreadableScores(Exception):
    """The file of scores is missing, or it is not JSON: the gateway asks again later."""


class Scores:
    """Signs answers for one gateway. `base` is the URL under which the gateway knows this provider."""

    def __init__(
        self, file: Path, key: OKPKey, base: str, gateway: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._file, self._key, self._base, self._gateway, self._clock = file, key, base, gateway, clock

    def reasons(self) -> str:
        """Returns the signed catalogue of reason codes."""
        return self.sign("score-reasons+jwt", {"reasons": self._read()["reasons"]})

    def score(self, request: dict[str, Any]) -> str:
        """Returns the signed answer to a request. A person who is not known has no score."""
        document = self._read()
        known = document["scores"].get(request["subject"])
        person, valid_for = (UNKNOWN, UNKNOWN_FOR) if known is None else (known, VALID_FOR)
        as_of = datetime.fromisoformat(request["asOf"])
        claims = {
            "subject": request["subject"],
            "nonce": request["nonce"],
            "score": person["score"],
            "reasons": person["reasons"],
            "openOverdue": person["openOverdue"],
            "documentIdentity": person["documentIdentity"],
            "model": document["model"],
            "asOf": as_of.isoformat(),
            "validUntil": (as_of + valid_for).isoformat(),
        }
        return self.sign("score+jwt", claims)

    def sign(self, kind: str, claims: dict[str, Any]) -> str:
        """Returns a compact JWS of these claims, for this gateway and for a minute."""
        now = int(self._clock())
        header = {"alg": "Ed25519", "kid": self._key.kid, "typ": kind}
        common = {"iss": self._base, "aud": self._gateway, "iat": now, "exp": now + SIGNATURE_LIFE}
        content = json.dumps({**common, **claims}).encode()
        return jws.serialize_compact(header, content, self._key, algorithms=["Ed25519"])

    def _read(self) -> Any:
        try:
            return json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UnreadableScores from error


def handler_of(scores: Scores, token: str | None) -> type[BaseHTTPRequestHandler]:
    """Returns the handler of requests. Each must have the bearer token, unless it is None."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if not self._is_allowed():
                self._respond(401)
            elif self.path.endswith("/reasons"):
                self._answer_reasons()
            else:
                self._respond(404)

        def do_POST(self) -> None:
            if not self._is_allowed():
                self._respond(401)
            elif not self.path.endswith("/scores"):
                self._respond(404)
            else:
                self._answer()

        def _answer_reasons(self) -> None:
            try:
                self._respond(200, scores.reasons())
            except UnreadableScores:
                self._respond(503)

        def _answer(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > LONGEST_REQUEST:
                self._respond(413)
                return
            try:
                self._respond(200, scores.score(json.loads(self.rfile.read(int(length)))))
            except UnreadableScores:
                self._respond(503)
            except (ValueError, KeyError, TypeError):
                self._respond(400)

        def _is_allowed(self) -> bool:
            sent = self.headers.get("Authorization", "").encode()
            return token is None or compare_digest(sent, f"Bearer {token}".encode())

        def _respond(self, status: int, content: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/jose")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None:
            """Writes no log: who is asked about is personal data."""

    return Handler


def load_key(file: Path) -> OKPKey:
    """Returns the private key in the file, which is created if it does not exist, and writes the public JWK Set."""
    if not file.exists():
        key = OKPKey.generate_key("Ed25519", {"kid": secrets.token_hex(8)})
        file.touch(mode=0o600)
        file.write_text(json.dumps(key.as_dict(private=True)))
    key = OKPKey.import_key(json.loads(file.read_text()))
    file.with_suffix(".public.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return key


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve signed scores to a Sesame Gateway.")
    parser.add_argument("scores", type=Path, help="the JSON file of reasons and scores")
    parser.add_argument("key", type=Path, help="the file of the private key")
    parser.add_argument("--gateway", required=True, help="the issuer of the gateway (GATEWAY_ISSUER)")
    parser.add_argument("--base", help="the URL of this provider (GATEWAY_SCORE_PROVIDER)")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), BaseHTTPRequestHandler)
    base = options.base or f"http://127.0.0.1:{server.server_address[1]}"
    scores = Scores(options.scores, load_key(options.key), base, options.gateway)
    server.RequestHandlerClass = handler_of(scores, os.environ.get("SCORE_PROVIDER_TOKEN"))
    print(base, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
