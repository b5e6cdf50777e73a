"""Random bytes in paths, queries, headers, cookies and forms of every route: no 5xx, no traceback, no request over a
second of CPU. The data is the same in each run."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.raw_requests import RawClient, RawResponse, raw_client

ROUNDS = [100, pytest.param(2000, marks=pytest.mark.slow)]
"""The number of requests of each kind. The large number runs in `make test-all` only."""

PAGES = (
    *(
        "/login",
        "/logout",
        "/invitation",
        "/account",
        "/account/accesses",
        "/account/decisions",
        "/account/decisions/dec_1",
    ),
    *(
        "/account/consents/con_1/revoke",
        "/account/disputes/dsp_1/withdraw",
        "/account/records",
        "/account/records/rec_1",
        "/account/inbox",
        "/account/inbox/settings",
        "/account/record-disputes/rdp_1/withdraw",
        "/oauth/authorize",
        "/device",
        "/device/done",
    ),
)
OTHERS = (
    "/",
    "/docs/",
    "/docs/errors",
    "/partners/callback",
    "/static/gateway.css",
    "/graphql",
    "/oauth/token",
    "/oauth/par",
)
NAMES = (
    *(b"client_id", b"request_uri", b"user_code", b"return_to", b"lang", b"ended", b"again", b"decision", b"code"),
    *(b"state", b"error", b"csrf_token", b"username", b"password", b"duration", b"include_0", b"amount_0", b"kind"),
    *(b"after", b"dimension", b"statement", b"token", b"foo[bar]", b"", b"%00", b"\xff"),
)
WORDS = (
    *(b"", b"%00", b"%ff", b"%", b"%zz", b"\xff\xfe", b"%ED%A0%80", b"%E2%80%AE", b"a=b=c", b"&&;;", b"+" * 40),
    *(b"/account", b"///account", b"//evil.example", b"javascript:x", b"<script>", b"\"'`", b"{{7*7}}", b"%0d%0aX:y"),
    *(b"1" * 5000, b"a" * 20_000, b"[" * 5000, b"-1", b"1e999", b"9" * 400, b"zh", b"xx", b"\xf0\x9f\x99\x82"),
    *(b"ABCD-EFGH", b"sgw_test_ac_" + b"a" * 43, b"urn:ietf:params:oauth:request_uri:x", b"\x80", b"\x00", b"\r\n"),
)
HEADERS = (
    *(b"accept", b"accept-language", b"accept-encoding", b"authorization", b"content-encoding", b"content-length"),
    *(b"content-type", b"cookie", b"dpop", b"host", b"origin", b"referer", b"sec-fetch-site", b"user-agent"),
    *(b"x-forwarded-for", b"x-forwarded-host", b"x-request-id", b"range", b"if-none-match", b"if-modified-since"),
    *(b"expect", b"upgrade", b"transfer-encoding", b"te", b"x-http-method-override"),
)
HEADER_WORDS = (
    *WORDS,
    *(b"Basic", b"Basic ", b"Basic \xff", b"Bearer sgw_test_at_x", b"DPoP a.b.c", b"dpop \xa0", b"bytes=0-,-1,5-2"),
    *(b"text/html;q=nan", b"*/*;q=-1", b"zh;q=inf, en;q=nan", b",;,=", b"multipart/form-data; boundary=\xff"),
    *(
        b"application/x-www-form-urlencoded; charset=utf-16",
        b"Thu, 01 Jan 1970 00:00:00 GMT",
        b"null",
        b"http://[",
        b"*",
    ),
    *(b"sesame_session=" + b"a" * 200, b'sesame_session="\\000\\377"', b"sesame_language=\xff", b"a" * 9000, b"=;=;="),
)
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "QUERY", "get", "\u00e9")

value = st.sampled_from(WORDS) | st.binary(max_size=30)
pair = st.tuples(st.sampled_from(NAMES) | st.binary(max_size=8), value).map(lambda each: each[0] + b"=" + each[1])
form = st.lists(pair, max_size=6).map(b"&".join) | st.binary(max_size=60)
headers = st.lists(
    st.tuples(st.sampled_from(HEADERS), st.sampled_from(HEADER_WORDS) | st.binary(max_size=60)), max_size=5
)
paths = st.sampled_from([path.encode() for path in (*PAGES, *OTHERS)]) | st.builds(
    lambda start, rest: start + b"/" + rest,
    st.sampled_from([b"", b"/account/decisions", b"/static", b"/oauth/grants"]),
    value,
)


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuthWorld]:
    file = tmp_path_factory.mktemp("fuzz") / "gateway.db"
    file.write_bytes(sqlite_template.read_bytes())
    own = Settings(issuer="http://127.0.0.1:8000")
    with closing(OAuthWorld(f"sqlite:///{file}", own, MovableClock())) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(world: OAuthWorld) -> Iterator[RawClient]:
    with raw_client(world.app) as opened:
        yield opened


@pytest.fixture(scope="module")
def signed_in(world: OAuthWorld) -> tuple[bytes, bytes]:
    """The Cookie header and the CSRF field of a signed-in person."""
    browser = world.browser()
    assert browser.sign_in("mei", PASSWORD).status_code == 303
    token = browser.get("/account").text.split('name="csrf_token" value="')[1].split('"')[0]
    cookies = "; ".join(f"{name}={text}" for name, text in browser.http.cookies.items())
    return cookies.encode(), b"csrf_token=" + token.encode()


def check(response: RawResponse, *request: object) -> None:
    assert 200 <= response.status < 500, request
    assert b"Traceback" not in response.body, request
    assert b"site-packages" not in response.body, request
    assert response.seconds < 1, request
    location = response.header(b"location") or b""
    assert b"evil.example" not in location.partition(b"?")[0], request
    assert not location.startswith((b"//", b"/\\")), request
    for name, text in response.headers:
        assert not {b"\r", b"\n"} & {name, text}, request
        assert b"\n" not in text, request


def run(number: int) -> settings:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=number, derandomize=True, database=None, deadline=None, suppress_health_check=quiet)


@pytest.mark.parametrize("number", ROUNDS)
def test_d3_d14_random_requests(client: RawClient, number: int) -> None:
    @run(number)
    @given(method=st.sampled_from(METHODS), path=paths, query=form, sent=headers, body=form)
    def requests(method: str, path: bytes, query: bytes, sent: list[tuple[bytes, bytes]], body: bytes) -> None:
        check(client.send(method, path, query, sent, body), method, path, query, sent, body)

    requests()


@pytest.mark.parametrize("number", ROUNDS)
def test_d14_random_addresses_of_pages(client: RawClient, signed_in: tuple[bytes, bytes], number: int) -> None:
    cookie = [(b"cookie", signed_in[0])]

    @run(number)
    @given(path=st.sampled_from([*PAGES, "/partners/callback"]), query=form, person=st.booleans())
    def requests(path: str, query: bytes, person: bool) -> None:
        check(client.send("GET", path.encode(), query, cookie if person else ()), path, query)

    requests()


@pytest.mark.parametrize("number", ROUNDS)
def test_d14_random_forms_of_a_signed_in_person(client: RawClient, signed_in: tuple[bytes, bytes], number: int) -> None:
    cookie, token = signed_in
    sent = [(b"cookie", cookie), (b"content-type", b"application/x-www-form-urlencoded")]
    kept = [path for path in PAGES if path != "/logout"]  # it would end the session

    @run(number)
    @given(path=st.sampled_from(kept), fields=form, query=form)
    def requests(path: str, fields: bytes, query: bytes) -> None:
        check(client.send("POST", path.encode(), query, sent, token + b"&" + fields), path, fields, query)

    requests()


@pytest.mark.parametrize("number", ROUNDS)
def test_d10_random_headers_of_clients(client: RawClient, number: int) -> None:
    @run(number)
    @given(
        path=st.sampled_from([b"/oauth/token", b"/oauth/par", b"/graphql", b"/oauth/grants/x"]), sent=headers, body=form
    )
    def requests(path: bytes, sent: list[tuple[bytes, bytes]], body: bytes) -> None:
        kind = [(b"content-type", b"application/json" if path == b"/graphql" else b"application/x-www-form-urlencoded")]
        check(client.send("POST", path, b"", [*kind, *sent], body), path, sent, body)

    requests()
