"""How much a proof may compute: a policy can be written so that an exact one takes hours."""


class BudgetExhausted(Exception):
    """The proof has computed as much as it may. What it has found until then is true."""


class WorkBudget:
    """Units of work that are left; one is a case that two policies are asked about, about 10 microseconds.

    ``is_exact`` becomes false when something was left out, so that there may be more differences than were found.
    """

    def __init__(self, units: float) -> None:
        self.left = units
        self.is_exact = True

    def spend(self, units: float) -> None:
        """Take units away.

        Raises: BudgetExhausted, if there are none left.
        """
        self.left -= units
        if self.left < 0:
            self.is_exact = False
            raise BudgetExhausted
