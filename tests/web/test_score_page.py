"""The score page: the number, its history and reasons, the what-if, and the switches."""

import re

import httpx2
import pytest

from tests.support.clock import MovableClock
from tests.support.oauth import Browser, forms
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.person_scores import give_records

PAGE, SHARING = "/account/score", "/account/score/sharing"


def signed_in(world: OAuthWorld) -> Browser:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    return browser


def open_page(world: OAuthWorld, query: str = "", handle: str = "good") -> httpx2.Response:
    give_records(world, "mei", handle)
    return signed_in(world).get(f"{PAGE}{query}")


def test_page_shows_the_number_its_tier_and_the_next(world: OAuthWorld) -> None:
    text = open_page(world).text
    for expected in (
        "640",
        "good",
        "from 350 to 950",
        "As of November 23, 2026.",
        "begins at 650. Points missing: 10.",
    ):
        assert expected in text, expected


def test_account_page_links_to_the_score(world: OAuthWorld) -> None:
    assert f'href="{PAGE}"' in signed_in(world).get("/account").text


def test_page_needs_a_login_and_returns_to_itself(world: OAuthWorld) -> None:
    browser = world.browser()
    login = browser.get(PAGE)
    assert login.status_code == 303
    back = browser.sign_in("mei", PASSWORD, login.headers["location"])
    assert back.headers["location"] == PAGE


def test_person_without_a_score_reads_how_to_begin(world: OAuthWorld) -> None:
    text = signed_in(world).get(PAGE).text
    for expected in (
        "You do not have a score yet.",
        "A score needs 3 completed agreements. The oldest must have ended 30 days ago or earlier.",
        "First verify an identity document.",
        "At first an agreement can be for up to CN¥200, and only one can be open at a time.",
        "each with 50 percent of its weight",
        "There was no score in these months.",
        "There is no assessment of them here.",
    ):
        assert expected in text, expected
    assert "<svg" not in text


def test_history_is_a_picture_with_a_text_and_a_table(world: OAuthWorld, clock: MovableClock) -> None:
    browser = signed_in(world)
    give_records(world, "mei", "good")
    browser.get(PAGE)
    clock.advance(days=40)
    browser.sign_in("mei", PASSWORD)
    text = browser.get(PAGE).text
    assert 'role="img" aria-labelledby="chart-title chart-description"' in text
    assert re.search(r"From \d+ in \w+ 2026 to 640 in Jan 2027\.", text)
    assert len(re.findall(r'class="curve( afterwards)?"', text)) == 2
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', text)
    assert len(rows) == 12
    assert rows[0] == ("Feb 2026", "no score", "not scored")
    assert rows[-4][0] == "Oct 2026"
    assert rows[-4][1].endswith(", computed afterwards")
    assert "Hollow points: this service did not compute your score in these months." in text
    assert rows[-3:] == [(month, "640", "good") for month in ("Nov 2026", "Dec 2026", "Jan 2027")]


def test_dimensions_add_up_to_the_score(world: OAuthWorld) -> None:
    text = open_page(world).text
    points = [int(each) for each in re.findall(r"(\d+) of at most \d+ points", text)]
    (base,) = re.findall(r"Everybody begins with (\d+) points", text)
    assert int(base) + sum(points) == 640
    assert "worth 0 points" in text


def test_reasons_have_points_and_advice(world: OAuthWorld) -> None:
    text = open_page(world, handle="building").text
    assert "You completed agreements late." in text
    assert "(18 points lost)" in text
    assert "A late agreement loses weight after 12 months" in text


def test_what_if_shows_the_result_and_keeps_the_choice(world: OAuthWorld) -> None:
    page = open_page(world, "?keep=2&wait=12&verify=yes", handle="building")
    assert "On November 23, 2027: 4" in page.text
    assert "if nothing else changes" in page.text
    assert "Without these steps it would be: 420, “building”." in page.text
    (form,) = re.findall(r'<form method="get".*?</form>', page.text, re.DOTALL)
    assert '<option value="2" selected>' in form
    assert '<option value="12" selected>' in form
    assert re.search(r'name="verify" value="yes" checked', form)
    assert 'name="miss" value="yes">' in form


def test_page_without_steps_has_no_result(world: OAuthWorld) -> None:
    assert 'role="status"' not in open_page(world).text


def test_overdue_record_leads_to_the_records(world: OAuthWorld) -> None:
    text = open_page(world, handle="overdue").text
    (notice,) = re.findall(r'<p class="notice warn">(.*?)</p>', text)
    assert "A record about you says that something is overdue or broken." in notice
    assert 'href="/account/records"' in notice


def test_verified_document_helps_a_person_with_too_few_records(world: OAuthWorld) -> None:
    starts = "Merchants can then approve a first small agreement, if nothing else is open."
    assert starts in open_page(world, "?verify=yes", handle="building").text
    assert starts not in signed_in(world).get(f"{PAGE}?keep=2").text


def test_building_tier_sees_how_to_begin(world: OAuthWorld) -> None:
    text = open_page(world, handle="building").text
    assert "First verify an identity document." in text
    assert "for up to CN¥200" in text
    assert "A score needs 3 completed agreements." not in text


