"""The secrets of the schema, marked in one place: fields of responses, arguments, and members of inputs whose values
the request log never keeps.

A test fails if the schema has no such field, and if a text that is called a secret, token, password or the like is not
marked.
"""

SECRETS = frozenset(
    {
        "SandboxConsentGrantPayload.accessToken",
        "SandboxPersonaCreatePayload.password",
        "WebhookEndpointCreatePayload.signingSecret",
        "WebhookSecretRotatePayload.signingSecret",
    }
)
"""Values with which others could act as a client or as the gateway."""

TEXTS = frozenset(
    {
        "DecisionCancelInput.reason",
        "DecisionEvent.note",
        "DecisionExtendInput.reason",
        "DecisionReduceInput.reason",
        "DecisionReportBreachInput.evidence",
        "DecisionReportBreachInput.note",
        "Dispute.evidence",
        "Dispute.resolution",
        "Dispute.response",
        "Dispute.statement",
        "DisputeRespondInput.evidence",
        "DisputeRespondInput.statement",
    }
)
"""What people and merchants write about a person. The gateway keeps it sealed."""

CONTENTS = frozenset(
    {
        "Decision.receipt",  # signed, for the merchant only
        "RequestLogEntry.curl",
        "RequestLogEntry.document",
        "RequestLogEntry.response",  # an entry about the log would have all others in it
        "RequestLogEntry.variables",
        "WebhookAttempt.responseBody",  # of a server of the partner
        "WebhookDelivery.requestBody",  # with texts of people
        "WebhookEndpoint.url",  # addresses of receivers often have a secret in them
        "WebhookEndpointCreateInput.url",
        "WebhookEndpointUpdateInput.url",
    }
)
"""Contents and addresses that may have secrets in them."""

MARKED = SECRETS | TEXTS | CONTENTS
"""All, as "Type.field" and for arguments of fields "Type.field(argument)"."""
