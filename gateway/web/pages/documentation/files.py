"""The files of the built documentation, as responses."""

import os
import re
import stat
from pathlib import Path
from urllib.parse import quote

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

ROOT = "/docs"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " worker-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
"""The theme's search needs a script, a worker and the search index. No page has an inline script or style."""

_KEPT, _REVALIDATED = "public, max-age=31536000, immutable", "no-cache"
_HASHED = re.compile(r"assets/(.*\.[0-9a-f]{8}\.min\.(js|css)|inline/[0-9a-f]{16}\.js)")
"""Files whose names contain a hash of their content."""

_TEXTS = {".py", ".mjs", ".graphql", ".yaml", ".md", ""}
"""Suffixes of files that browsers show as text instead of saving them."""


class BuiltDocumentation:
    """The folder with the built documentation. It may appear, change and disappear while the server runs."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._files = folder, StaticFiles(directory=folder, check_dir=False)

    async def has_page(self, path: str) -> bool:
        """Returns whether there is a page at this path, which ends with a slash or is empty."""
        found = await self._find(f"{path}index.html")
        return found is not None and stat.S_ISREG(found[1].st_mode)

    async def respond(self, request: Request, path: str) -> Response:
        """Returns the page or file at a path below /docs/. A page has an address with a slash at the end; without it
        the response redirects there. Raises HTTPException (404) if there is no documentation at all, else an unknown
        path is a 404 page of the documentation."""
        is_folder = path.endswith("/") or not path
        found = await self._find(f"{path}index.html" if is_folder else path)
        if found is not None and stat.S_ISREG(found[1].st_mode):
            response = self._files.file_response(*found, request.scope)
            return self._with_headers(response, path)
        if not is_folder and await self.has_page(f"{path}/"):
            return redirect(f"{path}/")
        missing = await self._find("404.html")
        if missing is None:
            raise HTTPException(404)
        return self._with_headers(FileResponse(missing[0], 404, stat_result=missing[1]), "")

    async def _find(self, path: str) -> tuple[str, os.stat_result] | None:
        """The file or folder, None if there is none below the documentation's folder."""
        try:
            name, status = await anyio.to_thread.run_sync(self._files.lookup_path, path)
        except (OSError, ValueError):  # not readable, too long, or with a null byte
            return None
        return None if status is None else (name, status)

    @staticmethod
    def _with_headers(response: Response, path: str) -> Response:
        response.headers["Cache-Control"] = _KEPT if _HASHED.fullmatch(path) else _REVALIDATED
        response.headers["Content-Security-Policy"] = _POLICY
        if Path(path).suffix in _TEXTS and path and not path.endswith("/"):
            response.headers["Content-Type"] = "text/plain; charset=utf-8"
        return response


def redirect(path: str) -> RedirectResponse:
    """Returns a redirect to a path of the documentation, on the same host."""
    return RedirectResponse(f"{ROOT}/{quote(path)}", 302, headers={"Cache-Control": "no-store"})
