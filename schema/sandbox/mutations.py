"""All mutations of a sandbox."""

import strawberry

from schema.sandbox.clock import SandboxClockMutations
from schema.sandbox.consents import SandboxConsentMutations
from schema.sandbox.decisions import SandboxDecisionMutations
from schema.sandbox.devices import SandboxDeviceMutations
from schema.sandbox.faults import SandboxFaultMutations
from schema.sandbox.personas import SandboxPersonaMutations
from schema.sandbox.reset import SandboxResetMutations
from schema.sandbox.webhooks import SandboxWebhookMutations


@strawberry.type
class SandboxMutations(
    SandboxPersonaMutations,
    SandboxConsentMutations,
    SandboxDeviceMutations,
    SandboxDecisionMutations,
    SandboxClockMutations,
    SandboxWebhookMutations,
    SandboxFaultMutations,
    SandboxResetMutations,
):
    """The mutations of a sandbox."""
