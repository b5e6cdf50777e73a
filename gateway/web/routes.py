"""All routes of the server: OAuth, pages and API."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from gateway.oauth.routes import oauth_routes
from gateway.web.pages.account import page as account
from gateway.web.pages.consent import page as consent
from gateway.web.pages.device import page as device
from gateway.web.pages.documentation import page as documentation
from gateway.web.pages.error_codes import page as error_codes
from gateway.web.pages.home import page as home
from gateway.web.pages.invitation import page as invitation
from gateway.web.pages.login import page as login
from gateway.web.site.site import Site

STATIC = Path(__file__).parent / "static"


class StaticFolder(StaticFiles):
    """The files of a folder. Browsers ask each time whether a file has changed, so that after an update they never use
    an old one together with new ones."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """The file, or 304 if the browser has it."""
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response


def routes(site: Site, api: Sequence[BaseRoute] = ()) -> list[BaseRoute]:
    """Every route; `api` holds the GraphQL endpoint and the health checks."""
    return [*api, *oauth_routes(site.container), *page_routes(site)]  # the most used ones first


def page_routes(site: Site) -> list[BaseRoute]:
    """The routes of the pages, and the static files that they load."""
    return [
        *home.routes(site),
        *consent.routes(site),
        *device.routes(site),
        *login.routes(site),
        *invitation.routes(site),
        *account.routes(site),
        *error_codes.routes(site),
        *documentation.routes(site),
        Mount("/static", GZipMiddleware(StaticFolder(directory=STATIC), compresslevel=6)),
    ]
