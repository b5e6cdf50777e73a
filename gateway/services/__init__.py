"""Use cases, one class per subject. They do not depend on HTTP or GraphQL, and raise errors of `domain.errors`."""
