"""Names that persons read: what is refused, and which names look the same."""

import pytest

from gateway.domain.display_name import (
    INVISIBLE,
    MIXED_SCRIPTS,
    QUOTATION_MARK,
    UNREADABLE,
    find_name_problem,
    looks_like,
)

QUOTES = "\"“”„‟«»‹›‘’‚‛「」『』﹁﹂〈〉《》〝〞〟｢｣＂＇'`´״׳❛❜❝❞❮❯⹂"


@pytest.mark.parametrize("mark", QUOTES)
def test_d13_quotation_mark_is_refused(mark: str) -> None:
    assert find_name_problem(f"Web{mark}. Your answer goes to {mark}x") == QUOTATION_MARK


@pytest.mark.parametrize(
    "name",
    [
        *("ㅤ", "ㅤ Cars", "\u2800", "\u115f\u1160", "\uffa0Cars", "Ca\u200brs", "Ca\u200drs", "Ca\u00adrs"),
        *("Green\u00a0Cars", "Ca\ufe0frs", "\u200e\u200f", "租\u200d车", "Cars\U000e0100", "Cars\u2060"),
    ],
)
def test_d13_invisible_character_is_refused(name: str) -> None:
    assert find_name_problem(name) == INVISIBLE


@pytest.mark.parametrize(
    "name", ["Dеmo Car", "Кафе Wi-Fi", "Ελλaδα", "ΑВС", "Ꭺpple", "ⲤOCO", "ひらがな한국", "Арабский عربي", "ไทย हिन्दी"]
)
def test_d13_mixed_or_unusual_scripts_are_refused(name: str) -> None:
    assert find_name_problem(name) == MIXED_SCRIPTS


@pytest.mark.parametrize("name", ["!!!", "—", "🚗", "Z\u0335\u0322\u0327\u0321\u031ba", "\u0301Cars"])
def test_d13_unreadable_name_is_refused(name: str) -> None:
    assert find_name_problem(name) == UNREADABLE


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Green Cars",
            "O'Hara & Söhne",
            "L’Océan",
            "McDonald's",
            "7-Eleven",
            "Hôtel № 5",
            "Tiếng Việt",
            "Ｄｅｍｏ",
            "3 🚗",
        ),
        *(
            "演示汽车租赁",
            "北京（中国）有限公司",
            "KFC 肯德基",
            "𠮷野家",
            "さくらレンタカー東京",
            "ユーザー Tokyo",
            "佐々木",
            "현대 렌터카 現代",
        ),
        *("تأجير سيارات", "نیم\u200cفاصله", "שלום rent", "Прокат авто", "Ελληνικά Ταξίδια"),
        *("नमस्ते", "क्\u200dष", "ไทยที่นี่"),
    ],
)
def test_d13_usual_name_is_accepted(name: str) -> None:
    assert find_name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Demo Car Rental", "DEMO  car-rental."),
        ("Demo Car Rental", "Ｄｅｍｏ Ｃａｒ Ｒｅｎｔａｌ"),
        ("Demo Car Rental", "𝐃𝐞𝐦𝐨 Car Rental"),
        ("Demo Car Rental", "Demo Car RentaI"),
        ("Demo Car Rental", "Dem0 Car Renta1"),
        ("Coco", "Сосо"),
        ("BETA", "ВЕТА"),
        ("KOMETA", "ΚΟΜΕΤΑ"),
        ("Demo", "ᴅᴇᴍᴏ"),
        ("Modern", "Modem"),
        ("Warm", "VVarrn"),
        ("Straße", "STRASSE"),
        ("デモ", "ﾃﾞﾓ"),
        ("Café", "Cafe\u0301"),
    ],
)
def test_d13_names_that_look_the_same(name: str, other: str) -> None:
    assert looks_like(name, other)
    assert looks_like(other, name)


@pytest.mark.parametrize(
    ("name", "other"), [("Shop A", "Shop B"), ("Green Cars", "Moon Cars"), ("演示酒店", "演示汽车")]
)
def test_d13_different_names(name: str, other: str) -> None:
    assert not looks_like(name, other)
