"""The form of names in JSON and GraphQL."""


def camel_case(name: str) -> str:
    """Returns the name in camelCase: vehicleValue for vehicle_value."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
