"""How the dashboard shows values."""

import pytest

from linkweir.dashboard.rendering import break_address, format_dimension_value
from linkweir.translation import use_language


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ada@example.com", "ada@example.com"),
        ("ada.lovelace@mail.example.co.uk", "ada.<wbr>lovelace@<wbr>mail.<wbr>example.<wbr>co.<wbr>uk"),
        ("<b>a-very-long-name</b>@example.com", "&lt;b&gt;a-very-long-name&lt;/b&gt;@<wbr>example.<wbr>com"),
        ("<b>@x", "&lt;b&gt;@x"),
    ],
)
def test_long_addresses_break_at_their_signs(address: str, shown: str) -> None:
    """A long address may break after its @ and its dots; a short one stays whole; both are escaped."""
    assert break_address(address) == shown


def test_kinds_of_devices_are_words() -> None:
    """A kind of device and a missing value are translated; names of programs and variants stay, whatever they say."""
    with use_language("de"):
        assert [format_dimension_value(value, "device") for value in ("phone", "other", "", None)] == [
            *("Telefon", "andere", "unbekannt", "unbekannt")
        ]
        assert format_dimension_value("other", "variant") == "other"
