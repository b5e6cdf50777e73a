"""docs/reference/score_provider.yaml fits what the gateway sends and accepts, and what the example sends."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc.util import urlsafe_b64decode

from gateway.domain.errors import Unavailable
from gateway.kit.clock import rfc3339, wall_clock
from gateway.sources.remote.answers import LARGEST_ANSWER, LARGEST_CATALOGUE
from gateway.sources.remote.provider import JOSE
from tests.support.checkout import ROOT
from tests.support.fapi import NULL
from tests.support.json_schema import Schemas
from tests.support.page_blocks import block, members
from tests.support.remote_world import RemoteWorld
from tests.support.score_provider import Provider, ProviderProcess, person
from tests.support.yaml import read_yaml

CONTRACT: Any = read_yaml((ROOT / "docs/reference/score_provider.yaml").read_text(encoding="utf-8"))
SCHEMAS = Schemas.of_openapi(CONTRACT)


def parts(token: str) -> list[Any]:
    """Header and claims of a compact JWS."""
    return [json.loads(urlsafe_b64decode(part.encode())) for part in token.split(".")[:2]]


def test_requests_of_the_gateway_fit_the_contract(world: RemoteWorld) -> None:
    for handle in ("excellent", "good"):
        world.measure(handle)
    assert len(world.provider.questions) == 2
    assert [SCHEMAS.faults("Question", each) for each in world.provider.questions] == [[], []]
    question, *_ = map(json.loads, block("docs/score-provider.md", '{"subject"').splitlines())
    assert members(question) == members(world.provider.questions[0])
    targets = {tuple(request.split(b" ")[:2]) for request in world.provider.requests}
    paths = {
        (method.upper().encode(), path.encode()) for path, methods in CONTRACT["paths"].items() for method in methods
    }
    assert targets == paths


def test_example_keeps_to_the_contract(provider: Provider) -> None:
    process = ProviderProcess(provider.folder, "https://gateway.example", "a token")
    process.people = {"known": person(702), "unscored": person(None)}
    question = {"nonce": "n" * 22, "asOf": rfc3339(wall_clock())}
    with process, httpx2.Client(headers={"Authorization": "Bearer a token"}) as http:
        for subject in (*process.people, "nobody"):
            response = http.post(f"{process.base}/scores", json={**question, "subject": subject})
            header, claims = parts(response.text)
            assert (response.status_code, response.headers["content-type"]) == (200, JOSE)
            assert (SCHEMAS.faults("Header", header), SCHEMAS.faults("ScoreClaims", claims)) == ([], [])
            stated, _, stated_claims = block("docs/score-provider.md", '{"alg"').partition("\n")
            assert json.loads(stated).keys() == header.keys()
            assert json.loads(stated_claims).keys() == claims.keys()
        header, claims = parts(http.get(f"{process.base}/reasons").text)
        assert (SCHEMAS.faults("Header", header), SCHEMAS.faults("ReasonsClaims", claims)) == ([], [])
        catalogue = json.loads(block("docs/score-provider.md", '{"iss"'))
        assert catalogue.keys() == claims.keys()
        assert catalogue["reasons"].items() <= claims["reasons"].items()
        for body in (b"", b"[]", b"{", b'{"subject": "known"}', b'{"subject": []}'):
            assert http.post(f"{process.base}/scores", content=body).status_code == 400
        assert [http.get(f"{process.base}/{path}").status_code for path in ("", "scores")] == [404, 404]
        assert http.post(f"{process.base}/reasons", content=b"{}").status_code == 404
        for sent in ({}, {"Authorization": "Bearer another"}):
            assert httpx2.get(f"{process.base}/reasons", headers=sent).status_code == 401


def test_example_with_an_unreadable_file_asks_to_come_back(provider: Provider) -> None:
    process = ProviderProcess(provider.folder, "https://gateway.example")
    question = {"subject": "known", "nonce": "n" * 22, "asOf": rfc3339(wall_clock())}
    with process, httpx2.Client(base_url=process.base) as http:
        (provider.folder / "scores.json").write_text('{"model":')
        assert http.post("scores", json=question).status_code == 503
        assert http.get("reasons").status_code == 503


def change_of(**members: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Sets these members. None removes a member, NULL sets it to null."""
    return lambda claims: {name: value for name, value in {**claims, **members}.items() if value is not None}


@pytest.mark.parametrize(
    ("members", "is_accepted"),
    [
        *(({name: None}, False) for name in CONTRACT["components"]["schemas"]["ScoreClaims"]["required"]),
        *(({"score": score}, True) for score in (350, 949, 950, NULL)),
        *(({"score": score}, False) for score in (349, 951, 700.5, "700", True)),
        ({"score": 950, "reasons": []}, True),
        ({"score": NULL, "reasons": []}, True),
        ({"score": 949, "reasons": []}, False),
        ({"reasons": ["FEW_PARTNERS", "SHORT_HISTORY"]}, True),
        *(({"reasons": reasons}, False) for reasons in ("FEW_PARTNERS", ["few"], ["A"] * 2, list("ABCDE"), [1])),
        *(({"openOverdue": number}, True) for number in (0, 10_000)),
        *(({"openOverdue": number}, False) for number in (-1, 10_001, "0", NULL, False)),
        *(({"documentIdentity": flag}, False) for flag in (1, "true", NULL)),
        ({"model": "m" * 64}, True),
        *(({"model": text}, False) for text in ("", "m" * 65, 1, NULL)),
        *(({name: moment}, False) for name in ("asOf", "validUntil") for moment in ("now", "2026-11-23", 1, NULL)),
        *(({name: text}, False) for name in ("iat", "exp") for text in ("1", NULL, True)),
        ({"another": {"member": 1}}, True),
    ],
    ids=str,
)
def test_client_accepts_what_the_contract_allows(
    world: RemoteWorld, members: dict[str, Any], is_accepted: bool
) -> None:
    world.provider.change = change_of(**members)
    try:
        world.measure()
        accepted = True
    except Unavailable:
        accepted = False
    _, claims = parts(world.provider.sent[0])
    assert (accepted, SCHEMAS.faults("ScoreClaims", claims) == []) == (is_accepted, is_accepted)


def test_limits_of_the_contract_are_those_of_the_client() -> None:
    schemas = CONTRACT["components"]["schemas"]
    assert schemas["SignedScore"]["maxLength"] == LARGEST_ANSWER
    assert schemas["SignedReasons"]["maxLength"] == LARGEST_CATALOGUE


def test_every_reference_of_the_contract_exists() -> None:
    names = set(CONTRACT["components"]["schemas"])
    text = json.dumps(CONTRACT)
    used = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used | {"Header"} == names
    assert CONTRACT["openapi"].startswith("3.1.")
