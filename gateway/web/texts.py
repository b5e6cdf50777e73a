"""The texts of pages in a person's language: Babel catalogues, dates, amounts and durations."""

from datetime import datetime, timedelta
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency
from babel.support import Translations

from gateway.domain.money import Money
from gateway.kit.languages import LANGUAGES

FOLDER = Path(__file__).parent / "locale"
_TAGS = {"en": "en", "zh": "zh-Hans"}
_SEPARATORS = {"en": (" ", ", "), "zh": ("", "、")}


def msgid(text: str) -> str:
    """Returns the text unchanged. The catalogue tool finds it by this call; the page that shows it translates it."""
    return text


def catalogue(language: str) -> Translations:
    """The translations of a language, from its .po file. They are empty for English, the language of the source."""
    if language == LANGUAGES[0]:
        return Translations()
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)


_UNITS = (
    (86400, "%(n)d day", "%(n)d days"),
    (3600, "%(n)d hour", "%(n)d hours"),
    (60, "%(n)d minute", "%(n)d minutes"),
    (1, "%(n)d second", "%(n)d seconds"),
)
_MOST_UNITS = 999


class Texts:
    """The texts of one language: translations and formats. `tag` is the value of the lang attribute, `gap` is what
    separates two sentences, `comma` what separates two items."""

    def __init__(self, language: str) -> None:
        self.language, self.tag = language, _TAGS[language]
        self.gap, self.comma = _SEPARATORS[language]
        self._locale = Locale.parse({"en": "en", "zh": "zh_Hans_CN"}[language])
        self.translations: GNUTranslations = catalogue(language)

    def gettext(self, text: str, **values: object) -> str:
        """The translated text, with its %(name)s filled in."""
        translated = self.translations.gettext(text)
        return translated % values if values else translated

    def date(self, moment: datetime) -> str:
        return format_date(moment, "long", locale=self._locale)

    def month(self, moment: datetime) -> str:
        """A month with its year, such as "Nov 2026"."""
        return format_skeleton("yMMM", moment, locale=self._locale)

    def moment(self, moment: datetime) -> str:
        """A date and time of day in UTC."""
        return f"{format_datetime(moment, 'medium', locale=self._locale)} UTC"

    def until(self, now: datetime, length: timedelta) -> str:
        """The end of a duration that starts at `now`: a date, with the time of day (UTC) if it is less than two days
        away."""
        end = now + length
        if length >= timedelta(days=2):
            return self.date(end)
        return self.moment(end)

    def length(self, length: timedelta) -> str:
        """A duration in the largest unit that divides it, such as "36 hours". If there would be more than 999 of that
        unit, it is rounded down in the largest unit with at least two, such as "16 minutes" for 1001 seconds."""
        seconds = int(length.total_seconds())
        for exact in (True, False):
            for size, one, many in _UNITS:
                count, rest = divmod(seconds, size)
                if (not rest and count <= _MOST_UNITS) if exact else count >= 2:
                    return self._plural(one, many, count)
        return self._plural("%(n)d second", "%(n)d seconds", seconds)

    def money(self, amount: Money) -> str:
        """An amount with its currency sign, without decimals if they are zero."""
        return format_currency(amount.amount, amount.currency, locale=self._locale).removesuffix(".00")

    def _plural(self, one: str, many: str, n: int) -> str:
        return self.translations.ngettext(one, many, n) % {"n": n}


@cache
def all_texts() -> dict[str, Texts]:
    """The texts of all languages. They are read once, at start."""
    return {language: Texts(language) for language in LANGUAGES}
