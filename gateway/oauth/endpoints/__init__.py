"""The endpoints of the authorization server."""
