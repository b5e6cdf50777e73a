"""Renders pages: one Jinja2 environment for each language, with autoescape, and the security headers of pages."""

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from gateway.kit.languages import LANGUAGES, negotiate
from gateway.settings import Settings
from gateway.web.texts import Texts, all_texts

TEMPLATES = Path(__file__).parent
"""The root of template names. The templates of a page are in its package, shared ones are in `site`."""
LANGUAGE_COOKIE = "sesame_language"
_YEAR = 365 * 86400


class Renderer:
    """Renders a template and its values in the language of the request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._texts = all_texts()

    def texts(self, request: Request) -> Texts:
        """The texts in the language of the request: ?lang, else the cookie, else the language of the person, else
        Accept-Language."""
        chosen = (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE), _of_person(request))
        return self._texts[negotiate(request.headers.get("accept-language"), (_submitted(request), *chosen))]

    def choose_language(self, request: Request, language: str | None) -> None:
        """Makes this the language of the request, if there is such a language. For forms with a button for it."""
        if language in LANGUAGES:
            request.state.language = language

    def page(
        self,
        request: Request,
        template: str,
        status: int = 200,
        *,
        leads_away: bool = False,
        address: str | None = None,
        referrer_policy: str = "same-origin",
        has_editor: bool = False,
        **values: Any,
    ) -> HTMLResponse:
        """The page as a response. `leads_away`: the response to its form can redirect to a client, which can redirect
        on. The page then has no form-action, which browsers apply to every hop of a redirect. `address` is the
        page's own address for the language links; None means that of the request. The response to a form needs it,
        because a link cannot send the form again. With the `referrer_policy` no-referrer browsers send "Origin: null"
        with the forms of the page; see `Sessions.submitted_login`. `has_editor`: the page runs scripts of our host, and
        its code editor writes inline styles."""
        texts = self.texts(request)
        own = address or "?" + request.scope["query_string"].decode("latin-1")  # bytes that anybody can send
        content = (
            _environment(texts.language)
            .get_template(template)
            .render(
                texts=texts, languages=_language_links(own, texts.language), sandbox=self._settings.sandbox, **values
            )
        )
        response = HTMLResponse(
            content, status, headers=_headers(referrer_policy, leads_away=leads_away, has_editor=has_editor)
        )
        if request.query_params.get("lang") in LANGUAGES or _submitted(request):
            response.set_cookie(
                LANGUAGE_COOKIE,
                texts.language,
                max_age=_YEAR,
                secure=self._settings.issuer.startswith("https"),
                httponly=True,
                samesite="lax",
            )
        return response


@cache
def _environment(language: str) -> Environment:
    """The environment of a language, with its compiled templates. All renderers of a process share it."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    translations = all_texts()[language].translations
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    return environment


_EDITOR = "script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self'; "


def _headers(referrer_policy: str, *, leads_away: bool, has_editor: bool) -> dict[str, str]:
    form_action = "" if leads_away else "form-action 'self'; "
    editor, inline = (_EDITOR, " 'unsafe-inline'") if has_editor else ("", "")
    return {
        "Content-Security-Policy": f"default-src 'none'; {editor}style-src 'self'{inline}; img-src 'self' data:; "
        f"{form_action}frame-ancestors 'none'; base-uri 'none'",
        # By default same-origin, so that browsers send their origin with our own forms. Other sites get no referrer.
        "Referrer-Policy": referrer_policy,
        "Cache-Control": "no-store",
    }


def set_person_language(request: Request, language: str | None) -> None:
    """Makes this the language of the response if the person has not chosen another one. None changes nothing."""
    request.state.person_language = language


def _of_person(request: Request) -> str | None:
    language: str | None = getattr(request.state, "person_language", None)
    return language


def _submitted(request: Request) -> str | None:
    language: str | None = getattr(request.state, "language", None)
    return language


def _language_links(address: str, current: str) -> list[tuple[str, str, str]]:
    """(language, its own name, address of this page in it) for every language except the current one."""
    path, _, query = address.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "lang"]
    names = {"en": "English", "zh": "中文"}
    return [
        (language, names[language], f"{path}?{urlencode([*kept, ('lang', language)])}")
        for language in LANGUAGES
        if language != current
    ]
