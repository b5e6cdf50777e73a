"""ISO 4217: the active currency codes and their number of decimals.

Metals, test codes and other codes without a minor unit are left out, because no deposit is paid in them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.domain.errors import InvalidInput

_TWO_DECIMALS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN
NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"

EXPONENTS: Mapping[str, int] = MappingProxyType(
    {
        code: exponent
        for codes, exponent in ((_TWO_DECIMALS, 2), (_NO_DECIMALS, 0), (_THREE_DECIMALS, 3), (_FOUR_DECIMALS, 4))
        for code in codes.split()
    }
)
"""Currency code to number of decimals: CNY 2, JPY 0, KWD 3."""


def exponent_of(currency: str) -> int:
    """Returns the number of decimals of a currency. Raises InvalidInput UNSUPPORTED_CURRENCY for an unknown code."""
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise InvalidInput(
            "UNSUPPORTED_CURRENCY", "currency must be an active ISO 4217 code in capitals, such as CNY", ("currency",)
        ) from None
