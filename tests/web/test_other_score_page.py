"""The score page of a deployment whose scores come from another source than the scorecard: it has no what-if."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.domain.errors import Unavailable
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from gateway.services.scoring.person_scores import PersonScoreService
from tests.support.oauth import Browser, forms
from tests.support.oauth_world import PASSWORD, OAuthWorld, app_of

PAGE, SHARING = "/account/score", "/account/score/sharing"


def signed_in(world: OAuthWorld) -> Browser:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    return browser


class OtherSource:
    """A score source that is not the scorecard."""

    def __init__(self, error: Exception | None = None, **members: Any) -> None:
        self._error, self._members = error, members

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        if self._error is not None:
            raise self._error
        measured = Measurement(612, Tier.GOOD, now, now + timedelta(hours=1), reasons=("FEW_RETURNS",))
        return replace(measured, **self._members)


def use_source(world: OAuthWorld, source: Any) -> None:
    scores = PersonScoreService(world.database, source, world.container.person_scores._requests)
    world.app = app_of(replace(world.container, person_scores=scores))


def test_other_source_has_a_number_and_no_what_if(world: OAuthWorld) -> None:
    use_source(world, OtherSource())
    browser = signed_in(world)
    page = browser.get(f"{PAGE}?keep=3")
    assert "612" in page.text
    assert "This score comes from a provider outside of this service." in page.text
    assert "There is no text for this reason any more." in page.text
    assert "Green Cars" in page.text
    assert "The next tier, “very good”, begins at 650. Points missing: 38." in page.text
    assert "no history, no dimensions and no what-if" in page.text
    assert ">Why it is not higher</h2>" in page.text
    for absent in ("What if?", "<svg", "What you share", "What is not used", "is overdue"):
        assert absent not in page.text, absent


def test_other_source_says_that_something_is_overdue(world: OAuthWorld) -> None:
    use_source(world, OtherSource(open_overdue=1))
    (notice,) = re.findall(r'<p class="notice warn">(.*?)</p>', signed_in(world).get(PAGE).text)
    assert "The provider of your score says that something is overdue." in notice


def test_other_source_without_a_score_has_all_reasons_and_a_beginning(world: OAuthWorld) -> None:
    use_source(world, OtherSource(score=None, tier=Tier.UNSCORED, reasons=("A", "B"), has_document=True))
    text = signed_in(world).get(PAGE).text
    assert text.count("There is no text for this reason any more.") == 2
    assert "Your identity document is verified, so merchants can approve a first small agreement." in text
    assert "for up to CN¥200" in text
    assert "Agreements for which you pay the deposit" not in text


def test_other_source_has_no_switch(world: OAuthWorld) -> None:
    use_source(world, OtherSource())
    browser = signed_in(world)
    token = forms(browser.get("/account").text)[0].fields["csrf_token"]
    fields = {"dimension": "FINANCIAL_CAPACITY", "share": "yes", "csrf_token": token}
    assert browser.http.post(SHARING, data=fields).status_code == 422


def test_source_that_is_down_is_unavailable(world: OAuthWorld) -> None:
    use_source(world, OtherSource(Unavailable("SCORE_UNAVAILABLE", "Down.")))
    response = signed_in(world).get(PAGE)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "60"
    assert "Your score cannot be fetched now." in response.text
