"""GET /docs/errors and /docs/errors/CODE: each error code with its cause and remedy. For engineers, in English only.

Every user error of the GraphQL API links to the page of its code. If the documentation is built, these addresses
redirect to its pages, which are made from the same catalogue.
"""

import json

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.error_catalogue import ERRORS
from gateway.web.pages.documentation.files import BuiltDocumentation, redirect
from gateway.web.site.site import Site

ERROR_CODES = "/docs/errors"
_BUILT = "reference/errors/"


def routes(site: Site) -> list[Route]:
    """GET /docs/errors and /docs/errors/CODE."""
    settings = site.container.settings
    built = BuiltDocumentation(settings.docs_directory)

    async def show_all(request: Request) -> Response:
        if await built.has_page(_BUILT):
            return redirect(_BUILT)
        return site.renderer.page(request, "pages/error_codes/error_codes.html", errors=list(ERRORS.values()))

    async def show(request: Request) -> Response:
        error = ERRORS.get(request.path_params["code"])
        if error is None:
            raise HTTPException(404)
        page = f"{_BUILT}{error.code}/"
        if await built.has_page(page):
            return redirect(page)
        document = error.example(settings.issuer)
        example = None if document is None else json.dumps(document, indent=2)
        return site.renderer.page(request, "pages/error_codes/error_code.html", error=error, example=example)

    return [Route(ERROR_CODES, show_all), Route(f"{ERROR_CODES}/{{code}}", show)]
