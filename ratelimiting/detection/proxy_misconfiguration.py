"""Notice two mistakes of operators, and callers who play with headers, in what passes by.

One observer in each process, asked for every request: it counts without locks, a lost count does no harm, and whoever
passes by when the time has come looks at the counts. Its memory is bounded, whatever comes.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from ratelimiting import signals
from ratelimiting.client_addresses.resolution import ClientAddress, HeaderFinding
from ratelimiting.detection.evasion import EvasionPattern, ReportedKeys, report

CHECK_SECONDS = 10.0
WINDOW_SECONDS = 50.0
QUIET_SECONDS = 3600.0
# All traffic comes from one address: so many requests in a row, by so many kinds of client. One client alone proves
# nothing.
STREAK, AGENTS = 30, 3
# A proxy is not trusted: so many requests with its headers, and hardly any without.
FORWARDED, SHARE = 5, 0.9
# What a single peer's headers are reported by. An address that they claim may be private by right, in an intranet.
_PLAYED_WITH = frozenset(
    {HeaderFinding.UNTRUSTED_PEER, HeaderFinding.CONTRADICTION, HeaderFinding.MALFORMED, HeaderFinding.TOO_LONG}
)


class ProxyMisconfiguration(StrEnum):
    """What an operator should mend."""

    SINGLE_ADDRESS = "single_address"
    UNTRUSTED_PROXY = "untrusted_proxy"


@dataclass(slots=True)
class ProxyDetector:
    """The counts of one process. Times are seconds of a clock that never goes back."""

    address: str | None = None
    streak: int = 0
    agents: set[int] = field(default_factory=set)
    requests: int = 0
    forwarded: int = 0
    peer: str | None = None
    look_at: float = 0.0
    window_ends: float = 0.0
    quiet_until: dict[ProxyMisconfiguration, float] = field(default_factory=dict)
    manipulations: ReportedKeys = field(default_factory=ReportedKeys)

    def note(self, caller: ClientAddress, user_agent: str, *, now: float) -> None:
        """Count one request; look at the counts when it is time."""
        self.requests += 1
        if caller.address == self.address:
            self.streak += 1
            if len(self.agents) < AGENTS:
                self.agents.add(hash(user_agent))
        else:
            self.address, self.streak, self.agents = caller.address, 1, {hash(user_agent)}
        if caller.findings:
            self._note_findings(caller, now=now)
        if now >= self.look_at:
            self._look(now)

    def _note_findings(self, caller: ClientAddress, *, now: float) -> None:
        if HeaderFinding.UNTRUSTED_PEER in caller.findings:
            self.forwarded += 1
            self.peer = caller.address
        found = [finding.value for finding in caller.findings if finding in _PLAYED_WITH]
        if found and self.manipulations.is_first((caller.network, *found), now=now):
            score = 40 if HeaderFinding.CONTRADICTION in caller.findings or len(found) > 1 else 25
            report(EvasionPattern.HEADERS, score=score, reasons=found, data={})

    def _look(self, now: float) -> None:
        self.look_at = now + CHECK_SECONDS
        if self.streak >= STREAK and len(self.agents) >= AGENTS:
            self._report(ProxyMisconfiguration.SINGLE_ADDRESS, self.address, {"requests": self.streak}, now)
        if self.forwarded >= FORWARDED and self.forwarded >= SHARE * self.requests:
            self._report(
                ProxyMisconfiguration.UNTRUSTED_PROXY,
                self.peer,
                {"forwarded": self.forwarded, "requests": self.requests},
                now,
            )
        if now >= self.window_ends:
            self.window_ends = now + WINDOW_SECONDS
            self.requests = self.forwarded = 0

    def _report(self, mistake: ProxyMisconfiguration, address: str | None, data: dict[str, int], now: float) -> None:
        if now < self.quiet_until.get(mistake, 0.0):
            return
        self.quiet_until[mistake] = now + QUIET_SECONDS
        answers = signals.misconfiguration_detected.send_robust(
            sender=ProxyMisconfiguration, mistake=mistake, address=address, data=data, now=datetime.now(UTC)
        )
        if any(isinstance(answer, Exception) for _receiver, answer in answers):
            self.quiet_until[mistake] = now + WINDOW_SECONDS  # it may not have been written down: say it again


_detector = ProxyDetector()


def reset() -> None:
    """Begin anew, as a process that has just started."""
    global _detector  # noqa: PLW0603 - it is what this process remembers
    _detector = ProxyDetector()


def count_request(caller: ClientAddress, user_agent: str) -> None:
    """Let this process' observer see a request."""
    _detector.note(caller, user_agent, now=time.monotonic())
