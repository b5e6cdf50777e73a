"""The demos: a partner's software calls the gateway over HTTP, and each step is printed."""
