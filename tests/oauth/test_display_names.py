"""Names of merchants and clients at registration and on pages: they cannot be taken for something else."""

import pytest

from gateway.audit.display_names import find_unclear_names
from gateway.domain.display_name import INVISIBLE, LOOKS_LIKE_ANOTHER, MIXED_SCRIPTS, QUOTATION_MARK
from gateway.domain.errors import InvalidInput
from gateway.store.deployment import DeploymentRow
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.point_of_sale import authorize_device, open_confirmation
from tests.support.race import race
from tests.support.registration import Registrar, bearer, metadata
from tests.support.units import reading, writing

REFUSED = [
    pytest.param("Web”. Your answer goes to demo-hotel.example. “x", QUOTATION_MARK, id="D13-quotation-mark"),
    pytest.param("ㅤ Cars", INVISIBLE, id="D13-invisible"),
    pytest.param("Grееn Cars", MIXED_SCRIPTS, id="D13-mixed-scripts"),
    pytest.param("MOON  sh0p", LOOKS_LIKE_ANOTHER, id="D13-duplicate"),
]


def register_merchant(world: OAuthWorld, unit: UnitOfWork, name: str) -> str:
    merchants = world.container.merchants
    return merchants.register(unit, merchants.ensure_partner(unit, "another"), name).id


@pytest.mark.parametrize(("name", "rule"), REFUSED)
def test_d13_name_of_a_merchant_is_refused(world: OAuthWorld, name: str, rule: str) -> None:
    with writing(world.database) as unit, pytest.raises(InvalidInput) as refused:
        register_merchant(world, unit, name)
    assert (refused.value.message, refused.value.field) == (rule, ("name",))


@pytest.mark.parametrize(("name", "rule"), REFUSED)
def test_d13_name_of_a_client_is_refused(world: OAuthWorld, name: str, rule: str) -> None:
    with writing(world.database) as unit, pytest.raises(InvalidInput) as refused:
        world.container.clients.register(unit, world.cars_id, name, [])
    assert (refused.value.message, refused.value.field) == (rule, ("name",))


@pytest.mark.parametrize(("name", "rule"), REFUSED)
def test_d13_name_of_a_client_that_registers_itself_is_refused(world: OAuthWorld, name: str, rule: str) -> None:
    response = Registrar(world).post(metadata(client_name=name))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
    assert response.json()["error_description"] == f"client_name: {rule}"


@pytest.mark.postgresql
def test_d13_of_lookalike_names_at_the_same_moment_one_is_registered(each_world: OAuthWorld) -> None:
    names = ("Harbour Hotel", "HARBOUR HOTEL", "Harb0ur Hotel", "Harbour-Hotel") * 2
    world = each_world
    row = DeploymentRow(environment="sandbox", key_check="check", created_at=NOON)
    world.database.write(lambda unit: unit.deployment.insert_missing(row))

    def register(number: int) -> str:
        try:
            return world.database.write(lambda unit: register_merchant(world, unit, names[number]))
        except InvalidInput as refused:
            return refused.message

    world.database.write(lambda unit: world.container.merchants.ensure_partner(unit, "another"))
    assert race(register).count(LOOKS_LIKE_ANOTHER) == len(names) - 1


def test_d13_name_of_a_client_cannot_be_changed_to_a_refused_one(world: OAuthWorld) -> None:
    made = Registrar(world).register()
    headers = bearer(made["registration_access_token"])
    body = {**metadata(client_name="Moon Shop"), "client_id": made["client_id"]}
    response = world.http().put(made["registration_client_uri"], json=body, headers=headers)
    assert response.json()["error_description"] == f"client_name: {LOOKS_LIKE_ANOTHER}"


def test_d13_name_from_before_the_rule_can_stay(world: OAuthWorld) -> None:
    made = Registrar(world).register()
    world.execute(f"UPDATE oauth_clients SET name = 'Moon Shop' WHERE id = '{made['client_id']}'")
    headers = bearer(made["registration_access_token"])
    body = {**metadata(client_name="Moon Shop"), "client_id": made["client_id"]}
    assert world.http().put(made["registration_client_uri"], json=body, headers=headers).status_code == 200


def test_d13_client_may_have_the_name_of_its_merchant(world: OAuthWorld) -> None:
    assert Registrar(world).register(client_name="Green Cars")["client_name"] == "Green Cars"


def test_d13_names_from_before_the_rules_are_listed(world: OAuthWorld) -> None:
    with reading(world.database) as unit:
        assert list(find_unclear_names(unit)) == []
    world.change_merchant(name="Web”")
    world.change_client(world.rival, name="ㅤ")
    world.change_client(world.cars, name="Moon Shop")
    with writing(world.database) as unit:
        unit.connection.execute(MERCHANTS.update().where(MERCHANTS.c.name == "Far Away").values(name="MOON SHOP"))
    with reading(world.database) as unit:
        found = list(find_unclear_names(unit))
    assert f"{world.cars_id}: {QUOTATION_MARK}" in found
    assert f"{world.rival.client_id}: {INVISIBLE}" in found
    assert sum(LOOKS_LIKE_ANOTHER in sentence for sentence in found) >= 3
    assert "Web" not in str(found)


def test_d13_names_on_the_consent_page_stand_alone(world: OAuthWorld) -> None:
    world.change_merchant(name="M”. Forged")
    world.change_client(world.cars, name="C”. Your answer goes to demo.example. “x")
    address = world.cars.address(world.cars.push().json()["request_uri"])
    text = world.browser().open(address, "mei", PASSWORD).text
    assert text.count("M”. Forged") == text.count('<bdi class="name">M”. Forged</bdi>') == 1
    assert text.count("C”. Your") == text.count("<dd><bdi>C”. Your answer goes to demo.example. “x</bdi></dd>") == 1
    assert "<dd><bdi>client.example</bdi></dd>" in text


def test_d13_names_on_the_device_page_stand_alone(world: OAuthWorld) -> None:
    world.change_merchant(name="M”. Forged")
    text = open_confirmation(world.browser(), authorize_device(world.bank)["user_code"]).text
    assert text.count("M”. Forged") == text.count('<bdi class="name">M”. Forged</bdi>') == 1
    assert "<dd><bdi>Backend</bdi></dd>" in text
    assert "<dd><bdi>Store 17</bdi></dd>" in text


def test_d13_names_on_the_account_page_stand_alone(world: OAuthWorld) -> None:
    browser = world.browser()
    world.cars.ask(browser, "mei", PASSWORD)
    world.change_merchant(name="M”. Forged")
    text = browser.get("/account").text
    assert text.count("M”. Forged") == text.count("<bdi>M”. Forged</bdi>") >= 1
