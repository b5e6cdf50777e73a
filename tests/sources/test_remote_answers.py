"""Which answers of the score provider are used, over HTTP."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import rfc3339
from tests.support.clock import NOON
from tests.support.fapi import NULL, new_key, signed
from tests.support.local_server import http_response
from tests.support.remote_world import OpenWorld, RemoteWorld
from tests.support.score_provider import JOSE, public_keys

Change = Callable[[dict[str, Any]], dict[str, Any]]
SECONDS = int(NOON.timestamp())
HTML, GZIP = [("Content-Type", "text/html")], ("Content-Encoding", "gzip")
MEGABYTE = b"a" * 1_000_000


def test_accepted_answer_becomes_a_measurement(world: RemoteWorld) -> None:
    world.know(score=612, reasons=["SHORT_HISTORY", "FEW_PARTNERS"], openOverdue=2, documentIdentity=True)
    measured = world.measure()
    assert (measured.score, measured.tier, measured.open_overdue, measured.open_breaches) == (612, Tier.GOOD, 2, 0)
    assert (measured.card, measured.reasons) == ("2026-11", ("SHORT_HISTORY", "FEW_PARTNERS"))
    assert (measured.has_document, measured.held_until) == (True, None)
    assert (measured.as_of, measured.valid_until) == (world.now, world.now + timedelta(hours=12))
    (question,) = world.provider.questions
    assert question == {"subject": world.subject(), "nonce": question["nonce"], "asOf": rfc3339(world.now)}
    assert len(question["nonce"]) >= 22


def replace_members(**members: Any) -> Change:
    return lambda claims: {**claims, **members}


def remove_member(name: str) -> Change:
    return lambda claims: {each: value for each, value in claims.items() if each != name}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(replace_members(score=350), id="lowest score"),
        pytest.param(replace_members(score=950, reasons=[]), id="highest score without reasons"),
        pytest.param(replace_members(score=NULL, reasons=[]), id="unscored without reasons"),
        pytest.param(replace_members(score=NULL), id="unscored with a reason"),
        pytest.param(replace_members(more={"a": 1}), id="another member"),
        pytest.param(replace_members(iat=SECONDS + 15, exp=SECONDS + 16), id="clock ahead"),
        pytest.param(replace_members(iat=SECONDS - 60, exp=SECONDS - 14), id="clock behind"),
        pytest.param(replace_members(asOf=rfc3339(NOON - timedelta(days=300))), id="old score"),
        pytest.param(replace_members(asOf="2026-11-23T20:00:00+08:00"), id="another time zone"),
    ],
)
def test_valid_answer_is_used(world: RemoteWorld, change: Change) -> None:
    world.provider.change = change
    assert world.measure().score in {350, 950, 702, None}
    assert world.outcomes == [("fetched", "")]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        pytest.param(replace_members(iss="https://other.example"), "issuer", id="issuer"),
        pytest.param(remove_member("iss"), "issuer", id="no issuer"),
        pytest.param(replace_members(aud="https://other.example"), "audience", id="audience"),
        pytest.param(replace_members(nonce="another"), "nonce", id="nonce"),
        pytest.param(remove_member("nonce"), "nonce", id="no nonce"),
        pytest.param(replace_members(subject="another"), "subject", id="subject"),
        pytest.param(replace_members(exp=SECONDS - 15), "expired", id="expired"),
        pytest.param(replace_members(iat=SECONDS + 16, exp=SECONDS + 60), "expired", id="issued later"),
        pytest.param(replace_members(exp=SECONDS - 5, iat=SECONDS - 5), "expired", id="no life"),
        pytest.param(remove_member("exp"), "malformed", id="no exp"),
        pytest.param(replace_members(iat="now"), "malformed", id="iat text"),
        pytest.param(replace_members(score=349), "malformed", id="score too low"),
        pytest.param(replace_members(score=951), "malformed", id="score too high"),
        pytest.param(replace_members(score=700.0), "malformed", id="score float"),
        pytest.param(replace_members(score=True), "malformed", id="score bool"),
        pytest.param(replace_members(score="700"), "malformed", id="score text"),
        pytest.param(remove_member("score"), "malformed", id="no score"),
        pytest.param(replace_members(reasons=[]), "malformed", id="no reasons"),
        pytest.param(remove_member("reasons"), "malformed", id="reasons absent"),
        pytest.param(replace_members(reasons=["A", "B", "C", "D", "E"]), "malformed", id="five reasons"),
        pytest.param(replace_members(reasons=["FEW_PARTNERS"] * 2), "malformed", id="repeated reason"),
        pytest.param(replace_members(reasons=[{}]), "malformed", id="reason object"),
        pytest.param(replace_members(reasons=["FEW_PARTNERS", "NEW_CODE"]), "unknown_reason", id="unknown reason"),
        pytest.param(replace_members(openOverdue=-1), "malformed", id="overdue negative"),
        pytest.param(replace_members(openOverdue=10_001), "malformed", id="overdue too large"),
        pytest.param(replace_members(openOverdue=False), "malformed", id="overdue bool"),
        pytest.param(replace_members(documentIdentity=1), "malformed", id="identity number"),
        pytest.param(replace_members(model=" "), "malformed", id="model empty"),
        pytest.param(replace_members(model="a\0b"), "malformed", id="model with NUL"),
        pytest.param(replace_members(model="x" * 65), "malformed", id="model too long"),
        pytest.param(replace_members(asOf="2026-11-23T12:00:00"), "malformed", id="no time zone"),
        pytest.param(replace_members(asOf="0001-01-01T00:00:00+14:00"), "malformed", id="before year 1"),
        pytest.param(replace_members(asOf=SECONDS), "malformed", id="as of number"),
        pytest.param(replace_members(asOf=rfc3339(NOON + timedelta(seconds=16))), "expired", id="as of later"),
        pytest.param(replace_members(validUntil=rfc3339(NOON)), "expired", id="no longer valid"),
    ],
)
def test_invalid_answer_is_not_used(world: RemoteWorld, change: Change, cause: str) -> None:
    world.provider.change = change
    assert world.cause_of_failure() == cause
    assert world.counts()["remote_scores"] == 0


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"kid": "another"}, id="kid unknown"),
        pytest.param({"kid": NULL}, id="kid null"),
        pytest.param({"kid": None}, id="no kid"),
        pytest.param({"typ": "JWT"}, id="another type"),
        pytest.param({"typ": "score-reasons+jwt"}, id="type of the catalogue"),
    ],
)
def test_header_that_does_not_fit_is_refused(world: RemoteWorld, header: dict[str, Any]) -> None:
    world.remote.provider.load_reasons()
    world.provider.header = header
    assert world.cause_of_failure() == "signature"


def test_answer_of_another_key_is_refused(world: RemoteWorld) -> None:
    world.provider.signing_key = new_key("EdDSA", world.provider.key.kid)
    assert world.cause_of_failure() == "signature"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_unsigned_answer_is_refused(world: RemoteWorld, algorithm: str) -> None:
    header = {"alg": algorithm, "kid": world.provider.key.kid, "typ": "score+jwt"}
    token = signed(header, {"score": 950}, b"secret")
    if algorithm == "none":
        token = token.rpartition(".")[0] + "."
    world.provider.raw.append(http_response(token.encode(), headers=JOSE))
    assert world.cause_of_failure() in {"signature", "malformed"}


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        pytest.param(http_response(b"", headers=JOSE), "malformed", id="empty"),
        pytest.param(http_response(b"a.b.c", headers=JOSE), "malformed", id="no JWS"),
        pytest.param(http_response("é.b.c".encode(), headers=JOSE), "malformed", id="not ASCII"),
        pytest.param(http_response(b"{}", headers=[("Content-Type", "application/json")]), "malformed", id="JSON"),
        pytest.param(http_response(b"a" * 20_000, headers=JOSE), "too_large", id="huge"),
        pytest.param(http_response(b"a" * 20_000, headers=JOSE, sized=False), "too_large", id="huge without length"),
        pytest.param(http_response(b"", 302, [("Location", "http://127.0.0.1/")]), "status", id="redirect"),
        pytest.param(http_response(b"", 401), "status", id="not allowed"),
        pytest.param(http_response(b"not found", 404), "status", id="404 of a proxy"),
        pytest.param(http_response(b'{"error": "unknown_subject"}', 404), "status", id="unsigned: not known"),
        pytest.param(http_response(b"", 204, JOSE), "status", id="no content"),
        pytest.param(http_response(b"<html>Sign in</html>", headers=HTML), "malformed", id="page of a proxy"),
        pytest.param(http_response(b"a.b.c", headers=[*JOSE, GZIP]), "encoding", id="compressed"),
        pytest.param(http_response(b"a.b.c", headers=JOSE)[:-1], "protocol", id="connection closed in the body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type", "protocol", id="connection closed in the head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", "protocol", id="no final response"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "protocol", id="endless head"),
        pytest.param(http_response(b"a" * 60, headers=[*JOSE, ("Content-Length", "20")]), "protocol", id="two lengths"),
        pytest.param(http_response(b"", 500), "server_error", id="server error"),
        pytest.param(b"nonsense\r\n\r\n", "protocol", id="no HTTP"),
        pytest.param(b"", "protocol", id="disconnect"),
    ],
)
def test_unusable_response_is_a_failure(world: RemoteWorld, response: bytes, cause: str) -> None:
    world.provider.raw.append(response)
    assert world.cause_of_failure() == cause
    assert len(world.provider.questions) == 1, "a redirect is not followed, and nothing is repeated"


@pytest.mark.parametrize("length", [50_000_000, None])
def test_response_of_50_megabytes_is_not_read(world: RemoteWorld, length: int | None) -> None:
    head = http_response(headers=[*JOSE, *([("Content-Length", str(length))] if length else [])], sized=False)
    taken = 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        yield head
        for _ in range(50):
            taken += 1
            yield MEGABYTE

    world.provider.raw.append(pieces())
    assert world.cause_of_failure() == "too_large"
    assert taken < 20, "the connection was closed"


def test_answer_for_another_person_is_not_used(world: RemoteWorld) -> None:
    """Signed, and about a person of the same gateway: once as it was sent, once for the nonce of this request."""
    world.know("good", 900)
    world.measure("good")
    world.provider.raw.append(http_response(world.provider.sent[0].encode(), headers=JOSE))
    assert world.cause_of_failure() == "nonce"
    world.provider.change = lambda claims: {**claims, "subject": world.subject("good"), "score": 900}
    assert world.cause_of_failure() == "subject"
    assert world.counts()["remote_scores"] == 1


def test_older_answer_is_refused_when_it_is_replayed(open_world: OpenWorld) -> None:
    world = open_world(score_fresh_for=timedelta(seconds=10))
    world.measure()
    world.clock.advance(seconds=10)
    world.provider.raw.append(http_response(world.provider.sent[0].encode(), headers=JOSE))
    world.measure()
    assert world.outcomes == [("fetched", ""), ("stale", "nonce")]


def test_catalogue_is_refused_as_an_answer(world: RemoteWorld) -> None:
    world.remote.provider.load_reasons()
    world.provider.raw.append(http_response(world.provider.catalogue().encode(), headers=JOSE))
    assert world.cause_of_failure() == "signature"


def test_es256_answer_of_a_second_key_is_used(world: RemoteWorld, open_world: OpenWorld) -> None:
    second = new_key("ES256", "second")
    world.provider.keys_file.write_text(public_keys(world.provider.key, second))
    other = open_world()
    world.provider.signing_key, world.provider.header = second, {"kid": "second", "alg": "ES256"}
    assert other.measure().score == 702
    world.clock.advance(days=3)
    assert world.cause_of_failure() == "signature", "the first world does not know the second key"


def test_older_name_of_the_algorithm_is_accepted(world: RemoteWorld) -> None:
    world.provider.header = {"alg": "EdDSA"}
    assert world.measure().score == 702


def test_new_reason_code_is_looked_up_once_a_minute(world: RemoteWorld) -> None:
    world.measure()
    world.provider.document["reasons"]["NEW_CODE"] = {"en": "New.", "zh": "新。"}
    world.know(reasons=["NEW_CODE"])
    world.clock.advance(hours=13)
    assert world.measure().reasons == ("NEW_CODE",)
    fetches = [each for each in world.provider.requests if each.startswith(b"GET /reasons ")]
    assert len(fetches) == 2
    world.know(reasons=["UNKNOWN"])
    for _ in range(3):
        world.clock.advance(hours=13)
        world.measure()
    fetches = [each for each in world.provider.requests if each.startswith(b"GET /reasons ")]
    assert len(fetches) == 2
    assert world.outcomes[-1] == ("stale", "unknown_reason")
