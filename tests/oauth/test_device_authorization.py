"""The device authorization endpoint (RFC 8628 section 3.1): requests of a point of sale, and the response."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import segno
from sqlalchemy import select

from gateway.kit.crypto import digest
from gateway.services.identity import user_codes
from gateway.settings import Settings
from gateway.store.base import read_row
from gateway.store.oauth.device_codes import DEVICE_CODES, DeviceCodeRow
from tests.support.clock import MovableClock
from tests.support.factories import make_client
from tests.support.oauth import PartnerApp
from tests.support.oauth_world import CALLBACK, USER_SCOPES, OAuthWorld
from tests.support.point_of_sale import SALE, authorize_device, error, poll, request_device_authorization
from tests.support.units import reading, writing


@pytest.fixture
def world(database_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    """The world, on each database in turn."""
    with closing(OAuthWorld(database_url, settings, clock)) as made:
        yield made


def list_rows(world: OAuthWorld) -> list[DeviceCodeRow]:
    with reading(world.database) as unit:
        return [read_row(DeviceCodeRow, row) for row in unit.connection.execute(select(DEVICE_CODES))]


def sale_without(member: str) -> dict[str, Any]:
    return {name: value for name, value in SALE.items() if name != member}


def test_68_response_members(world: OAuthWorld) -> None:
    response = request_device_authorization(world.bank)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    authorization, address = response.json(), world.container.settings.issuer + "/device"
    assert authorization["device_code"].startswith("sgw_test_dc_")
    assert len(authorization["device_code"]) >= len("sgw_test_dc_") + 43  # 256 bits in base64url
    first, _, second = authorization["user_code"].partition("-")
    assert len(first) == len(second) == 4
    assert set(first + second) <= set(user_codes.ALPHABET)
    assert authorization["verification_uri"] == address
    assert authorization["verification_uri_complete"] == f"{address}?user_code={authorization['user_code']}"
    assert (authorization["expires_in"], authorization["interval"]) == (600, 5)


def test_68_qr_code_has_the_complete_address(world: OAuthWorld) -> None:
    authorization = authorize_device(world.bank)
    drawing = ElementTree.fromstring(authorization["sesame_verification_qr_svg"])  # noqa: S314  # our own drawing
    namespace = "{http://www.w3.org/2000/svg}"
    assert drawing.tag == f"{namespace}svg"
    ground, lines = drawing.iter(f"{namespace}path")
    assert ground.get("fill") == "#fff"
    matrix = segno.make_qr(authorization["verification_uri_complete"]).matrix
    drawn = sum(int(length) for length in re.findall(r"h(\d+)", lines.get("d", "")))
    assert drawn == sum(map(sum, matrix))  # the number of dark modules in the code of this address
    other = authorize_device(world.bank)
    assert other["sesame_verification_qr_svg"] != authorization["sesame_verification_qr_svg"]


def test_68_codes_are_stored_as_digests_only(world: OAuthWorld) -> None:
    authorization = authorize_device(world.bank)
    (row,) = list_rows(world)
    letters = authorization["user_code"].replace("-", "")
    assert row.digest == digest(authorization["device_code"])
    # A plain digest of 34 bits could be guessed while the code is valid.
    assert row.user_code_mac == world.container.user_codes.mac(letters) != digest(letters)
    assert authorization["device_code"] not in row.model_dump_json()
    assert letters not in row.model_dump_json()


def test_68_requests_get_different_codes(world: OAuthWorld) -> None:
    authorization = [authorize_device(world.bank) for _ in range(5)]
    assert len({one["device_code"] for one in authorization}) == len({one["user_code"] for one in authorization}) == 5


def test_68_baseline_client_is_accepted(world: OAuthWorld) -> None:
    assert request_device_authorization(world.cars).status_code == 200


def test_68_score_alone_needs_no_point_of_sale(world: OAuthWorld) -> None:
    assert request_device_authorization(world.bank, scope="score:tier").status_code == 200
    assert request_device_authorization(world.bank, {"type": "score", "level": "threshold"}).status_code == 200


def test_68_client_authentication_is_required(world: OAuthWorld) -> None:
    form = {"client_id": world.bank.client_id, "scope": "score:tier"}
    response = world.http().post("/oauth/device_authorization", data=form)
    assert (response.status_code, error(response)) == (401, "invalid_client")
    assert list_rows(world) == []


def test_68_client_without_grant_type_is_rejected(world: OAuthWorld) -> None:
    world.change_client(world.bank, grant_types=["authorization_code", "refresh_token"])
    assert error(request_device_authorization(world.bank)) == "unauthorized_client"
    assert error(poll(world.bank, "sgw_test_dc_any")) == "unauthorized_client"
    assert list_rows(world) == []


@pytest.mark.parametrize("scope", ["score:exact", "decisions:read", "nonsense", "score:tier nonsense"])
def test_68_disallowed_scope_is_rejected(world: OAuthWorld, scope: str) -> None:
    world.change_client(world.bank, scopes=["score:tier", "decisions:read"])
    assert error(request_device_authorization(world.bank, scope=scope)) == "invalid_scope"
    assert list_rows(world) == []


def test_68_disallowed_detail_is_rejected(world: OAuthWorld) -> None:
    world.change_client(world.bank, scopes=["score:tier"])
    assert error(request_device_authorization(world.bank)) == "invalid_authorization_details"


@pytest.mark.parametrize("member", ["store_id", "terminal_id", "maximum_amount", "products"])
def test_68_decision_requires_point_of_sale_and_amount(world: OAuthWorld, member: str) -> None:
    assert error(request_device_authorization(world.bank, sale_without(member))) == "invalid_authorization_details"
    assert list_rows(world) == []


def test_68_decision_scope_requires_detail(world: OAuthWorld) -> None:
    assert error(request_device_authorization(world.bank, scope="decisions:request")) == "invalid_scope"


def test_68_empty_request_is_rejected(world: OAuthWorld) -> None:
    assert error(world.bank.post("/oauth/device_authorization", {})) == "invalid_request"


@pytest.mark.parametrize("text", ["", "not json", "{}", "[]", '"é"', "[null]", '[{"type": 5}]', "[" * 500])
def test_68_junk_details_are_rejected(world: OAuthWorld, text: str) -> None:
    response = world.bank.post("/oauth/device_authorization", {"authorization_details": text})
    assert error(response) in {"invalid_authorization_details", "invalid_request"}


@pytest.mark.parametrize("scope", ['"', "é", "\\", "score:tier\x7f"])
def test_68_junk_scopes_are_rejected(world: OAuthWorld, scope: str) -> None:
    assert error(request_device_authorization(world.bank, scope=scope)) in {"invalid_scope", "invalid_request"}


def test_68_only_post_is_accepted(world: OAuthWorld) -> None:
    assert world.http().get("/oauth/device_authorization").status_code == 405


def test_68_parameters_in_query_are_rejected(world: OAuthWorld) -> None:
    response = world.cars.post("/oauth/device_authorization?scope=score:tier", {"scope": "score:tier"})
    assert error(response) == "invalid_request"


def test_68_stored_request_is_complete_and_short(world: OAuthWorld) -> None:
    authorize_device(world.bank, SALE, {"type": "score", "level": "tier", "optional": True})
    (row,) = list_rows(world)
    complete = row.parameters["complete"]
    assert complete["scopes"] == ["score:tier", "decisions:request"]
    decision, score = complete["details"]
    assert decision["duration"] == score["duration"] == "PT15M"
    assert score["optional"] is True
    assert (decision["store_id"], decision["terminal_id"]) == ("Store 17", "T-3")


def test_68_setting_determines_lifetime(world: OAuthWorld, clock: MovableClock) -> None:
    changed = world.container.settings.model_copy(update={"device_code_life": timedelta(seconds=90)})
    object.__setattr__(world.container, "settings", changed)
    assert authorize_device(world.bank)["expires_in"] == 90
    assert list_rows(world)[0].expires_at == clock() + timedelta(seconds=90)


def test_metadata_has_the_endpoint(world: OAuthWorld) -> None:
    metadata = world.http().get("/.well-known/oauth-authorization-server").json()
    assert metadata["device_authorization_endpoint"] == world.container.settings.issuer + "/oauth/device_authorization"
    assert "urn:ietf:params:oauth:grant-type:device_code" in metadata["grant_types_supported"]


def test_disabled_client_is_rejected(world: OAuthWorld, clock: MovableClock) -> None:
    world.change_client(world.bank, disabled_at=clock())
    assert error(request_device_authorization(world.bank)) == "invalid_client"


def test_client_without_redirect_uris_is_accepted(world: OAuthWorld) -> None:
    with writing(world.database) as unit:
        grants = ["urn:ietf:params:oauth:grant-type:device_code"]
        columns: Any = {"redirect_uris": [], "grant_types": grants, "secret_digest": digest("s3cret")}
        client_id = make_client(unit, world.cars_id, scopes=USER_SCOPES, **columns)
    point_of_sale = PartnerApp(world.http(), client_id, "s3cret", CALLBACK)
    assert request_device_authorization(point_of_sale, SALE).status_code == 200
