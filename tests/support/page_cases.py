"""Every page in each of its states, for tests of how pages look. A route of a page without a case fails a test."""

import importlib
import pkgutil
from dataclasses import replace
from datetime import timedelta
from email.headerregistry import Address
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient

from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.merchants import Product
from gateway.domain.notices.delivery import LONGEST_NOTICE_TIME
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.smtp import SmtpClient
from gateway.kit.smtp_address import read_smtp_url
from gateway.services.notices.mail import MailOutward
from gateway.services.notices.sending import NoticeSender
from gateway.web import pages
from gateway.web.application import build_application
from gateway.web.site.site import build_site
from tests.support.factories import make_decision
from tests.support.grants import EXACT, TIER, WAIVER, new_grant, open_change
from tests.support.oauth import Browser
from tests.support.oauth_world import PASSWORD, OAuthWorld, app_of
from tests.support.page_case import PageCase
from tests.support.partner_page_cases import PARTNER_CASES
from tests.support.people import invite
from tests.support.person_records import write_records
from tests.support.person_scores import give_records
from tests.support.point_of_sale import SALE, authorize_device, open_confirmation
from tests.support.units import writing

_STEPS = "?settle=yes&keep=3&wait=12"
_CODE = "sgw_test_ac_" + "x" * 43


def _signed_in(world: OAuthWorld) -> Browser:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    return browser


def _consent_page(world: OAuthWorld) -> tuple[Browser, httpx2.Response]:
    pushed = world.cars.push(scope=None, authorization_details=[TIER, WAIVER, EXACT])
    browser = world.browser()
    return browser, browser.open(world.cars.address(pushed.json()["request_uri"]), "mei", PASSWORD)


def _invalid_consent_page(world: OAuthWorld) -> httpx2.Response:
    browser, page = _consent_page(world)
    return browser.submit(page, "/oauth/authorize", decision="allow", amount_1="9999999")


def _answered_page(world: OAuthWorld) -> httpx2.Response:
    browser, page = _consent_page(world)
    code = browser.submit(page, "/oauth/authorize", decision="allow").headers["location"]
    assert "code=" in code
    world.execute("UPDATE oauth_codes SET used_at = expires_at")
    return browser.submit(page, "/oauth/authorize", decision="allow")


def _merge_page(world: OAuthWorld) -> httpx2.Response:
    grant_id = new_grant(world, world.cars, TIER)["grant_id"]
    return open_change(world, world.cars, "merge", grant_id, WAIVER)[1]


def _code_page(world: OAuthWorld) -> httpx2.Response:
    return open_confirmation(
        world.browser(), authorize_device(world.bank, SALE, {**TIER, "optional": True})["user_code"]
    )


def _breach(world: OAuthWorld, notice_time: timedelta | None = None) -> tuple[Browser, str, str]:
    """Mei's browser, the id of a decision that was reported as a breach, and the id of its consent. The dispute window
    starts after `notice_time`."""
    browser = world.browser()
    tokens: Any = world.cars.tokens(browser, "mei", PASSWORD)
    with writing(world.database) as unit:
        consent = unit.consents.load(tokens["grant_id"])
        assert consent is not None
        now = unit.business_time(consent.merchant_id)
        more = {"activated_at": now, "due_at": now, "breached_at": now, "breach_kind": BreachKind.DAMAGED}
        if notice_time is not None:
            more["contest_starts_at"] = now + notice_time
        return browser, make_decision(unit, consent, status=Status.BREACHED, **more), consent.id


def _account_page(world: OAuthWorld) -> httpx2.Response:
    return _breach(world)[0].get("/account")


def _breached_page(world: OAuthWorld) -> httpx2.Response:
    browser, decision, _ = _breach(world, LONGEST_NOTICE_TIME)
    return browser.get(f"/account/decisions/{decision}")


def _disputed_page(world: OAuthWorld, path: str) -> httpx2.Response:
    browser, decision, _ = _breach(world)
    page = browser.get("/account")
    browser.submit(page, f"/account/decisions/{decision}/contest", statement="I brought it back.\nAsk your colleague.")
    (dispute,) = [part for part in browser.get("/account").text.split('"') if part.endswith("/withdraw")]
    return browser.get({"account": "/account", "withdraw": dispute}.get(path, f"/account/decisions/{decision}"))


