"""A browser without a screen: it keeps cookies, follows redirects, and posts forms."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx2


@dataclass
class Form:
    """One form of a page: its action, and the values of its hidden fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("method", "").lower() == "post":
            self.forms.append(Form(values.get("action", "")))
        elif tag == "input" and values.get("type") == "hidden" and self.forms:
            self.forms[-1].fields[values.get("name", "")] = values.get("value", "")


class Browser:
    """The browser of one person."""

    def __init__(self) -> None:
        self._http = httpx2.Client(timeout=20, headers={"Accept-Language": "en"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def open(self, url: str) -> httpx2.Response:
        """Returns the page at `url`, after redirects."""
        return self._http.get(url, follow_redirects=True)

    def submit(
        self, page: httpx2.Response, values: dict[str, str], *, action: str = "", follow: bool = True
    ) -> httpx2.Response:
        """Posts the first form of the page whose action contains `action`, with its hidden fields and `values`, and
        returns the response. Raises LookupError if the page has no such form."""
        parser = _Forms()
        parser.feed(page.text)
        forms = [form for form in parser.forms if action in form.action and "/logout" not in form.action]
        if not forms:
            raise LookupError("the page has no such form")
        address = urljoin(str(page.url), forms[0].action)
        origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
        return self._http.post(
            address,
            data={**forms[0].fields, **values},
            headers={"Origin": origin},
            follow_redirects=follow,
        )
