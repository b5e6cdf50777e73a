"""Texts of persons, partners and operators."""

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.text import require_text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("客人\u3000取消", id="E9-ideographic-space"),
        pytest.param("No\u00a0show", id="E9-no-break-space"),
        pytest.param("می\u200cخواهم", id="E9-persian-non-joiner"),
        pytest.param("क्\u200dष", id="E9-devanagari-joiner"),
        pytest.param("👩\u200d🔧 ✔\ufe0f", id="E9-emoji-with-joiner"),
        pytest.param("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", id="E9-flag-of-a-region"),
        pytest.param("שלום\u200f!", id="E9-right-to-left-mark"),
        pytest.param("e\u0301", id="E9-combining-mark"),
        pytest.param("𠮷野家", id="E9-beyond-the-basic-plane"),
        pytest.param("\U0001fae9", id="E9-newer-than-this-python"),
        pytest.param("x" * 20, id="E9-longest"),
        pytest.param("𠮷" * 20, id="E9-length-in-code-points"),
    ],
)
def test_printable_text_is_returned_unchanged(text: str) -> None:
    assert require_text(text, 20, "reason") == text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("a\u202eb", "U+202E", id="E9-right-to-left-override"),
        pytest.param("a\u2066b", "U+2066", id="E9-isolate"),
        pytest.param("a\0b", "U+0000", id="E9-null"),
        pytest.param("a\tb", "U+0009", id="E9-tab"),
        pytest.param("a\nb", "U+000A", id="E9-line-end"),
        pytest.param("a\x85b", "U+0085", id="E9-next-line"),
        pytest.param("a\u2028b", "U+2028", id="E9-line-separator"),
        pytest.param("a\ud800b", "U+D800", id="E9-unpaired-surrogate"),
        pytest.param("a\uffffb", "U+FFFF", id="E9-noncharacter"),
        pytest.param("a\ufdd0b", "U+FDD0", id="E9-noncharacter-in-a-block"),
        pytest.param("a\U0001fffeb", "U+1FFFE", id="E9-noncharacter-of-a-plane"),
        pytest.param("a\ue000b", "U+E000", id="E9-private-use"),
        pytest.param("a\ufeffb", "U+FEFF", id="E9-byte-order-mark"),
        pytest.param("a\U000e0041b", "U+E0041", id="E9-tag"),
        pytest.param("\u3164\u2800 ", "1 to 20", id="E9-blank-characters"),
        pytest.param("\u200d", "1 to 20", id="E9-joiner-alone"),
        pytest.param("", "1 to 20", id="E9-empty"),
        pytest.param("x" * 21, "1 to 20", id="E9-too-long"),
        pytest.param(" a", "white space", id="E9-white-space-first"),
        pytest.param("a\u3000", "white space", id="E9-white-space-last"),
    ],
)
def test_other_text_is_refused_with_the_reason(text: str, named: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_text(text, 20, "reason")
    assert (refused.value.code, refused.value.field) == ("INVALID", ("reason",))
    assert named in refused.value.message


def test_e9_statement_may_have_lines() -> None:
    assert require_text("One\r\ntwo\nthree\n", 20, "statement", lines=True) == "One\r\ntwo\nthree\n"
    with pytest.raises(InvalidInput, match="U\\+000D"):
        require_text("One\rtwo", 20, "statement", lines=True)
