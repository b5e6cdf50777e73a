"""The services that the GraphQL door calls, in one value."""

from dataclasses import dataclass

from gateway.services.consents import ConsentService
from gateway.services.decisions import DecisionService
from gateway.services.disputes import DisputeService
from gateway.services.merchants import MerchantService
from gateway.services.personas import PersonaService
from gateway.services.receipts import ReceiptService
from gateway.services.scores import ScoreService
from merchants.registry import AdapterRegistry


@dataclass(frozen=True, slots=True)
class Services:
    """Made once by the composition root, shared by all requests, without state of their own."""

    scores: ScoreService
    decisions: DecisionService
    disputes: DisputeService
    merchants: MerchantService
    consents: ConsentService
    personas: PersonaService
    receipts: ReceiptService
    registry: AdapterRegistry
