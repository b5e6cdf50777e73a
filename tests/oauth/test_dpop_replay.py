"""Replay detection: a proof of possession is accepted once (RFC 9449 section 11.1)."""

import pytest

from tests.support.clock import MovableClock
from tests.support.dpop import NOW, TOKEN, assert_granted, assert_refused, bank_with_nonce, request_token
from tests.support.oauth_world import OAuthWorld
from tests.support.race import race

pytestmark = pytest.mark.postgresql


def test_49_proof_is_accepted_once(each_world: OAuthWorld, clock: MovableClock) -> None:
    bank = bank_with_nonce(each_world)
    proof = bank.proof(TOKEN, iat=NOW + 14)
    assert_granted(request_token(bank, proof))
    for seconds in (0, 30, 43):  # while its age is valid
        clock.advance(seconds=seconds)
        assert_refused(request_token(bank, proof))
        assert_granted(request_token(bank, bank.proof(TOKEN)))
    clock.advance(seconds=3)
    assert_refused(request_token(bank, proof))


def test_49_jti_is_unique_per_key(each_world: OAuthWorld) -> None:
    bank, rival = bank_with_nonce(each_world), each_world.rival
    proof = bank.proof(TOKEN, jti="once")
    assert_granted(request_token(bank, proof))
    assert_refused(request_token(rival, proof))
    assert_refused(request_token(bank, bank.proof(TOKEN, jti="once", iat=NOW - 5)))  # another proof, but the same jti
    rival.nonce = bank.nonce
    assert_granted(request_token(rival, rival.proof(TOKEN, jti="once")))  # with another key


def test_49_concurrent_use_is_accepted_once(racing_world: OAuthWorld) -> None:
    bank = bank_with_nonce(racing_world)
    proof = bank.proof(TOKEN)
    forms = [{**bank.authentication(), "grant_type": "client_credentials"} for _ in range(8)]
    responses = race(lambda n: racing_world.http().post(TOKEN, data=forms[n], headers={"DPoP": proof}))
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7
