import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.branding import contrast
from accounts.branding.brand import DARK_GROUNDS, LIGHT_GROUNDS

colours = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


class TestContrast:
    @pytest.mark.parametrize(
        ("one", "other", "ratio"),
        [
            # Published values: the greys on both sides of 4.5:1 and 3:1 on white, and the pure colours.
            ("#000000", "#ffffff", 21.0),
            ("#767676", "#ffffff", 4.54),
            ("#777777", "#ffffff", 4.48),
            ("#949494", "#ffffff", 3.03),
            ("#ff0000", "#ffffff", 4.0),
            ("#0000ff", "#ffffff", 8.59),
            ("#123456", "#123456", 1.0),
        ],
    )
    def test_is_that_of_the_standard_in_both_orders(self, one, other, ratio):
        assert contrast.contrast(one, other) == pytest.approx(ratio, abs=0.005)
        assert contrast.contrast(other, one) == pytest.approx(ratio, abs=0.005)


class TestAnyColour:
    @given(colours)
    def test_of_a_button_has_text_that_can_be_read(self, colour):
        assert contrast.contrast(contrast.text_on(colour), colour) >= 4.5

    @given(colours)
    def test_as_text_is_made_readable_on_every_ground(self, colour):
        for grounds in (LIGHT_GROUNDS, DARK_GROUNDS):
            readable = contrast.readable_on(colour, *grounds)
            assert all(contrast.contrast(readable, ground) >= 4.5 for ground in grounds)

    def test_that_can_be_read_stays_as_it_is(self):
        assert contrast.readable_on("#1f6f5c", *LIGHT_GROUNDS) == "#1f6f5c"


@pytest.mark.parametrize("text", ["", "red", "#fff", "#12345g", "#1234567", "1f6f5c", "#1f6f5c;}", "#1f6f5c\n"])
def test_what_is_no_colour_never_reaches_a_style_sheet(text):
    assert not contrast.is_colour(text)
