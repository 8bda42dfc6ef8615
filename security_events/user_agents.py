"""What a user agent says of its program. Clients choose their user agent, so this proves nothing."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ua_parser import Parser

LONGEST = 512  # characters, as stored; longer ones are cut
_LONGEST_NAME = 64
_PHONES = frozenset({"Android", "iOS", "Windows Phone", "KaiOS", "HarmonyOS"})
_COMPUTERS = frozenset({"Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Debian", "Chrome OS", "FreeBSD"})


@dataclass(frozen=True, slots=True)
class Program:
    """Families without versions, such as ``Firefox`` on ``Ubuntu``; an empty text is what is not known."""

    browser: str = ""
    system: str = ""

    @property
    def device_type(self) -> str:
        """``mobile``, ``desktop`` or empty, by the system."""
        if self.system in _PHONES:
            return "mobile"
        return "desktop" if self.system in _COMPUTERS else ""


def program_of(user_agent: str) -> Program:
    """Return the program of a user agent. The first time takes some milliseconds, later ones a microsecond."""
    return _parsed(user_agent[:LONGEST])


def name_of(user_agent: str) -> str:
    """Return the browser's family, or the first word of a user agent that is of no known browser: ``Example/2.1``."""
    return program_of(user_agent).browser or user_agent.partition("/")[0].strip()[:_LONGEST_NAME]


@lru_cache(maxsize=1024)
def _parsed(user_agent: str) -> Program:
    browser, system = _parser().parse_user_agent(user_agent), _parser().parse_os(user_agent)
    return Program(browser.family if browser else "", system.family if system else "")


@cache
def _parser() -> "Parser":
    """Return a parser that reads programs alike wherever it runs.

    The library's own one would use the engine of expressions that happens to be installed; some take no halves of
    surrogate pairs.
    """
    import ua_parser  # noqa: PLC0415 - time that a process without sign-ins does not spend
    from ua_parser.basic import Resolver  # noqa: PLC0415
    from ua_parser.loaders import load_lazy_builtins  # noqa: PLC0415

    browsers, systems, _devices = load_lazy_builtins()
    return ua_parser.Parser(Resolver((browsers, systems, [])))
