"""The registry of purposes."""

import pytest

from gateway.domain.consents.purpose import PURPOSES, require_purpose
from gateway.domain.errors import InvalidInput


@pytest.mark.parametrize("code", sorted(PURPOSES))
def test_purpose_has_its_code_and_sentence(code: str) -> None:
    purpose = require_purpose(code)
    assert purpose.code == code
    assert purpose.sentence[0].islower(), "it completes a sentence"
    assert not purpose.sentence.endswith(".")


@pytest.mark.parametrize("code", ["", "car_rental", "CAR_RENTAL ", "MARKETING"])
def test_an_unknown_purpose_is_refused_at_its_field(code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_purpose(code)
    assert (refused.value.code, refused.value.field) == ("INVALID", ("purpose",))
    assert "CAR_RENTAL" in refused.value.message
