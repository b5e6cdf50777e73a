"""The repositories of what only a sandbox stores that a unit of work has."""

from sqlalchemy import Connection

from gateway.store.made_once import made_once
from gateway.store.sandbox.faults import SandboxFaultRepository
from gateway.store.sandbox.request_log import RequestLogRepository
from gateway.store.sandbox.reviews import PersonaReviewRepository


class SandboxRepositories:
    """The repositories of a sandbox over the connection of the unit."""

    connection: Connection

    @made_once
    def faults(self) -> SandboxFaultRepository:
        return SandboxFaultRepository(self.connection)

    @made_once
    def persona_reviews(self) -> PersonaReviewRepository:
        return PersonaReviewRepository(self.connection)

    @made_once
    def request_log(self) -> RequestLogRepository:
        return RequestLogRepository(self.connection)