def test_better_tier_does_not_see_how_to_begin(world: OAuthWorld) -> None:
    assert "How to begin" not in open_page(world, handle="fair").text


def test_settling_says_that_requests_are_possible_again(world: OAuthWorld) -> None:
    text = open_page(world, "?settle=yes", handle="overdue").text
    assert "Merchants decline your requests until it is settled." in text
    assert "On November 23, 2026: 760" in text
    assert "Merchants then no longer decline your requests because of it." in text
    assert "From December 7, 2026 what you settle now counts as late: 742" in text


@pytest.mark.parametrize(
    "query", ["keep=7", "keep=-1", "keep=two", "keep=%00", "keep=²", "wait=5", "miss=no", "share="]
)
def test_step_that_cannot_be_chosen_is_refused(world: OAuthWorld, query: str) -> None:
    response = open_page(world, f"?{query}")
    assert response.status_code == 422
    assert "You cannot choose this." in response.text


def test_unknown_parameters_are_ignored(world: OAuthWorld) -> None:
    assert open_page(world, "?color=red&keep=").status_code == 200


def test_merchants_are_listed_with_both_tiers(world: OAuthWorld) -> None:
    text = open_page(world).text
    assert "these are the merchants that you can give one" in text
    assert "Green Cars" in text
    assert "Moon Shop" in text
    assert "Far Away" not in text
    assert "“good”: approved" in text
    assert "“very good”: approved" in text


def test_merchant_with_a_consent_is_listed(world: OAuthWorld) -> None:
    give_records(world, "mei", "good")
    browser = world.browser()
    world.cars.tokens(browser, "mei", PASSWORD)
    text = browser.get(PAGE).text
    assert "All merchants that you can give a consent. Those that have one come first." in text
    assert text.count("consent given") == 1
    assert text.index("Green Cars") < text.index("consent given") < text.index("Moon Shop")


def test_names_of_merchants_are_escaped(world: OAuthWorld) -> None:
    world.change_merchant(name="<b>Bold</b>")
    text = open_page(world).text
    assert "<b>Bold" not in text
    assert "&lt;b&gt;Bold" in text


def test_sharing_is_switched_off_and_on(world: OAuthWorld) -> None:
    give_records(world, "mei", "good")
    browser = signed_in(world)
    page = browser.get(PAGE)
    assert "It adds 52 points now. Without it your score is 588, “fair”." in page.text
    response = browser.submit(page, SHARING)
    assert (response.status_code, response.headers["location"]) == (303, f"{PAGE}#sharing")
    page = browser.get(PAGE)
    assert "588" in page.text
    assert "I share whether my bills are covered." in page.text
    browser.submit(page, SHARING)
    assert "640" in browser.get(PAGE).text


def test_social_relations_have_no_switch(world: OAuthWorld) -> None:
    page = open_page(world)
    assert "This service uses no social relations" in page.text
    assert [form.fields["dimension"] for form in forms(page.text) if form.action == SHARING] == ["FINANCIAL_CAPACITY"]


@pytest.mark.parametrize(
    "fields",
    [
        {"dimension": "SOCIAL_RELATIONS", "share": "yes"},
        {"dimension": "SHOPPING", "share": "no"},
        {"dimension": "x"},
        {"share": "maybe"},
    ],
)
def test_unknown_switch_is_refused(world: OAuthWorld, fields: dict[str, str]) -> None:
    give_records(world, "mei", "good")
    browser = signed_in(world)
    response = browser.submit(browser.get(PAGE), SHARING, **fields)
    assert response.status_code == 422
    assert "640" in browser.get(PAGE).text


def test_switch_requires_csrf_token_and_login(world: OAuthWorld) -> None:
    give_records(world, "mei", "good")
    browser = signed_in(world)
    assert browser.submit(browser.get(PAGE), SHARING, csrf_token="wrong").status_code == 403
    fields = {"dimension": "FINANCIAL_CAPACITY", "share": "no", "csrf_token": "x"}
    assert world.http().post(SHARING, data=fields).status_code == 403
    assert "640" in browser.get(PAGE).text


def test_held_tier_shows_its_date(world: OAuthWorld) -> None:
    user_id = give_records(world, "mei", "just-below")
    browser = signed_in(world)
    browser.get(PAGE)
    world.execute(f"UPDATE person_scores SET tier = 'EXCELLENT', held_until = due_at WHERE user_id = '{user_id}'")
    assert (
        "You keep this tier until December 1, 2026 at the latest, although it begins at 700." in browser.get(PAGE).text
    )


def test_page_says_what_is_not_used(world: OAuthWorld) -> None:
    text = open_page(world).text
    for expected in (
        "Income and wealth",
        "Friends and contacts",
        "Location",
        "Nationality",
        "The score never falls because",
    ):
        assert expected in text, expected
    assert "never the reasons and this page" in text


def test_page_is_chinese(world: OAuthWorld) -> None:
    text = open_page(world, "?lang=zh&settle=yes&wait=3", handle="overdue").text
    for expected in ("如果……会怎样？", "不使用的信息", "结果已包含这一点", "您按时完成的付款还不多。"):
        assert expected in text, expected
