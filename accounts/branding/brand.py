"""What mails and pages show of the application: name, addresses, logo and colours."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from django.utils.html import format_html

from accounts.branding import contrast, logo
from accounts.branding.logo import Logo, LogoUnusable
from accounts.conf import account_settings

# The grounds of pages.css and of the mails, light and dark.
LIGHT_GROUNDS = ("#ffffff", "#f1f3f2")
DARK_GROUNDS = ("#1f2428", "#14171a")


@dataclass(frozen=True, slots=True)
class Brand:
    """The application that mails and pages speak of.

    ``colour`` is the ground of buttons and ``on_colour`` the text on it. ``link`` and ``link_dark`` are the colour made
    readable as text on light and dark grounds.
    """

    name: str
    url: str
    support_email: str
    logo: Logo | None
    colour: str
    on_colour: str
    link: str
    link_dark: str

    @property
    def style_sheet(self) -> str:
        """The colours as custom properties. It is a file of its own, because pages have no styles inside of them."""
        return (
            f":root{{--brand:{self.colour};--on-brand:{self.on_colour};--accent:{self.link}}}\n"
            f"@media (prefers-color-scheme:dark){{:root{{--accent:{self.link_dark}}}}}\n"
        )

    @property
    def style_version(self) -> str:
        """A digest of the style sheet, so that browsers may keep it for as long as it is the same."""
        return hashlib.sha256(self.style_sheet.encode()).hexdigest()[:16]

    @property
    def support_link(self) -> str:
        """The support address as a link of HTML, in an element of its own direction."""
        address = self.support_email
        return format_html('<a href="mailto:{}"><bdi>{}</bdi></a>', quote(address, safe="@"), address)

    @property
    def icon_version(self) -> str:
        """A digest of what the icon is made from."""
        return hashlib.sha256(f"{self.name[0]}{self.colour}".encode()).hexdigest()[:16]


def current() -> Brand:
    """Return the brand of the settings.

    A logo that can't be read any more is left out, and the name is shown in its place: no mail may wait for it.
    """
    conf = account_settings
    colour, on_colour, link, link_dark = _colours(conf.BRAND_COLOUR)
    return Brand(
        name=conf.APP_NAME,
        url=conf.APP_URL,
        support_email=conf.SUPPORT_EMAIL,
        logo=_logo(conf.BRAND_LOGO),
        colour=colour,
        on_colour=on_colour,
        link=link,
        link_dark=link_dark,
    )


def _logo(path: str) -> Logo | None:
    try:
        return logo.read(path) if path else None
    except LogoUnusable:
        return None


@lru_cache(maxsize=4)
def _colours(colour: str) -> tuple[str, str, str, str]:
    return (
        colour,
        contrast.text_on(colour),
        contrast.readable_on(colour, *LIGHT_GROUNDS),
        contrast.readable_on(colour, *DARK_GROUNDS),
    )
