"""The routes of all pages for partners. A live deployment has none of them."""

from starlette.routing import Route

from gateway.web.pages.partners.clock import page as clock
from gateway.web.pages.partners.graphiql import page as graphiql
from gateway.web.pages.partners.landing import page as landing
from gateway.web.pages.partners.merchants import page as merchants
from gateway.web.pages.partners.overview import page as overview
from gateway.web.pages.partners.personas import page as personas
from gateway.web.pages.partners.requests import page as requests
from gateway.web.pages.partners.session import page as session
from gateway.web.pages.partners.webhooks import page as webhooks
from gateway.web.site.site import Site


def routes(site: Site) -> list[Route]:
    """The routes of a sandbox. They come before those of every deployment, because `/` is in both."""
    return [
        *landing.routes(site),
        *session.routes(site),
        *overview.routes(site),
        *merchants.routes(site),
        *personas.routes(site),
        *webhooks.routes(site),
        *clock.routes(site),
        *requests.routes(site),
        *graphiql.routes(site),
    ]
