"""The pages of the records about a person: which count, and the forms that contest an imported one."""

from datetime import timedelta
from html import escape, unescape

import httpx2
import pytest

from gateway.domain.scoring.record import RecordKind
from gateway.domain.scoring.record_dispute import REOPENING_TIME, RecordDisputeStatus
from gateway.kit.clock import BusinessTime
from gateway.store.scoring.records import GATEWAY, new_record_row
from tests.support.clock import BUSINESS_NOON, MovableClock
from tests.support.factories import make_decision
from tests.support.oauth import Browser, form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.person_records import write_records
from tests.support.records import record
from tests.support.units import writing

RECORDS = "/account/records"
STATEMENT = "我已经把车还了。\n“Ask” your \\ colleague 🚗"


@pytest.fixture
def broken(world: OAuthWorld) -> str:
    """The id of a broken record about mei, who has one of each kind."""
    return write_records(world.container, "mei")


@pytest.fixture
def browser(world: OAuthWorld) -> Browser:
    """Mei's browser."""
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    return browser


def contest(browser: Browser, record_id: str, statement: str = "I paid.") -> httpx2.Response:
    page = browser.get(f"{RECORDS}/{record_id}")
    return browser.submit(page, f"{RECORDS}/{record_id}/contest", statement=statement)


def withdrawal(browser: Browser, record_id: str) -> str:
    (action,) = {part for part in browser.get(f"{RECORDS}/{record_id}").text.split('"') if part.endswith("/withdraw")}
    return action


def resolve(world: OAuthWorld, *, uphold: bool, resolution: str = "We looked at it.") -> None:
    ((dispute,),) = world.rows("SELECT id FROM record_disputes WHERE status = 'AWAITING_SOURCE'")
    world.container.record_disputes.resolve(dispute, uphold=uphold, resolution=resolution)


def make_own_record(world: OAuthWorld) -> str:
    """The id of a decision about mei with a record."""
    grant = world.tokens()["grant_id"]
    with writing(world.database) as unit:
        consent = unit.consents.load(str(grant))
        assert consent is not None
        decision_id = make_decision(unit, consent)
        own = record(RecordKind.LATE, at=BUSINESS_NOON, partner=world.partner_id)
        row = new_record_row(own, consent.user_id, source=GATEWAY, reference=decision_id)
        unit.behaviour_records.insert_all([row.model_copy(update={"id": decision_id})])
        return decision_id


@pytest.mark.usefixtures("broken")
def test_list_says_what_each_record_is_and_whether_it_counts(browser: Browser) -> None:
    text = unescape(browser.get(RECORDS).text)
    for sentence in (
        "You kept this in time.",
        "You did not keep this. CN¥100",
        "This is overdue.",
        "8 of 12 months with a paid order.",
        "An identity document of yours was verified.",
        "It counts for your score.",
        "It is too old to count.",
        "It does not count, because you do not share this.",
        "merchants can decline your requests because of it.",
        "November 20, 2026 · Source: <bdi>harbour</bdi>",
    ):
        assert sentence in text
    assert text.count("Is this wrong?") == 6
    assert text.count('<p class="bad">') == 3, "the late, the broken and the overdue one"
    assert "Harbour Bikes &amp; &lt;Boats&gt;" in browser.get(RECORDS).text


@pytest.mark.usefixtures("broken")
def test_list_shows_one_dimension(browser: Browser) -> None:
    text = browser.get(f"{RECORDS}?dimension=SHOPPING").text
    assert "a paid order" in text
    assert "You did not keep this" not in text
    assert "You did not keep this" in browser.get(f"{RECORDS}?dimension=NONE").text


