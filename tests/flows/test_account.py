"""What a person sees of what merchants asked: everything, with the answer, and nobody else's."""

from tests.support.partner import Partner, car

EVERYTHING = """query ($input: DecisionPreviewInput!) {
  consentedUser { scoreTier { tier } meetsTier(minimum: EXCELLENT) score }
  decisionPreview(input: $input) { eligible }
}"""


def test_person_sees_each_access_with_its_answer(cars: Partner, shop: Partner) -> None:
    browser = cars.browser()
    token = str(cars.tokens("just-below", browser, scope="score:exact decisions:request")["access_token"])
    before = _asked(browser.get("/account").text)

    assert cars.graphql(token, EVERYTHING, input={"ask": car()}).data["decisionPreview"]["eligible"]
    cars.request(token, car())

    asked = _asked(browser.get("/account").text)
    assert asked[: len(asked) - len(before)] == [
        "asked for a decision",
        "asked what would probably be decided",
        "saw your score: 699",
        "asked whether your tier is at least “excellent”: no",
        "saw your tier: very good",
    ]
    chinese = browser.get("/account?lang=zh").text
    assert "查看了您的信用等级：很好" in chinese
    browser.http.close()

    stranger, person = shop.browser(), shop.persona("building")
    page = stranger.open("/account", person["username"], person["password"])
    assert "your score" not in page.text
    stranger.http.close()


def test_refused_question_is_no_access(cars: Partner) -> None:
    browser = cars.browser()
    token = str(cars.tokens("unscored", browser, scope="score:threshold")["access_token"])
    before = _asked(browser.get("/account").text)

    refused = cars.graphql(token, "{ consentedUser { score scoreTier { tier } } }")

    assert refused.body["data"]["consentedUser"] == {"score": None, "scoreTier": None}
    assert _asked(browser.get("/account").text) == before
    browser.http.close()


def _asked(page: str) -> list[str]:
    """The sentences of the list, newest first, without the merchant."""
    part = page.split('id="asked"')[1].split("</section>", maxsplit=1)[0]
    return [item.split("</strong>")[1].split("</p>")[0].strip() for item in part.split("<li>")[1:]]
