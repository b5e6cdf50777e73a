"""Languages: the choice of language, and complete catalogues."""

from datetime import timedelta
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.scope import SCOPES
from gateway.kit.languages import negotiate
from gateway.services.identity.persona_records import CATALOGUE
from gateway.web import texts as texts_module
from gateway.web.site.consent_parts import PRODUCTS
from gateway.web.texts import Texts, all_texts
from tests.support.clock import NOON
from tests.support.oauth_world import OAuthWorld

WEB = Path(texts_module.__file__).parent


def messages() -> set[str]:
    """The msgids of all texts on pages."""
    found: set[str] = set()
    for file in WEB.rglob("*.py"):
        with file.open("rb") as source:
            found |= {str(entry[1]) for entry in extract("python", source, keywords={"msgid": None})}
    for file in WEB.rglob("*.html"):
        with file.open("rb") as source:
            found |= {str(entry[1]) for entry in extract("jinja2", source, keywords={"_": None})}
    found |= {scope.sentence for scope in SCOPES.values()}
    found |= {persona.summary for persona in CATALOGUE}
    found |= {purpose.sentence for purpose in PURPOSES.values()}
    return found


def test_every_text_has_a_chinese_translation() -> None:
    with (WEB / "locale/zh/LC_MESSAGES/messages.po").open("rb") as file:
        catalog = read_po(file, locale="zh")
    translated = {str(m.id if isinstance(m.id, str) else m.id[0]) for m in catalog if m.id and m.string}
    assert messages() - translated == set()
    assert not [message.id for message in catalog if message.fuzzy and message.id]
    plurals = {str(m.id[0]) for m in catalog if isinstance(m.id, tuple)}
    assert translated - messages() == plurals  # no unused translations
    assert plurals == {f"%(n)d {unit}" for unit in ("day", "hour", "minute", "second")}


def test_translations_keep_placeholders() -> None:
    with (WEB / "locale/zh/LC_MESSAGES/messages.po").open("rb") as file:
        catalog = read_po(file, locale="zh")
    for message in catalog:
        assert list(message.check()) == [], message.id


def test_every_product_has_a_text() -> None:
    assert set(PRODUCTS) == set(Product)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.5, zh;q=0.7", "zh"),
        ("de, en;q=0.4, zh;q=0.3", "en"),
        ("fr", "en"),
        ("zh;q=junk", "en"),
        (",;=;" * 500, "en"),
    ],
)
def test_accept_language_is_negotiated(header: str | None, expected: str) -> None:
    assert negotiate(header) == expected


def test_chosen_language_overrides_browser() -> None:
    assert negotiate("en", (None, "zh")) == "zh"
    assert negotiate("zh", ("xx", None)) == "zh"


def test_chosen_language_is_remembered(world: OAuthWorld) -> None:
    browser = world.browser()
    assert '<html lang="en">' in browser.get("/login").text
    switched = browser.get("/login?lang=zh")
    assert '<html lang="zh-Hans">' in switched.text
    assert "登录" in switched.text
    assert "登录" in browser.get("/login").text
    assert "Sign in" in browser.get("/login?lang=en").text


def test_browser_language_is_used(world: OAuthWorld) -> None:
    assert "登录" in world.browser().get("/login", headers={"Accept-Language": "zh-CN"}).text


def test_dates_lengths_and_amounts() -> None:
    english, chinese = all_texts()["en"], all_texts()["zh"]
    assert english.date(NOON) == "November 23, 2026"
    assert chinese.date(NOON) == "2026年11月23日"
    assert english.money(Money(300_000, "CNY")) == "CN¥3,000"
    assert chinese.money(Money(300_050, "CNY")) == "¥3,000.50"
    assert english.money(Money(500, "JPY")) == "¥500"
    assert english.until(NOON, timedelta(hours=1)).endswith("UTC")


@pytest.mark.parametrize(
    ("length", "english", "chinese"),
    [
        (timedelta(days=90), "90 days", "90 天"),
        (timedelta(days=1), "1 day", "1 天"),
        (timedelta(hours=36), "36 hours", "36 小时"),
        (timedelta(minutes=1), "1 minute", "1 分钟"),
        (timedelta(seconds=90), "90 seconds", "90 秒"),
        (timedelta(seconds=1001), "16 minutes", "16 分钟"),
        (timedelta(days=61, seconds=7), "61 days", "61 天"),
        (timedelta(days=1, seconds=7), "24 hours", "24 小时"),
    ],
)
def test_durations(length: timedelta, english: str, chinese: str) -> None:
    assert Texts("en").length(length) == english
    assert Texts("zh").length(length) == chinese
