"""Puts the worker together."""

from gateway.domain.environment import Environment
from gateway.kit.clock import WallClock
from gateway.kit.http import HttpClient
from gateway.kit.ids import Ids
from gateway.services.decisions.claims import ClaimService
from gateway.services.webhooks.rendering import EventRenderer
from gateway.services.webhooks.sending import WebhookSender
from gateway.services.webhooks.worker import DeliveryWorker
from gateway.store.database import Database
from merchants.registry import AdapterRegistry


def make_worker(
    database: Database,
    ids: Ids,
    registry: AdapterRegistry,
    environment: Environment,
    http: HttpClient,
    clock: WallClock,
    claims: ClaimService,
) -> DeliveryWorker:
    """Returns the worker that delivers the events of a deployment."""
    sender, render = WebhookSender(http, clock), EventRenderer(registry, environment)
    return DeliveryWorker(database, ids, sender, render, claims.note_delivery, has_faults=environment.faults)
