"""What a request does while it waits for a provider."""

from accounts.providers.waiting import while_waiting
from tests.accounts.recorder import Waits


class TestWhileWaiting:
    def test_is_done_as_the_setting_says(self, settings, db):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_WAITING": "tests.accounts.recorder.Waits"}
        Waits.open_transactions = []
        with while_waiting():
            assert len(Waits.open_transactions) == 1
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_WAITING": None}
        with while_waiting():
            assert len(Waits.open_transactions) == 1