def _claimed_page(world: OAuthWorld, path: str = "") -> httpx2.Response:
    """A page below that of an agreement that Mei says she has kept. With "new", the page before she says so."""
    browser = world.browser()
    tokens: Any = world.cars.tokens(browser, "mei", PASSWORD)
    with writing(world.database) as unit:
        consent = unit.consents.load(tokens["grant_id"])
        assert consent is not None
        now = unit.business_time(consent.merchant_id)
        decision = make_decision(unit, consent, status=Status.ACTIVE, activated_at=now, due_at=now + timedelta(days=3))
    address = f"/account/decisions/{decision}"
    page = browser.get(address)
    if path == "new":
        return page
    browser.submit(page, f"{address}/claim")
    return browser.get(address + path)


def _revocation_page(world: OAuthWorld) -> httpx2.Response:
    browser, _, consent = _breach(world)
    return browser.get(f"/account/consents/{consent}/revoke")


def _records_page(world: OAuthWorld) -> httpx2.Response:
    browser = _signed_in(world)
    write_records(world.container, "mei")
    return browser.get("/account/records")


def _record_page(world: OAuthWorld, path: str) -> httpx2.Response:
    """The page of a record, before and after it was contested, or that of the withdrawal."""
    browser = _signed_in(world)
    address = f"/account/records/{write_records(world.container, 'mei')}"
    page = browser.get(address)
    if path == "wrong":
        return page
    browser.submit(page, f"{address}/contest", statement="I brought it back.\nAsk your colleague.")
    (withdrawal,) = [part for part in browser.get(address).text.split('"') if part.endswith("/withdraw")]
    return browser.get(withdrawal if path == "withdraw" else address)


def _inbox_page(world: OAuthWorld) -> httpx2.Response:
    """The inbox of mei with a notice of each kind, of which two are read."""
    browser, decision, consent_id = _breach(world, LONGEST_NOTICE_TIME)
    with writing(world.database) as unit:
        consent, state = unit.consents.load(consent_id), unit.decisions.load(decision)
        assert consent is not None
        assert state is not None
        for kind in NoticeKind:
            if kind.startswith("CONSENT_"):
                subject: dict[str, Any] = {"subject_id": consent_id}
            else:
                subject = {"subject_id": decision, "product": Product.DEPOSIT_WAIVER}
            at = state.breached_at
            unit.notices.add(consent.user_id, kind, merchant_id=consent.merchant_id, business_at=at, **subject)
        for notice in unit.notices.list_page(consent.user_id, 2):
            unit.notices.mark_read(consent.user_id, notice.id)
    return browser.get("/account/inbox")


def _choice_page(world: OAuthWorld) -> httpx2.Response:
    """The choice of what is sent to mei, at a deployment that sends mails."""
    world.execute("UPDATE users SET email = 'mei.lin.with.a.long.address@mail.example.com' WHERE username = 'mei'")
    mail = SmtpClient(read_smtp_url("smtp://localhost"), Address(addr_spec="notices@gateway.example"))
    sender = NoticeSender(world.database, world.container.clock, MailOutward(mail, "gateway.example"))
    world.app = app_of(replace(world.container, notice_sender=sender))
    return _signed_in(world).get("/account/inbox/settings?saved=1")


def _too_many_logins(world: OAuthWorld) -> httpx2.Response:
    responses = (world.browser().sign_in("mei", "wrong") for _ in range(1000))
    return next(response for response in responses if response.status_code == 429)


def _invitation_page(world: OAuthWorld, **form: str) -> httpx2.Response:
    """The page of a new invitation, or the response to its form."""
    browser = world.browser()
    page = browser.get(f"/invitation?token={invite(world.container)}")
    return browser.submit(page, "/invitation", **form) if form else page


def _unavailable_page(world: OAuthWorld) -> httpx2.Response:
    scope = {"type": "http", "method": "GET", "path": "/account", "query_string": b"", "headers": []}
    response = build_site(world.container).errors.build_response(Request(scope), 503)
    return httpx2.Response(response.status_code, headers=dict(response.headers), content=bytes(response.body))


def _score_page(world: OAuthWorld, query: str = "", handle: str = "good") -> httpx2.Response:
    """The score page of mei, who has the records of this persona."""
    give_records(world, "mei", handle)
    return _signed_in(world).get(f"/account/score{query}")


