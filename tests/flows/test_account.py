"""The account page lists all accesses to the person's data with their results, and all decisions about the person."""

from tests.support.merchant_client import MerchantClient, car

ALL_INQUIRIES = """query ($input: DecisionPreviewInput!) {
  consentedUser { scoreTier { tier } meetsTier(minimum: EXCELLENT) score }
  decisionPreview(input: $input) { eligible }
}"""


def test_account_page_lists_each_access_with_its_result(cars: MerchantClient, shop: MerchantClient) -> None:
    browser = cars.browser()
    token = str(cars.tokens("just-below", browser, scope="score:exact decisions:request")["access_token"])

    assert cars.graphql(token, ALL_INQUIRIES, input={"ask": car()}).data["decisionPreview"]["eligible"]
    cars.request(token, car())

    accesses = _accesses(browser.get("/account").text)
    assert {
        "saw your score: 699",
        "saw your tier: very good",
        "asked whether your tier is at least “excellent”: no",
        "asked for a decision",
        "asked for a preview of a decision",
    } <= set(accesses)
    chinese = browser.get("/account?lang=zh").text
    assert "查看了您的信用等级：很好" in chinese
    browser.http.close()

    stranger, person = shop.browser(), shop.persona("building")
    page = stranger.open("/account", person["username"], person["password"])
    assert not any("699" in text or "very good" in text for text in _accesses(page.text))
    stranger.http.close()


def test_forbidden_query_is_not_listed_as_an_access(cars: MerchantClient) -> None:
    browser = cars.browser()
    token = str(cars.tokens("unscored", browser, scope="score:threshold")["access_token"])
    before = _accesses(browser.get("/account").text)

    refused = cars.graphql(token, "{ consentedUser { score scoreTier { tier } } }")

    assert refused.body["data"]["consentedUser"] == {"score": None, "scoreTier": None}
    assert _accesses(browser.get("/account").text) == before
    browser.http.close()


def test_account_page_shows_decisions_with_reasons_and_advice(cars: MerchantClient) -> None:
    browser = cars.browser()
    token = str(cars.tokens("building", browser, scope="decisions:request")["access_token"])
    cars.request(token, car())

    for language, texts in DECLINED.items():
        first = _decisions(browser.get(f"/account?lang={language}").text)[0]
        for each in texts:
            assert each in first, each
    browser.http.close()

    browser = cars.browser()
    token = str(cars.tokens("just-below", browser, scope="decisions:request")["access_token"])
    cars.release(cars.request(token, car())["decision"])
    cars.request(token, car())

    page = browser.get("/account").text
    latest, cancelled = _decisions(page)[:2]
    assert "Approved: CN¥2,100 of CN¥3,000.</p>" in latest
    assert "A part was granted, as set for your score tier." in latest
    assert "Approved: CN¥2,100 of CN¥3,000. The merchant cancelled it." in cancelled
    browser.http.close()


DECLINED = {
    "en": (
        "Declined: CN¥3,000.",
        "Your score tier is below the one that this request requires.",
        "can raise your score",
        "You can try again from ",
    ),
    "zh": ("未通过：¥3,000。", "您的信用等级未达到本次申请的要求。", "信用分都可能提高", "起可以再次申请。"),
}


def _decisions(page: str) -> list[str]:
    """Returns the entries of the list of decisions, newest first."""
    part = page.split('id="decided"')[1].split("</section>", maxsplit=1)[0]
    return [f"<strong>{item}" for item in part.split("<p><strong>")[1:]]


def _accesses(page: str) -> list[str]:
    """Returns the sentences of the list of accesses, those that disclose most first, without the merchant."""
    part = page.split('id="asked"')[1].split("</section>", maxsplit=1)[0]
    return [item.split("</strong>")[1].split("</p>")[0].strip() for item in part.split("<li>")[1:]]
