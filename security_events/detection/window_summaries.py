"""What judges ask of whole windows: failures that no success followed, and names that were searched for."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from security_events.detection.facts import Fact


@dataclass(frozen=True, slots=True)
class FailureCounts:
    """The open failures of some accounts: ``tries`` on ``failing`` of all ``accounts`` of a window.

    ``by_tries`` says how many accounts have that number of tries.
    """

    tries: int
    failing: int
    accounts: int
    by_tries: Mapping[int, int]

    def failing_with(self, least: int, most: int) -> int:
        """Return how many accounts have from ``least`` to ``most`` tries."""
        return sum(accounts for tries, accounts in self.by_tries.items() if least <= tries <= most)

    def tries_up_to(self, most: int) -> int:
        """Return how many tries the accounts with at most ``most`` tries have together."""
        return sum(tries * accounts for tries, accounts in self.by_tries.items() if tries <= most)


class OpenFailures:
    """The failures of each account that did not succeed after them.

    A summary of repeats comes after its minute. If the account succeeded since the first of them, so did they.
    """

    __slots__ = ("_by_account", "_by_tries", "_successes", "_total", "_tries")

    def __init__(self) -> None:
        self._by_account: dict[str, list[Fact]] = {}
        self._successes: dict[str, list[float]] = {}  # their times
        self._tries: dict[str, int] = {}
        self._by_tries: Counter[int] = Counter()
        self._total = 0

    def add(self, fact: Fact) -> None:
        account = fact.account
        self._by_account.setdefault(account, []).append(fact)
        if fact.succeeded:
            self._successes.setdefault(account, []).append(fact.at)
            self._set(account, 0)
        else:
            self._set(account, self._tries.get(account, 0) + _counted(fact, self._successes.get(account)))

    def remove_oldest(self, fact: Fact) -> None:
        account = fact.account
        facts, successes = self._by_account[account], self._successes.get(account)
        del facts[0]
        if not facts:
            del self._by_account[account]
        if not fact.succeeded:
            # With a success, the oldest failure came before it, and counts no more.
            if not successes:
                self._set(account, self._tries.get(account, 0) - _counted(fact, None))
        elif successes:
            del successes[0]
            if not successes:
                del self._successes[account]
                self._set(account, sum(_counted(each, None) for each in facts))

    def counts(self, *, without: str | None = None) -> FailureCounts:
        """Return how many there are. ``without`` is an account that is left out."""
        tries = self._tries.get(without, 0) if without is not None else 0
        by_tries = {**self._by_tries, tries: self._by_tries[tries] - 1} if tries else self._by_tries
        return FailureCounts(
            tries=self._total - tries,
            failing=len(self._tries) - bool(tries),
            accounts=len(self._by_account) - (without in self._by_account),
            by_tries=by_tries,
        )

    def of_failing(self, *, without: str | None = None) -> Iterator[Fact]:
        """Return all facts of the accounts with open failures, account by account."""
        return (fact for account in self._tries if account != without for fact in self._by_account[account])

    def _set(self, account: str, tries: int) -> None:
        before = self._tries.pop(account, 0)
        if before:
            self._by_tries[before] -= 1
            if not self._by_tries[before]:
                del self._by_tries[before]
        if tries:
            self._tries[account] = tries
            self._by_tries[tries] += 1
        self._total += tries - before


class SearchedNames:
    """How often each name was searched for: such as no account has, or as a reset was asked for."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._names)

    def add(self, fact: Fact) -> None:
        if is_search(fact):
            self._names[fact.account] += 1

    def remove_oldest(self, fact: Fact) -> None:
        if is_search(fact):
            self._names[fact.account] -= 1
            if not self._names[fact.account]:
                del self._names[fact.account]


def is_search(fact: Fact) -> bool:
    """Return whether the fact shows interest in a name rather than in an account."""
    return fact.is_unknown_name or not fact.type.startswith("authentication.")


def _counted(failure: Fact, successes: list[float] | None) -> int:
    """Return how many tries a failure stands for after the last of the earlier successes."""
    return failure.times if not successes or failure.began_at >= successes[-1] else 0