def test_list_has_pages_of_fifty(world: OAuthWorld, browser: Browser) -> None:
    more = [record(at=BusinessTime(BUSINESS_NOON - timedelta(days=90 + number // 2))) for number in range(100)]
    write_records(world.container, "mei", *more)
    sizes, address = list[int](), RECORDS
    while address:
        text = browser.get(address).text
        sizes.append(text.count("Source:"))
        address = unescape(next(iter(text.split('" rel="next"')[0].split('href="')[::-1]))) if "rel=" in text else ""
        address = address if len(sizes) < 5 and 'rel="next"' in text else ""
    assert sizes == [50, 50, 11]


def test_record_of_a_decision_leads_to_its_agreement(world: OAuthWorld, browser: Browser) -> None:
    decision = make_own_record(world)
    text = browser.get(RECORDS).text
    assert "Green Cars" in text
    assert f'href="/account/decisions/{decision}"' in text
    assert browser.get(f"{RECORDS}/{decision}").headers["location"] == f"/account/decisions/{decision}"
    fields = {**form_to(browser.get("/account").text, "/logout").fields, "statement": "No."}
    response = browser.http.post(f"{RECORDS}/{decision}/contest", data=fields, follow_redirects=False)
    assert response.status_code == 409  # it is contested at its decision


def test_contesting_suspends_the_record_and_shows_the_statement(
    world: OAuthWorld, browser: Browser, broken: str
) -> None:
    assert contest(browser, broken, STATEMENT).headers["location"] == f"{RECORDS}/{broken}"
    text = browser.get(f"{RECORDS}/{broken}").text
    assert "If it does not answer by December 23, 2026" in text
    assert escape("“Ask” your \\ colleague 🚗") in text
    assert "If it does not answer by December 23, 2026" in browser.get(RECORDS).text
    assert world.rows("SELECT contested_at IS NULL FROM behaviour_records WHERE kind = 'BROKEN'") == [(0,)]


def test_dispute_sent_twice_is_one_dispute(browser: Browser, broken: str) -> None:
    page, action = browser.get(f"{RECORDS}/{broken}"), f"{RECORDS}/{broken}/contest"
    assert [browser.submit(page, action, statement="No.").status_code for _ in range(2)] == [303, 303]
    assert browser.submit(page, action, statement="Something else.").status_code == 409


@pytest.mark.parametrize("statement", ["", " ", "a" * 2001])
def test_statement_must_be_valid(browser: Browser, broken: str, statement: str) -> None:
    assert contest(browser, broken, statement).status_code == 422


def test_withdrawing_asks_first(browser: Browser, broken: str) -> None:
    contest(browser, broken)
    page, action = browser.get(f"{RECORDS}/{broken}"), withdrawal(browser, broken)
    question = browser.submit(page, action)
    assert (question.status_code, "after 30 days, with a new statement" in question.text) == (200, True)
    assert "You withdrew" not in browser.get(f"{RECORDS}/{broken}").text
    assert [browser.submit(question, action).status_code for _ in range(2)] == [303, 303]  # also a double click
    text = browser.get(f"{RECORDS}/{broken}").text
    assert "You withdrew your dispute." in text
    assert "You can dispute this again from December 23, 2026" in text
    assert browser.get(action).status_code == 409


def test_rejected_dispute_keeps_the_statement_beside_the_record(
    world: OAuthWorld, clock: MovableClock, browser: Browser, broken: str
) -> None:
    contest(browser, broken, "I brought it <back>.")
    resolve(world, uphold=False, resolution="The source has <proof>.")
    text = browser.get(f"{RECORDS}/{broken}").text
    for sentence in ("I brought it &lt;back&gt;.", "The source has &lt;proof&gt;.", "Your statement is kept with it."):
        assert sentence in text
    clock.advance(REOPENING_TIME)
    browser.sign_in("mei", PASSWORD)
    assert contest(browser, broken, "I brought it <back>.").status_code == 422
    assert contest(browser, broken, "Here is a photo.").status_code == 303


def test_upheld_record_is_shown_as_removed(world: OAuthWorld, browser: Browser, broken: str) -> None:
    contest(browser, broken)
    resolve(world, uphold=True)
    for address in (RECORDS, f"{RECORDS}/{broken}"):
        assert "Your dispute was upheld. It does not count any more." in browser.get(address).text
    assert f"{broken}/contest" not in browser.get(f"{RECORDS}/{broken}").text


def test_another_person_sees_and_contests_nothing(world: OAuthWorld, browser: Browser, broken: str) -> None:
    contest(browser, broken)
    action, other = withdrawal(browser, broken), world.browser()
    other.sign_in("bo", PASSWORD)
    assert "Harbour" not in other.get(RECORDS).text
    assert other.get(f"{RECORDS}?after={broken}").status_code == 200
    assert [other.get(address).status_code for address in (f"{RECORDS}/{broken}", action)] == [404, 404]
    assert world.rows("SELECT status FROM record_disputes") == [(RecordDisputeStatus.AWAITING_SOURCE,)]


@pytest.mark.parametrize("record_id", ["rec_test_none", "%00", "x" * 500])
def test_unknown_record_is_not_found(browser: Browser, record_id: str) -> None:
    assert browser.get(f"{RECORDS}/{record_id}").status_code == 404
    assert browser.get(f"/account/record-disputes/{record_id}/withdraw").status_code == 404
    assert browser.get(f"{RECORDS}?after={record_id}").status_code == 200


def test_statement_survives_the_end_of_the_session(
    world: OAuthWorld, clock: MovableClock, browser: Browser, broken: str
) -> None:
    page, action = browser.get(f"{RECORDS}/{broken}"), f"{RECORDS}/{broken}/contest"
    world.execute(f"UPDATE sessions SET ended_at = '{clock().replace(tzinfo=None)}'")
    response = browser.submit(page, action, statement=STATEMENT)
    assert response.headers["location"].startswith("/login?")
    page = browser.get(browser.sign_in("mei", PASSWORD, response.headers["location"]).headers["location"])
    assert escape(STATEMENT, quote=False) in page.text.replace("&#34;", '"').replace("&#39;", "'")
    assert browser.submit(page, action, statement=STATEMENT).status_code == 303


@pytest.mark.parametrize("path", ["?dimension=SHOPPING", "/rec_1"])
def test_login_leads_back(world: OAuthWorld, path: str) -> None:
    browser = world.browser()
    login = browser.get(RECORDS + path).headers["location"]
    assert browser.sign_in("mei", PASSWORD, login).headers["location"] == RECORDS + path


def test_account_and_score_page_link_to_the_records(browser: Browser) -> None:
    for address in ("/account", "/account/score"):
        assert f'href="{RECORDS}"' in browser.get(address).text


def test_form_without_token_is_refused(browser: Browser, broken: str) -> None:
    response = browser.http.post(f"{RECORDS}/{broken}/contest", data={"statement": "No."})
    assert response.status_code == 403


@pytest.mark.usefixtures("broken")
def test_pages_are_in_chinese(browser: Browser, broken: str) -> None:
    assert "您没有履行此项约定。" in browser.get(f"{RECORDS}?lang=zh").text
    assert "此项有误" in browser.get(f"{RECORDS}/{broken}?lang=zh").text
