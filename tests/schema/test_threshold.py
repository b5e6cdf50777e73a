"""meetsTier under a consent of the level threshold."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.consents.consent import Consent
from gateway.domain.identity.principal import Principal
from gateway.domain.scoring.tier import Tier
from tests.support import factories
from tests.support.graphql_world import DETAILS, GraphQLWorld
from tests.support.units import reading, writing

QUERY = """{ consentedUser { consent { authorizationDetails { minimum } }
  a: meetsTier(minimum: GOOD) b: meetsTier(minimum: FAIR) c: meetsTier(minimum: GOOD) } }"""


def threshold(world: GraphQLWorld, minimum: Tier | None = None) -> Consent:
    detail = replace(DETAILS[0], level="threshold", minimum=minimum)
    with writing(world.database) as unit:
        return factories.make_consent(
            unit, world.client_id, world.consent.user_id, scopes=("score:threshold",), details=(detail,)
        )


def reloaded(world: GraphQLWorld, consent: Consent) -> Principal:
    """The principal of a user token of this consent, checked now."""
    with reading(world.database) as unit:
        stored = unit.consents.load(consent.id)
    assert stored is not None
    return world.user("score:threshold", consent=stored)


@pytest.mark.parametrize("minimum", [pytest.param(None, id="E4-first"), pytest.param(Tier.GOOD, id="E4-named")])
def test_other_tiers_are_null_with_forbidden(world: GraphQLWorld, minimum: Tier | None) -> None:
    consent = threshold(world, minimum)
    body: Any = world.run(QUERY, by=reloaded(world, consent)).body
    user = body["data"]["consentedUser"]
    assert (user["a"], user["b"], user["c"]) == ("YES", None, "YES")
    (error,) = body["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["consentedUser", "b"], "FORBIDDEN")
    assert error["extensions"]["requiredScopes"] == [["score:tier"]]
    later: Any = world.run(QUERY.replace("a: meetsTier(minimum: GOOD)", ""), by=reloaded(world, consent)).body
    user = later["data"]["consentedUser"]
    assert (user["b"], user["c"]) == (None, "YES")
    assert user["consent"] == {"authorizationDetails": [{"minimum": "GOOD"}]}
