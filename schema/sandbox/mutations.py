"""All mutations of a sandbox."""

import strawberry

from schema.sandbox.clock import SandboxClockMutations
from schema.sandbox.consents import SandboxConsentMutations
from schema.sandbox.decisions import SandboxDecisionMutations
from schema.sandbox.webhooks import SandboxWebhookMutations


@strawberry.type
class SandboxMutations(
    SandboxConsentMutations, SandboxDecisionMutations, SandboxClockMutations, SandboxWebhookMutations
):
    """The mutations of a sandbox."""
