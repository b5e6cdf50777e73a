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
    assert not any("699" in said or "very good" in said for said in _asked(page.text))
    stranger.http.close()


def test_refused_question_is_no_access(cars: Partner) -> None:
    browser = cars.browser()
    token = str(cars.tokens("unscored", browser, scope="score:threshold")["access_token"])
    before = _asked(browser.get("/account").text)

    refused = cars.graphql(token, "{ consentedUser { score scoreTier { tier } } }")

    assert refused.body["data"]["consentedUser"] == {"score": None, "scoreTier": None}
    assert _asked(browser.get("/account").text) == before
    browser.http.close()


def test_person_sees_what_was_decided_and_what_would_help(cars: Partner) -> None:
    browser = cars.browser()
    token = str(cars.tokens("building", browser, scope="decisions:request")["access_token"])
    cars.request(token, car())

    for language, said in DECLINED.items():
        first = _decided(browser.get(f"/account?lang={language}").text)[0]
        for each in said:
            assert each in first, each
    browser.http.close()

    browser = cars.browser()
    token = str(cars.tokens("just-below", browser, scope="decisions:request")["access_token"])
    cars.release(cars.request(token, car())["decision"])
    cars.request(token, car())

    page = browser.get("/account").text
    latest, called_off = _decided(page)[:2]
    assert "Granted: CN¥2,100 of CN¥3,000.</p>" in latest
    assert "A part was granted, as set for your score tier." in latest
    assert "Granted: CN¥2,100 of CN¥3,000. Demo Car Rental called it off." in called_off
    browser.http.close()


DECLINED = {
    "en": (
        "Not granted: CN¥3,000.",
        "Your score tier is below the one that this request requires.",
        "raises your score month by month",
        "Asking again can help from ",
    ),
    "zh": ("未获准：¥3,000。", "您的信用等级未达到本次申请的要求。", "信用分会逐月提高", "起可以再次申请。"),
}


def _decided(page: str) -> list[str]:
    """The entries of the list, newest first."""
    part = page.split('id="decided"')[1].split("</section>", maxsplit=1)[0]
    return [f"<strong>{item}" for item in part.split("<p><strong>")[1:]]


def _asked(page: str) -> list[str]:
    """The sentences of the list, newest first, without the merchant."""
    part = page.split('id="asked"')[1].split("</section>", maxsplit=1)[0]
    return [item.split("</strong>")[1].split("</p>")[0].strip() for item in part.split("<li>")[1:]]
