"""The objects that every page uses."""

from dataclasses import dataclass

from gateway.oauth.endpoints.authorization import AuthorizationEndpoint
from gateway.oauth.endpoints.device_verification import DeviceVerification
from gateway.services.container import Container
from gateway.web.errors import Errors
from gateway.web.partner_sessions import PartnerSessions
from gateway.web.rendering import Renderer
from gateway.web.sessions import Sessions
from gateway.web.site.kept_forms import KeptForms
from gateway.web.worker_threads import WorkerThreads, share_threads


@dataclass(frozen=True, slots=True)
class Site:
    """The services of the deployment, and the objects that only pages need. `build_site` makes it once."""

    container: Container
    renderer: Renderer
    errors: Errors
    sessions: Sessions
    partner_sessions: PartnerSessions
    kept_forms: KeptForms
    authorization: AuthorizationEndpoint
    device_verification: DeviceVerification
    threads: WorkerThreads


def build_site(container: Container) -> Site:
    """The site of this container."""
    renderer = Renderer(container.settings)
    return Site(
        container=container,
        renderer=renderer,
        errors=Errors(renderer),
        sessions=Sessions(container),
        partner_sessions=PartnerSessions(container),
        kept_forms=KeptForms(container),
        authorization=AuthorizationEndpoint(container),
        device_verification=DeviceVerification(container),
        threads=share_threads(container.settings),
    )
