"""Use cases of consents: complete a request; grant, change and revoke a consent."""
