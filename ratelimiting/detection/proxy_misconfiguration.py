"""Detect two mistakes in the configuration of trusted proxies, and clients that manipulate forwarding headers.

Each process has one detector, which sees every request. It counts without locks (a lost count does no harm) and its
memory is bounded. The request that comes when a check is due performs it.
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
REPEAT_SECONDS = 3600.0
# All traffic comes from one address: so many requests in a row, with so many different user agents. One user agent
# alone proves nothing.
STREAK, AGENTS = 30, 3
# A proxy is not trusted: at least so many requests with forwarding headers, and so large a share of all requests.
FORWARDED, SHARE = 5, 0.9
# The findings that are reported as manipulation. A private address in a header is legitimate in an intranet.
_MANIPULATIONS = frozenset(
    {
        HeaderFinding.UNTRUSTED_PEER,
        HeaderFinding.CONTRADICTION,
        HeaderFinding.MALFORMED,
        HeaderFinding.TOO_LONG,
    }
)


class ProxyMisconfiguration(StrEnum):
    """What an operator should correct."""

    SINGLE_ADDRESS = "single_address"
    UNTRUSTED_PROXY = "untrusted_proxy"


@dataclass(slots=True)
class ProxyDetector:
    """The counts of one process. Times are seconds of the monotonic clock."""

    address: str | None = None
    streak: int = 0
    agents: set[int] = field(default_factory=set)
    requests: int = 0
    forwarded: int = 0
    peer: str | None = None
    next_check: float = 0.0
    window_ends: float = 0.0
    repeat_from: dict[ProxyMisconfiguration, float] = field(default_factory=dict)
    manipulations: ReportedKeys = field(default_factory=ReportedKeys)

    def count(self, client: ClientAddress, user_agent: str, *, now: float) -> None:
        """Count one request, and check the counts if that is due."""
        self.requests += 1
        if client.address == self.address:
            self.streak += 1
            if len(self.agents) < AGENTS:
                self.agents.add(hash(user_agent))
        else:
            self.address, self.streak, self.agents = client.address, 1, {hash(user_agent)}
        if client.findings:
            self._count_findings(client, now=now)
        if now >= self.next_check:
            self._check(now)

    def _count_findings(self, client: ClientAddress, *, now: float) -> None:
        if HeaderFinding.UNTRUSTED_PEER in client.findings:
            self.forwarded += 1
            self.peer = client.address
        found = [finding.value for finding in client.findings if finding in _MANIPULATIONS]
        if found and self.manipulations.add((client.network, *found), now=now):
            score = 40 if HeaderFinding.CONTRADICTION in client.findings or len(found) > 1 else 25
            report(EvasionPattern.HEADERS, score=score, reasons=found, data={})

    def _check(self, now: float) -> None:
        self.next_check = now + CHECK_SECONDS
        if self.streak >= STREAK and len(self.agents) >= AGENTS:
            self._report(ProxyMisconfiguration.SINGLE_ADDRESS, self.address, {"requests": self.streak}, now)
        if self.forwarded >= FORWARDED and self.forwarded >= SHARE * self.requests:
            data = {"forwarded": self.forwarded, "requests": self.requests}
            self._report(ProxyMisconfiguration.UNTRUSTED_PROXY, self.peer, data, now)
        if now >= self.window_ends:
            self.window_ends = now + WINDOW_SECONDS
            self.requests = self.forwarded = 0

    def _report(self, found: ProxyMisconfiguration, address: str | None, data: dict[str, int], now: float) -> None:
        if now < self.repeat_from.get(found, 0.0):
            return
        self.repeat_from[found] = now + REPEAT_SECONDS
        answers = signals.misconfiguration_detected.send_robust(
            sender=ProxyMisconfiguration, misconfiguration=found, address=address, data=data, now=datetime.now(UTC)
        )
        if any(isinstance(answer, Exception) for _receiver, answer in answers):
            # A receiver failed, so it may not have been recorded: report it again soon.
            self.repeat_from[found] = now + WINDOW_SECONDS


_detector = ProxyDetector()


def reset() -> None:
    """Forget everything that was counted. For tests."""
    global _detector  # noqa: PLW0603 - the counts belong to the process
    _detector = ProxyDetector()


def count_request(client: ClientAddress, user_agent: str) -> None:
    """Let this process's detector count a request."""
    _detector.count(client, user_agent, now=time.monotonic())
