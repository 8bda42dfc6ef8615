"""A stand-in for what the serving layer does while a request waits for its hash."""

from django.db import connection


class Waits:
    """Notes for each wait whether a transaction was open."""

    open_transactions: list[bool] = []

    def __enter__(self) -> None:
        Waits.open_transactions.append(connection.in_atomic_block)

    def __exit__(self, *_details: object) -> None:
        pass
