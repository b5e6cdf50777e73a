"""Secrets have the prefixes in the partners' guide, so that secret scanners find them."""

import re

import pytest

from gateway.domain.environment import LIVE, SANDBOX, Environment
from gateway.kit.crypto import random_token
from tests.support.checkout import ROOT
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.point_of_sale import authorize_device

GUIDE = (ROOT / "docs/oauth.md").read_text()
(PATTERN,) = re.findall(r"`(sgw_\(test_\)\?[^`]+)`", GUIDE)


@pytest.mark.parametrize("environment", [SANDBOX, LIVE], ids=["sandbox", "live"])
@pytest.mark.parametrize("kind", ["at", "rt", "ac", "cs", "dc", "ia", "ra"])
def test_guide_has_every_prefix(environment: Environment, kind: str) -> None:
    assert re.fullmatch(PATTERN, random_token(environment.token_prefix(kind)))
    assert f"| `{kind}` |" in GUIDE


def test_issued_secrets_have_prefixes(world: OAuthWorld) -> None:
    back, verifier = world.bank.ask(world.browser(), "mei", PASSWORD)
    tokens = world.bank.redeem(back["code"], verifier).json()
    handed_out = [
        back["code"],
        tokens["access_token"],
        tokens["refresh_token"],
        authorize_device(world.bank)["device_code"],
    ]
    assert all(re.fullmatch(PATTERN, text) for text in handed_out)
