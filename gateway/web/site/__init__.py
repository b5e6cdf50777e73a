"""Shared parts of pages: services, redirects, step-up, the layout, the parts of a consent, and the permission form."""
