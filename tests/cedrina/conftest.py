"""What tests of the project share."""

from tests.accounts.conftest import events
