"""Names of merchants and clients, which persons read when they decide. A name must not look like something else: like
the end of a sentence of ours, like another merchant, or like nothing.

The rules follow Unicode Technical Standard 39, with the data of Python's `unicodedata`: the "moderately restrictive"
profile of section 5.2 for scripts, and skeletons of section 4 for names that look the same. The table of lookalikes has
the letters that occur in words: those of Cyrillic, Greek, Armenian and Latin.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby

QUOTATION_MARK = "A name must have no quotation marks."
INVISIBLE = "A name must have no invisible characters, and no spaces other than the usual one."
MIXED_SCRIPTS = "A name must be in one script, or in Latin and one other; Latin, Greek and Cyrillic cannot be mixed."
UNREADABLE = "A name must have a letter or digit, and at most three marks on each letter."
LOOKS_LIKE_ANOTHER = "Another merchant has this name, or one that looks like it."

_QUOTES = frozenset("\"'`´ʹʺʻʼʽˈˊˋ˴˵˶˝״׳՚′″‴‵‶‷⁗〃❛❜❝❞❟❠❮❯⹂🙶🙷🙸՛՜՝༺༻᳓ߴߵ「」『』﹁﹂﹃﹄〈〉《》〝〞〟｢｣＂＇＇„‚‟‛")
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['’](?=[^\W\d_])")
"""Between two letters it is a part of a word, as in O'Hara."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_JOINERS = "\u200c\u200d"
"""They change the shape of letters in Arabic and in the scripts of India. Elsewhere they are only invisible."""
_SPACES = " \u3000"
_MOST_MARKS = 3
_COMMON = ("COMMON", "INHERITED")
_ASIAN = frozenset(("HAN", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"))
_TOGETHER = (
    frozenset(("HAN", "HIRAGANA", "KATAKANA")),
    frozenset(("HAN", "HANGUL")),
    frozenset(("HAN", "BOPOMOFO")),
)
_ALONE = frozenset(("GREEK", "CYRILLIC"))
_SCRIPTS = _ASIAN | frozenset(
    {
        *("ARABIC", "ARMENIAN", "BENGALI", "CYRILLIC", "DEVANAGARI", "ETHIOPIC", "GEORGIAN", "GREEK", "GUJARATI"),
        *("GURMUKHI", "HEBREW", "KANNADA", "KHMER", "LAO", "LATIN", "MALAYALAM", "MYANMAR", "ORIYA", "SINHALA"),
        *("TAMIL", "TELUGU", "THAANA", "THAI", "TIBETAN"),
    }
)
"""The recommended scripts (UAX 31, table 5), by the first word of the names of their characters."""
_CHARACTER_NAMES = (
    ("CJK UNIFIED", "HAN"),
    ("CJK COMPATIBILITY", "HAN"),
    ("IDEOGRAPHIC ITERATION", "HAN"),
    ("IDEOGRAPHIC NUMBER", "HAN"),
    ("KATAKANA-HIRAGANA", "COMMON"),
    ("HALFWIDTH KATAKANA", "KATAKANA"),
    ("HALFWIDTH HANGUL", "HANGUL"),
    ("FULLWIDTH LATIN", "LATIN"),
    ("MICRO SIGN", "GREEK"),
    ("FEMININE ORDINAL", "LATIN"),
    ("MASCULINE ORDINAL", "LATIN"),
    ("MODIFIER LETTER", "COMMON"),
    ("KELVIN", "LATIN"),
    ("ANGSTROM", "LATIN"),
)
_CAPITALS = str.maketrans(
    "АВЕЅІЈКМНОРСТУХҮԌԚԜҺӀΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹՕՍԼՏ01I|", "ABESIJKMHOPCTYXYGQWHLABEZHIKMNOPTYXCOULSOLLL"
)
_SMALL = str.maketrans(
    "авеѕіјкмнорстухгпѵһӏԁԍԛԝүαεικνορτυχϲωγηօոսհցյզքıɑɡȷɩ01i|",
    "abesijkmhopctyxrnvhldgqwyaeiknoptuxcwynonuhgjqfiagjiolll",
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("RN", "M"), ("VV", "W"))
_SMALL_CAPITAL = re.compile(r"LATIN LETTER SMALL CAPITAL ([A-Z])")


def find_name_problem(name: str) -> str | None:
    """A sentence about what is wrong with the name, None if it can be shown. It contains nothing of the name. Control
    characters, blank names and the length are checked elsewhere (`gateway.kit.text`)."""
    words = _APOSTROPHE.sub("", name)
    if any(c in _QUOTES or unicodedata.category(c) in {"Pi", "Pf"} for c in words):
        return QUOTATION_MARK
    if any(_is_invisible(c, previous) for previous, c in zip(f" {name}", name, strict=False)):
        return INVISIBLE
    marks = [len(list(run)) for is_mark, run in groupby(name, _is_mark) if is_mark]
    if _is_mark(name[:1]) or max(marks, default=0) > _MOST_MARKS or not any(c.isalnum() for c in name):
        return UNREADABLE
    return None if _is_in_one_script(name) else MIXED_SCRIPTS


def looks_like(name: str, other: str) -> bool:
    """Whether persons can take one name for the other: they differ at most in case, width, spaces, punctuation and
    letters that look the same."""
    return any(mine == theirs for mine, theirs in zip(_skeletons(name), _skeletons(other), strict=True))


def _skeletons(name: str) -> tuple[str, str]:
    """The name in capitals and in small letters, without what cannot be told apart."""
    text = "".join(_plain(c) for c in unicodedata.normalize("NFKC", name))
    text = "".join(c for c in text if unicodedata.category(c)[0] not in "ZPC" or c == "|")
    capitals = unicodedata.normalize("NFKC", text.upper()).translate(_CAPITALS)
    small = unicodedata.normalize("NFKC", text.lower()).translate(_SMALL)
    for pair, letter in _PAIRS:
        capitals, small = capitals.replace(pair, letter), small.replace(pair, letter)
    # I, l and 1 look the same in many fonts, whatever their case
    return capitals.replace("I", "L"), small.replace("i", "l")


def _plain(character: str) -> str:
    small_capital = _SMALL_CAPITAL.fullmatch(unicodedata.name(character, ""))
    return small_capital[1] if small_capital else character


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" if character else False


def _is_invisible(character: str, previous: str) -> bool:
    category = unicodedata.category(character)
    if category == "Zs":
        return character not in _SPACES
    if character in _JOINERS:
        return unicodedata.category(previous) not in {"Lo", "Mn", "Mc"} or _find_script(previous) in _ASIAN
    return bool(_INVISIBLE.match(character)) or category in {"Cc", "Cf", "Cn"}


def _is_in_one_script(name: str) -> bool:
    scripts = frozenset(_list_scripts(unicodedata.normalize("NFKC", name)))
    if not scripts <= _SCRIPTS:
        return False
    others = scripts - {"LATIN"}
    if len(others) <= 1:
        return not ("LATIN" in scripts and others & _ALONE)
    return any(others <= together for together in _TOGETHER)


def _list_scripts(name: str) -> Iterator[str]:
    for character in name:
        script = _find_script(character)
        if script not in _COMMON:
            yield script


def _find_script(character: str) -> str:
    """The script of a letter, "COMMON" for any other character."""
    if unicodedata.category(character)[0] != "L":
        return "COMMON"
    name = unicodedata.name(character, "UNKNOWN")
    return next(
        (script for prefix, script in _CHARACTER_NAMES if name.startswith(prefix)), name.split()[0].split("-")[0]
    )
