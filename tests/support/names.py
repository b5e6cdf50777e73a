"""Names that are invalid for partners, merchants and clients."""

import pytest

BAD_NAMES = pytest.mark.parametrize(
    "name",
    ["", " Cars", "Cars ", "a\nb", "a\x00b", "x" * 101],
    ids=["empty", "leading", "trailing", "newline", "nul", "long"],
)
