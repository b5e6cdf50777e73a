"""The names under which the fields of a decision are stored."""


def stored_as(column: str = "", *, digest: str = "") -> dict[str, str]:
    """Returns the metadata of a field whose column or digest name differs from its own. Digests are kept for ever, so a
    renamed field keeps its name in digests."""
    return {"column": column, "digest": digest}
