"""The programs that people sign in with: browsers on systems, whose versions grow with time.

Assumptions: four browsers on five systems, in the shares below. A browser gets a new version every 28 days and a device
installs it up to 20 days later; a system gets a new version every 200 days. So the user agent of one device changes
about once a month, which is the most common change that honest sign-ins show.
"""

from dataclasses import dataclass
from random import Random

_DAY = 86400
SYSTEMS = {"Windows": 40, "macOS": 15, "Linux": 5, "Android": 25, "iOS": 15}
BROWSERS = {
    "Windows": {"Chrome": 60, "Edge": 25, "Firefox": 15},
    "macOS": {"Safari": 55, "Chrome": 35, "Firefox": 10},
    "Linux": {"Firefox": 55, "Chrome": 45},
    "Android": {"Chrome": 90, "Firefox": 10},
    "iOS": {"Safari": 90, "Chrome": 10},
}
PHONES = ("Android", "iOS")


@dataclass(frozen=True, slots=True)
class Device:
    """A browser on a system. It installs new versions ``lag`` seconds late; ``model`` tells builds apart."""

    browser: str
    system: str
    model: int
    lag: float

    @property
    def kind(self) -> str:
        return "mobile" if self.system in PHONES else "desktop"


@dataclass(frozen=True, slots=True)
class Program:
    """What a device says of itself at one moment."""

    user_agent: str
    browser: str
    system: str
    device_type: str


def device(rng: Random, *, phone: bool | None = None) -> Device:
    """Return a device; ``phone`` chooses between phones and other computers."""
    systems = {name: share for name, share in SYSTEMS.items() if phone is None or (name in PHONES) == phone}
    system = rng.choices(list(systems), list(systems.values()))[0]
    browsers = BROWSERS[system]
    browser = rng.choices(list(browsers), list(browsers.values()))[0]
    return Device(browser, system, rng.randrange(4), rng.uniform(0, 20 * _DAY))


def program(of: Device, at: float) -> Program:
    """Return what a device says at a moment, in seconds since 1970."""
    age = at - of.lag
    major, build = 100 + int(age // (28 * _DAY)) % 400, int(age // (7 * _DAY)) % 4
    release = 10 + int(age // (200 * _DAY)) % 40
    system = f"{of.system} {release}"
    agent = f"Mozilla/5.0 ({system}; m{of.model}) {of.browser}/{major}.0.{build}"
    return Program(agent, f"{of.browser} {major}", system, of.kind)
