"""Replay detection: a proof of possession is accepted once (RFC 9449 section 11.1)."""

import pytest

from tests.support.clock import MovableClock
from tests.support.dpop import NOW, TOKEN, granted, ready, refused, sent
from tests.support.oauth_world import OAuthWorld
from tests.support.race import race

pytestmark = pytest.mark.postgresql


def test_49_proof_is_accepted_once(each_world: OAuthWorld, clock: MovableClock) -> None:
    bank = ready(each_world)
    proof = bank.proof(TOKEN, iat=NOW + 14)
    granted(sent(bank, proof))
    for seconds in (0, 30, 43):  # while its age is valid
        clock.advance(seconds=seconds)
        refused(sent(bank, proof))
        granted(sent(bank, bank.proof(TOKEN)))
    clock.advance(seconds=3)
    refused(sent(bank, proof))


def test_49_jti_is_unique_per_key(each_world: OAuthWorld) -> None:
    bank, rival = ready(each_world), each_world.rival
    proof = bank.proof(TOKEN, jti="once")
    granted(sent(bank, proof))
    refused(sent(rival, proof))
    refused(sent(bank, bank.proof(TOKEN, jti="once", iat=NOW - 5)))  # another proof, but the same jti
    rival.nonce = bank.nonce
    granted(sent(rival, rival.proof(TOKEN, jti="once")))  # with another key


def test_49_concurrent_use_is_accepted_once(racing_world: OAuthWorld) -> None:
    bank = ready(racing_world)
    proof = bank.proof(TOKEN)
    forms = [{**bank.authentication(), "grant_type": "client_credentials"} for _ in range(8)]
    responses = race(lambda n: racing_world.http().post(TOKEN, data=forms[n], headers={"DPoP": proof}))
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7
