"""Which characters a text of a person, a partner or an operator may have. One rule for all texts that are stored.

Accepted is whatever Unicode prints, in any script, with the marks that scripts and emoji need: joiners (U+200C,
U+200D), variation selectors, the marks U+200E, U+200F and U+061C. A text is stored as it was sent: no normal form is
applied, and a length is the number of code points. Refused are:

* control characters (category Cc), and the line and paragraph separators U+2028 and U+2029;
* characters that reorder or isolate the text around them (U+202A to U+202E, U+2066 to U+2069), because they can make a
  text look like another one;
* unpaired surrogates and noncharacters, which are no text;
* private use characters (category Co), because Unicode does not define what they look like;
* invisible characters that Unicode has deprecated or reserved for other uses (U+206A to U+206F, U+FEFF, U+FFF9 to
  U+FFFB, and tags outside of the flag of a region).

The rule does not depend on the version of Unicode: a character that this Python does not know yet is accepted.
"""

import re

_REFUSED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u206a-\u206f\ud800-\uf8ff\ufdd0-\ufdef\ufeff\ufff9-\ufffb"
    "\ufffe\uffff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0xF0000, 0x10000))
    + "\U000e0000-\U000e007f\U000f0000-\U0010ffff]"
)
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")  # UTS 51, ED-14a
_BLANK = re.compile(
    r"[\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]*"
)


def refused_character(text: str, *, lines: bool = False) -> str | None:
    """Returns the first character that a text may not have, as "U+202E", or None. With `lines`, line ends (LF, CRLF)
    are accepted."""
    if lines:
        text = text.replace("\r\n", "").replace("\n", "")
    match = _REFUSED.search(_FLAG.sub("", text))
    return f"U+{ord(match[0]):04X}" if match else None


def is_blank(text: str) -> bool:
    """Whether the text has no character that can be seen."""
    return _BLANK.fullmatch(text) is not None
