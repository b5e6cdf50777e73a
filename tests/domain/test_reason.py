"""The reason catalogue: complete in both languages, with exactly the codes that are used."""

import re
from pathlib import Path

import pytest

import gateway
from gateway.domain.decisions.reason import REASONS, ReasonText, seen_by_merchant
from gateway.domain.text import Texts
from merchants.adapter import MerchantAdapter
from merchants.registry import discover

ROOT = Path(gateway.__file__).parents[1]
BUILT_IN = {path.parent.name for path in (ROOT / "merchants").glob("*/policy.toml")}


def _codes_of_adapters() -> set[str]:
    adapters: list[MerchantAdapter[object]] = list(discover(BUILT_IN).values())
    return {code for adapter in adapters for code in adapter.reason_codes}


def _codes_named_in_source() -> set[str]:
    sources = [path for path in (ROOT / "gateway").rglob("*.py") if path.name != "reason.py"]
    return {code for path in sources for code in re.findall(r'"([A-Z_]+)"', path.read_text("utf-8"))} & REASONS.keys()


def test_every_code_that_an_adapter_uses_is_in_the_catalogue() -> None:
    assert _codes_of_adapters() <= REASONS.keys()


def test_every_code_in_the_catalogue_is_used() -> None:
    unused = REASONS.keys() - _codes_of_adapters() - _codes_named_in_source()
    assert not unused, f"unused reasons: {sorted(unused)}"


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.code)
def test_every_text_exists_in_both_languages(reason: ReasonText) -> None:
    assert re.fullmatch(r"[A-Z][A-Z_]+", reason.code)
    for texts in (reason.merchant, reason.user, reason.advice):
        assert texts.en.isascii()
        assert texts.en.endswith(".")
        assert re.search(r"[\u4e00-\u9fff]", texts.zh)
        assert texts.zh.endswith("。")


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.code)
def test_merchant_text_has_neither_advice_nor_personal_details(reason: ReasonText) -> None:
    personal = r"\b(you|your|yours|he|she|their|habit|spend|shopping|income|friend|late payer|should)\b|您|你|建议"
    for text in (reason.merchant.en, reason.merchant.zh):
        assert not re.search(personal, text, re.IGNORECASE)
        assert text not in (reason.advice.en, reason.advice.zh)


def test_locales() -> None:
    texts = Texts(en="yes", zh="是")
    assert [texts.text(locale) for locale in ("en", "en-GB", "zh", "zh-CN", "zh_Hans_CN", "ZH", "fr", "")] == (
        ["yes", "yes", "是", "是", "是", "是", "yes", "yes"]
    )
    assert texts.text() == "yes"


def test_seen_by_merchant_keeps_visible_codes_in_order() -> None:
    assert seen_by_merchant(["NOT_SCORED", "TERM_TOO_LONG"]) == ("NOT_SCORED", "TERM_TOO_LONG")
    with pytest.raises(KeyError):
        seen_by_merchant(["NO_SUCH_CODE"])
