"""GET /docs and all paths below it: the built documentation. Until it is built, a page says how to build it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.kit.languages import LANGUAGES
from gateway.web.pages.documentation.files import ROOT, BuiltDocumentation, redirect
from gateway.web.site.site import Site


def routes(site: Site) -> list[Route]:
    """GET /docs and below. Routes of other pages below /docs must come before them."""
    built = BuiltDocumentation(site.container.settings.docs_directory)

    def explain(request: Request, status: int) -> Response:
        return site.renderer.page(request, "pages/documentation/not_built.html", status)

    async def enter(request: Request) -> Response:
        language = site.renderer.texts(request).language
        folder = "" if language == LANGUAGES[0] else f"{language}/"
        for path in (folder, ""):
            if await built.has_page(path):
                return redirect(path)
        return explain(request, 200)

    async def show(request: Request) -> Response:
        if not await built.has_page(""):
            return explain(request, 404)
        return await built.respond(request, request.path_params["path"])

    return [Route(ROOT, enter), Route(f"{ROOT}/{{path:path}}", show)]
