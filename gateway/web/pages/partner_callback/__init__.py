"""The redirect URI of a sandbox's test clients."""
