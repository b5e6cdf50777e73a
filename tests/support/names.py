"""Names that neither a partner nor a merchant nor a client may have."""

import pytest

BAD_NAMES = pytest.mark.parametrize(
    "name",
    ["", " Cars", "Cars ", "a\nb", "a\x00b", "x" * 101],
    ids=["empty", "leading", "trailing", "newline", "nul", "long"],
)