CASES: tuple[PageCase, ...] = (
    PageCase("home", "/", lambda world: TestClient(build_application(build_site(world.container))).get("/")),
    PageCase("login", "/login", lambda world: world.browser().get("/login?again=1")),
    PageCase("login-wrong", "/login", lambda world: world.browser().sign_in("mei", "wrong")),
    PageCase("login-too-many", "/login", _too_many_logins),
    PageCase("invitation", "/invitation", _invitation_page),
    PageCase("invitation-short", "/invitation", lambda world: _invitation_page(world, password="short")),
    PageCase("invitation-unusable", "/invitation", lambda world: world.browser().get("/invitation?token=x")),
    PageCase("consent", "/oauth/authorize", lambda world: _consent_page(world)[1]),
    PageCase("consent-invalid", "/oauth/authorize", _invalid_consent_page),
    PageCase("consent-answered", "/oauth/authorize", _answered_page),
    PageCase("consent-merge", "/oauth/authorize", _merge_page),
    PageCase("consent-error", "/oauth/authorize", lambda world: world.browser().get("/oauth/authorize")),
    PageCase("device", "/device", lambda world: world.browser().open("/device", "mei", PASSWORD)),
    PageCase("device-wrong", "/device", lambda world: open_confirmation(world.browser(), "BCDF-GHJK")),
    PageCase("device-confirm", "/device", _code_page),
    PageCase("device-allowed", "/device/done", lambda world: world.browser().get("/device/done?decision=allow")),
    PageCase("device-denied", "/device/done", lambda world: world.browser().get("/device/done")),
    PageCase("account-empty", "/account", lambda world: _signed_in(world).get("/account")),
    PageCase("account", "/account", _account_page),
    PageCase("account-disputed", "/account", lambda world: _disputed_page(world, "account")),
    PageCase("accesses", "/account/accesses", lambda world: _breach(world)[0].get("/account/accesses")),
    PageCase("decisions", "/account/decisions", lambda world: _breach(world)[0].get("/account/decisions")),
    PageCase("agreement-breached", "/account/decisions/{id}", _breached_page),
    PageCase("agreement", "/account/decisions/{id}", lambda world: _disputed_page(world, "agreement")),
    PageCase("inbox", "/account/inbox", _inbox_page),
    PageCase("agreement-open", "/account/decisions/{id}", lambda world: _claimed_page(world, "new")),
    PageCase("agreement-claimed", "/account/decisions/{id}", _claimed_page),
    PageCase(
        "withdraw-claim",
        "/account/decisions/{id}/claim/withdraw",
        lambda world: _claimed_page(world, "/claim/withdraw"),
    ),
    PageCase("notice-choice", "/account/inbox/settings", _choice_page),
    PageCase("notice-none", "/account/inbox/settings", lambda world: _signed_in(world).get("/account/inbox/settings")),
    PageCase("score-empty", "/account/score", lambda world: _signed_in(world).get("/account/score")),
    PageCase("score", "/account/score", _score_page),
    PageCase("score-what-if", "/account/score", lambda world: _score_page(world, _STEPS, "overdue")),
    PageCase("records", "/account/records", _records_page),
    PageCase("record", "/account/records/{id}", lambda world: _record_page(world, "wrong")),
    PageCase("record-disputed", "/account/records/{id}", lambda world: _record_page(world, "disputed")),
    PageCase(
        "withdraw-record", "/account/record-disputes/{id}/withdraw", lambda world: _record_page(world, "withdraw")
    ),
    PageCase("end-consent", "/account/consents/{id}/revoke", _revocation_page),
    PageCase("withdraw", "/account/disputes/{id}/withdraw", lambda world: _disputed_page(world, "withdraw")),
    PageCase("error-codes", "/docs/errors", lambda world: world.browser().get("/docs/errors")),
    PageCase("error-code", "/docs/errors/{code}", lambda world: world.browser().get("/docs/errors/INVALID")),
    PageCase("docs", "/docs", lambda world: world.browser().get("/docs")),
    PageCase("docs-path", "/docs/{path:path}", lambda world: world.browser().get("/docs/quickstart/")),
    PageCase("callback", "/partners/callback", lambda world: world.http().get(f"/partners/callback?code={_CODE}")),
    PageCase("callback-error", "/partners/callback", lambda world: world.http().get("/partners/callback?error=a")),
    PageCase("callback-empty", "/partners/callback", lambda world: world.http().get("/partners/callback")),
    *PARTNER_CASES,
    PageCase("not-found", "", lambda world: world.http().get("/nowhere", headers={"Accept": "text/html"})),
    PageCase("broken", "", lambda world: world.http().get("/broken", headers={"Accept": "text/html"})),
    PageCase("unavailable", "", _unavailable_page),
)


def list_page_routes(world: OAuthWorld) -> set[str]:
    """The paths of all pages that can be opened: of every package in gateway.web.pages."""
    site, routes = build_site(world.container), list[Route]()
    for package in pkgutil.iter_modules(pages.__path__):
        routes += importlib.import_module(f"{pages.__name__}.{package.name}.page").routes(site)
    return {route.path for route in routes if "GET" in (route.methods or ())}
