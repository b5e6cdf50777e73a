"""`gateway clients`: registration with keys, invitations, approvals, list and show."""

import json
import stat
from contextlib import closing
from pathlib import Path

import pytest

from gateway.kit.client_key import private_jwk, public_jwks
from gateway.store.database import Database
from gateway.store.identity.clients import ClientRow
from gateway.store.oauth.initial_access_tokens import INITIAL_ACCESS_TOKENS
from tests.cli.test_serve import KEY
from tests.support.clock import NOON
from tests.support.factories import make_client, make_merchant, make_partner
from tests.support.key_host import KeyHost
from tests.support.operators import Gateway
from tests.support.units import reading, writing

LIVE = {
    "GATEWAY_ENVIRONMENT": "live",
    "GATEWAY_ISSUER": "https://gateway.example",
    "GATEWAY_SECRET_KEY": KEY,
    "GATEWAY_ADAPTERS": "car_rental",
}


@pytest.fixture
def gateway(sqlite_url: str, tmp_path: Path) -> Gateway:
    return Gateway(sqlite_url, tmp_path)


@pytest.fixture
def merchant(sqlite_url: str) -> str:
    with closing(Database(sqlite_url)) as database, writing(database) as unit:
        return make_merchant(unit, make_partner(unit))


def _row(url: str, client_id: str) -> ClientRow:
    with closing(Database(url)) as database, reading(database) as unit:
        client = unit.clients.load(client_id)
    assert client is not None
    return client


def _register(gateway: Gateway, merchant: str, *more: str, stdin: str = "") -> str:
    return gateway.output("clients", "register", merchant, "Backend", *more, stdin=stdin).split()[1]


def test_register_reads_keys_from_a_file_or_standard_input(
    gateway: Gateway, merchant: str, sqlite_url: str, tmp_path: Path
) -> None:
    keys, file = public_jwks(private_jwk()), tmp_path / "keys.json"
    file.write_text(json.dumps(keys))
    for source in (str(file), "-"):
        stdin = file.read_text() if source == "-" else ""
        client_id = _register(gateway, merchant, "--profile", "fapi2", "--jwks", source, stdin=stdin)
        row = _row(sqlite_url, client_id)
        assert (row.profile, row.jwks, row.secret_digest) == ("fapi2", keys, None)


def test_register_fetches_keys_at_an_address_once(sqlite_url: str, tmp_path: Path, merchant: str) -> None:
    with KeyHost() as host:
        lists = {"GATEWAY_OUTGOING_NETWORKS": "127.0.0.0/8", "GATEWAY_JWKS_URI_HOSTS": f"127.0.0.1:{host.port}"}
        gateway = Gateway(sqlite_url, tmp_path, **lists)
        client_id = _register(gateway, merchant, "--profile", "fapi2", "--jwks-uri", host.uri)
        assert host.fetches == 1
        host.fail()
        refusal = gateway.error_line(
            "clients", "register", merchant, "Backend", "--profile", "fapi2", "--jwks-uri", host.uri
        )
        assert "200" in refusal
        host.recover()
        assert "no keys" in gateway.error_line(
            "clients", "register", merchant, "Backend", "--profile", "baseline", "--jwks-uri", host.uri
        )
    row = _row(sqlite_url, client_id)
    assert (row.profile, row.jwks, row.jwks_uri, row.secret_digest) == ("fapi2", None, host.uri, None)


def test_register_writes_a_new_key_for_the_owner_only_and_never_overwrites_one(
    gateway: Gateway, merchant: str, sqlite_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "key.json"
    options = ("--profile", "fapi2", "--new-key", str(file))
    client_id = _register(gateway, merchant, *options)
    written = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _row(sqlite_url, client_id).jwks == public_jwks(json.loads(written))

    refusal = gateway.error_line("clients", "register", merchant, "Backend", *options)
    assert "exists already" in refusal
    assert file.read_text() == written


def test_failed_registration_removes_the_new_key(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    gateway.error_line("clients", "register", "mer_none", "x", "--profile", "fapi2", "--new-key", str(file))
    assert not file.exists()


def test_client_without_a_redirect_uri_is_noted(gateway: Gateway, merchant: str) -> None:
    note = "It has no redirect URI, so it can ask for consents at a point of sale only."
    assert gateway("clients", "register", merchant, "Backend").stderr.startswith(note)
    redirect = ("--redirect-uri", "https://cars.example/callback")
    assert gateway("clients", "register", merchant, "Shop", *redirect).stderr == ""


def test_default_profile_in_live_is_fapi2(sqlite_url: str, tmp_path: Path, merchant: str) -> None:
    live = Gateway(sqlite_url, tmp_path, **LIVE)
    client_id = _register(live, merchant, "--new-key", str(tmp_path / "key.json"))
    assert _row(sqlite_url, client_id).profile == "fapi2"
    assert "profile" in live.error_line("clients", "register", merchant, "x", "--profile", "baseline").lower()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"not json", "does not hold", id="junk"),
        pytest.param(b"\xff\xfe", "does not hold", id="binary"),
        pytest.param(b"[" * 50_000, "does not hold", id="deep"),
        pytest.param(b" " * 70_000, "does not hold", id="large"),
        pytest.param(b"[]", "key set", id="array"),
        pytest.param(b'{"keys": [{"kty": "oct", "k": "x"}]}', "type EC", id="symmetric"),
        pytest.param(json.dumps({"keys": [private_jwk()]}).encode(), "private", id="private"),
    ],
)
def test_register_rejects_an_unusable_key_file_in_one_line(
    gateway: Gateway, merchant: str, tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(content)
    assert message in gateway.error_line(
        "clients", "register", merchant, "x", "--profile", "fapi2", "--jwks", str(file)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--profile", "fapi2"), "--new-key FILE", id="F7-fapi2-without-a-key"),
        pytest.param(("--profile", "fapi2", "--jwks", "none.json"), "cannot be read", id="no such file"),
        pytest.param(("--profile", "fapi3"), "baseline fapi2", id="unknown profile"),
        pytest.param(("--jwks", "a", "--new-key", "b"), "only one", id="two keys"),
        pytest.param(("--jwks", "a", "--jwks-uri", "https://keys.example/"), "only one", id="keys and their address"),
        pytest.param(("--jwks-uri", "https://keys.example/"), "GATEWAY_JWKS_URI_HOSTS", id="host not on the list"),
    ],
)
def test_register_rejects_contradictory_options(
    gateway: Gateway, merchant: str, options: tuple[str, ...], message: str
) -> None:
    assert message in gateway.error_line("clients", "register", merchant, "x", *options)


