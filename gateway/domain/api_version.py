"""The version of the GraphQL API, and the paths of its endpoint."""

API_VERSION = "2026-11"
PATH = "/graphql"
DATED_PATH = f"{PATH}/{API_VERSION}"
"""An alias of PATH that always serves this version."""

PATHS = (PATH, DATED_PATH)
