"""Rights beyond a client's invitation await the approval of the operator (RFC 7591 section 2)."""

import pytest

from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.identity.client_rights import Rights
from tests.support.oauth_world import CALLBACK, PASSWORD, OAuthWorld
from tests.support.race import race
from tests.support.registration import KEY, Registrar, metadata
from tests.support.units import reading, writing

WIDE = "score:exact score:tier decisions:read decisions:write"


@pytest.fixture
def registrar(world: OAuthWorld) -> Registrar:
    return Registrar(world)


def test_73_scopes_beyond_invitation_await_approval(registrar: Registrar, world: OAuthWorld) -> None:
    made = registrar.register(registrar.invite(["score:tier", "decisions:read"], ["score"]), scope=WIDE)
    assert (made["scope"], made["authorization_details_types"]) == ("score:tier decisions:read", ["score"])
    assert made["awaiting_approval"] == {"scope": "score:exact decisions:write", "authorization_details_types": []}
    app = registrar.app(made)
    assert app.push(scope="score:exact").status_code == 400
    assert app.merchant_token().json()["scope"] == "decisions:read"

    with writing(world.database) as unit:
        waiting = registrar.service.load_awaiting(unit, made["client_id"])
        registrar.service.approve(unit, made["client_id"], waiting)
    assert app.push(scope="score:exact").status_code == 201
    now = registrar.manage("GET", made).json()
    assert now["scope"] == "score:tier score:exact decisions:read decisions:write"
    assert "awaiting_approval" not in now


def test_73_types_beyond_invitation_await_approval(registrar: Registrar, world: OAuthWorld) -> None:
    made = registrar.register(registrar.invite(types=["score"]), authorization_details_types=["decision", "score"])
    assert made["authorization_details_types"] == ["score"]
    assert made["awaiting_approval"] == {"scope": "", "authorization_details_types": ["decision"]}
    app = registrar.app(made)
    # Neither as details nor by the scope that includes them.
    assert app.push(scope="decisions:request").status_code == 400
    assert app.push(scope="score:tier").status_code == 201


def test_73_refusal_keeps_rights(registrar: Registrar, world: OAuthWorld) -> None:
    made = registrar.register(scope=WIDE)
    with writing(world.database) as unit:
        registrar.service.refuse(unit, made["client_id"], registrar.service.load_awaiting(unit, made["client_id"]))
    now = registrar.manage("GET", made).json()
    assert now["scope"] == made["scope"]
    assert "awaiting_approval" not in now


def test_73_update_does_not_extend_rights(registrar: Registrar) -> None:
    made = registrar.register()
    response = registrar.manage(
        "PUT", made, json=metadata(client_id=made["client_id"], scope=f"{made['scope']} {WIDE}")
    )
    assert response.status_code == 200
    assert response.json()["scope"] == made["scope"]
    assert response.json()["awaiting_approval"]["scope"] == "score:exact decisions:write"


def test_73_changed_request_cannot_be_approved(registrar: Registrar, world: OAuthWorld) -> None:
    made = registrar.register(scope="score:tier decisions:write")
    with reading(world.database) as unit:
        shown = registrar.service.load_awaiting(unit, made["client_id"])
    registrar.manage("PUT", made, json=metadata(client_id=made["client_id"], scope="score:tier score:exact"))
    with pytest.raises(InvalidInput), writing(world.database) as unit:
        registrar.service.approve(unit, made["client_id"], shown)
    assert registrar.manage("GET", made).json()["scope"] == "score:tier"


def test_73_reduced_rights_apply_to_existing_tokens(registrar: Registrar, world: OAuthWorld) -> None:
    made = registrar.register()
    app = registrar.app(made)
    tokens = app.tokens(world.browser(), "mei", PASSWORD, scope="score:tier decisions:request")
    merchant = app.merchant_token().json()["access_token"]
    assert set(app.call(tokens["access_token"]).json()["scopes"]) == {"score:tier", "decisions:request"}

    registrar.manage("PUT", made, json=metadata(client_id=made["client_id"], scope="score:threshold"))
    assert app.call(tokens["access_token"]).json()["scopes"] == ["score:threshold"]
    assert app.call(merchant).json()["allowed"] == []
    assert app.refresh(tokens["refresh_token"]).json()["scope"] == "score:threshold"
    registrar.manage("PUT", made, json=metadata(client_id=made["client_id"], authorization_details_types=[]))
    assert app.call(tokens["access_token"]).json()["allowed"] == []
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_scope"
    assert app.merchant_token().json()["error"] == "invalid_scope"


def test_73_higher_scope_is_replaced_by_lower_one(registrar: Registrar, world: OAuthWorld) -> None:
    made = registrar.register(registrar.invite(["score:exact"]), scope="score:exact score:tier")
    app = registrar.app(made)
    tokens = app.tokens(world.browser(), "mei", PASSWORD, scope="score:exact")
    registrar.manage("PUT", made, json=metadata(client_id=made["client_id"], scope="score:tier"))
    assert app.call(tokens["access_token"]).json()["scopes"] == ["score:tier"]
    assert app.refresh(tokens["refresh_token"]).json()["scope"] == "score:tier"


def test_client_without_request_cannot_be_approved(registrar: Registrar, world: OAuthWorld) -> None:
    made = registrar.register()
    with writing(world.database) as unit:
        with pytest.raises(InvalidInput):
            registrar.service.load_awaiting(unit, made["client_id"])
        with pytest.raises(NotFound):
            registrar.service.approve(unit, "cli_test_none", Rights.of(["score:exact"], ()))


@pytest.mark.postgresql
def test_one_of_concurrent_approvals_succeeds(racing_world: OAuthWorld) -> None:
    registrar = Registrar(racing_world)
    made = registrar.register(scope=WIDE)
    with reading(racing_world.database) as unit:
        shown = registrar.service.load_awaiting(unit, made["client_id"])

    def settle(number: int) -> str:
        act = registrar.service.approve if number % 2 else registrar.service.refuse
        try:
            with writing(racing_world.database) as unit:
                act(unit, made["client_id"], shown)
        except InvalidInput:
            return "late"
        return act.__name__

    responses = [response for response in race(settle, 6) if response != "late"]
    with reading(racing_world.database) as unit:
        row = unit.clients.load(made["client_id"])
    assert row is not None
    assert len(responses) == 1
    assert ("score:exact" in row.scopes) == (responses == ["approve"])
    assert row.awaiting is None
    assert (row.redirect_uris, row.jwks) == ([CALLBACK], {"keys": [dict(KEY.as_dict(private=False))]})