def test_invite_prints_a_token_with_the_chosen_rights(gateway: Gateway, merchant: str, sqlite_url: str) -> None:
    token = gateway.output("clients", "invite", merchant)
    wider = gateway.output(
        "clients", "invite", merchant, "--scope", "score:exact", "--detail-type", "score", "--expires-in", "PT1H"
    )
    assert token.startswith("sgw_test_ia_")
    with closing(Database(sqlite_url)) as database, reading(database) as unit:
        rows = {row.digest: row for row in unit.connection.execute(INITIAL_ACCESS_TOKENS.select())}
    kept = sorted((row.scopes, row.authorization_details_types) for row in rows.values())
    assert kept == [
        (["score:exact"], ["score"]),
        (["score:tier", "decisions:request", "decisions:read"], ["score", "decision"]),
    ]
    assert not {token, wider} & set(rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--scope", "score:all"), "score:exact", id="scope"),
        pytest.param(("--detail-type", "pay"), "decision", id="type"),
        pytest.param(("--expires-in", "a week"), "P7D", id="duration"),
        pytest.param(("--expires-in", "PT0S"), "longer", id="no time"),
    ],
)
def test_invite_rejects_unknown_rights_and_durations(
    gateway: Gateway, merchant: str, options: tuple[str, ...], message: str
) -> None:
    assert message in gateway.error_line("clients", "invite", merchant, *options)
    assert "no merchant" in gateway.error_line("clients", "invite", "mer_none")


@pytest.fixture
def waiting(sqlite_url: str, merchant: str) -> str:
    """The id of a client that waits for score:exact."""
    with closing(Database(sqlite_url)) as database, writing(database) as unit:
        asked = {"scope": "score:exact", "authorization_details_types": []}
        return make_client(unit, merchant, scopes=["score:tier"], authorization_details_types=["score"], awaiting=asked)


def test_approve_asks_for_confirmation(gateway: Gateway, waiting: str, sqlite_url: str) -> None:
    assert "score:exact" in gateway.output("clients", "list")
    assert gateway("clients", "approve", waiting, stdin="n\n").returncode != 0
    assert _row(sqlite_url, waiting).scopes == ["score:tier"]
    output = gateway.output("clients", "approve", waiting, stdin="y\n")
    assert f"{waiting} requests: score:exact" in output
    assert "Approved." in output
    assert _row(sqlite_url, waiting).scopes == ["score:tier", "score:exact"]
    assert "does not wait for any rights" in gateway.error_line("clients", "approve", waiting, "--yes")


def test_a_refusal_leaves_what_it_has(gateway: Gateway, waiting: str, sqlite_url: str) -> None:
    assert "Refused." in gateway.output("clients", "approve", waiting, "--refuse", "--yes")
    row = _row(sqlite_url, waiting)
    assert (row.scopes, row.awaiting) == (["score:tier"], None)


def test_live_does_not_start_with_an_enabled_client_of_another_profile(
    sqlite_url: str, tmp_path: Path, merchant: str
) -> None:
    live = Gateway(sqlite_url, tmp_path, **LIVE)
    with closing(Database(sqlite_url)) as database, writing(database) as unit:
        foreign = make_client(unit, merchant, profile="baseline")
        make_client(unit, merchant, profile="baseline", disabled_at=NOON)
    refusal = live.error_line("serve", "--port", "0")
    assert f"gateway clients disable {foreign}" in refusal
    assert refusal.count("gateway clients disable") == 1
    assert foreign in live.output("clients", "list")
    live.output("clients", "disable", foreign)


def test_list_as_json_has_the_awaited_rights(gateway: Gateway, waiting: str) -> None:
    (client,) = json.loads(gateway.output("clients", "list", "--json"))
    assert (client["client_id"], client["is_enabled"], client["scopes"]) == (waiting, True, ["score:tier"])
    assert client["awaits_approval"] == {"scopes": ["score:exact"], "authorization_details_types": []}
    assert client["created_at"].endswith("Z")


def test_show_prints_scopes_and_state(gateway: Gateway, waiting: str) -> None:
    lines = gateway.output("clients", "show", waiting).splitlines()
    assert "scopes            score:tier" in lines
    assert "state             enabled" in lines
    assert "awaits approval   score:exact" in lines


def test_show_finds_a_disabled_client(gateway: Gateway, waiting: str) -> None:
    gateway.output("clients", "disable", waiting)
    client = json.loads(gateway.output("clients", "show", waiting, "--json"))
    assert client["is_enabled"] is False
    assert client["disabled_at"].endswith("Z")


def test_show_rejects_an_unknown_client(gateway: Gateway) -> None:
    assert gateway.error_line("clients", "show", "cli_none") == "error: There is no client cli_none."
