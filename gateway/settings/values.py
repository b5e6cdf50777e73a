"""How the texts of several settings are read."""


def split_list(value: object) -> object:
    """The parts of a comma-separated text as a tuple. Any other value is returned unchanged."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
