"""The device page: a person decides on the request of a point of sale (RFC 8628 section 3.3)."""
