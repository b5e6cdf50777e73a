"""The registry of purpose codes: why a merchant asks. They are shown on the consent page, and checked and logged at
each read."""

from dataclasses import dataclass

from gateway.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose: its code and the sentence a person reads, completing "so that the merchant can ..."."""

    code: str
    sentence: str


_ALL = (
    Purpose("CAR_RENTAL", "decide on the deposit for renting a car"),
    Purpose("BIKE_RIDE", "let you ride a shared bike without a deposit"),
    Purpose("HOUSE_RENTAL", "decide on the deposit for renting a home"),
    Purpose("RENTAL", "decide on the deposit for what you rent"),
    Purpose("HOTEL_STAY", "decide on a deposit-free stay with express check-in"),
    Purpose("ONLINE_PURCHASE", "let you receive goods first and pay later"),
    Purpose("STORE_PURCHASE", "let you take goods from a store and pay later"),
    Purpose("LENDING", "offer you a credit limit and an interest rate"),
)

PURPOSES = {purpose.code: purpose for purpose in _ALL}


def require_purpose(code: str) -> Purpose:
    """Returns the purpose with this code. Raises InvalidInput for an unknown code."""
    purpose = PURPOSES.get(code)
    if purpose is None:
        raise InvalidInput("INVALID", f"Unknown purpose code. Known: {', '.join(PURPOSES)}.", ("purpose",))
    return purpose
