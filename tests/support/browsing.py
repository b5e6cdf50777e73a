"""A person's tab in a real browser."""

from typing import Any
from urllib.parse import urlsplit


class Watch:
    """A page, by default without JavaScript, with its console messages and its requests to other origins. `looks` are
    further options of the browser's context."""

    def __init__(
        self,
        browser: Any,
        issuer: str,
        width: int,
        height: int,
        locale: str = "en-US",
        *,
        scripts: bool = False,
        **looks: Any,
    ) -> None:
        context = browser.new_context(
            java_script_enabled=scripts, locale=locale, viewport={"width": width, "height": height}, **looks
        )
        self._context, self.issuer = context, issuer
        self.console_messages: list[str] = []
        self.foreign_requests: list[str] = []
        self.page = self.tab()

    def tab(self) -> Any:
        """Another tab of the same browser."""
        page = self._context.new_page()
        page.on("console", lambda message: self.console_messages.append(message.text))
        page.on("request", self._request)
        return page

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.issuer and parts.scheme != "data":
            self.foreign_requests.append(request.url)

    def sign_in(self, person: dict[str, Any]) -> None:
        """Submits the login page."""
        self.page.fill("input[name=username]", person["username"])
        self.page.fill("input[name=password]", person["password"])
        self.page.click("main form button[type=submit]")

    def fits(self) -> bool:
        """Whether the content fits the width of the window."""
        box = self.page.locator("body").bounding_box()
        inner = self.page.locator("main").bounding_box()
        return bool(inner["x"] >= 0 and inner["x"] + inner["width"] <= box["width"] + 1)
