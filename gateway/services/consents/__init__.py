"""Use cases of consents: complete a request, grant, change, revoke."""
