"""The demos: what a partner's software does over HTTP, printed step by step."""
