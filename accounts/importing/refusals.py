"""The reasons for which a row of a dump is refused."""

from django.utils.translation import gettext_lazy as _

REASONS = {
    "line_too_long": _("The row is longer than 1 MiB."),
    "not_utf8": _("The row is not UTF-8."),
    "nul_character": _("The row holds a NUL character."),
    "malformed_row": _("The row can't be read as CSV or JSON."),
    "wrong_number_of_columns": _("The row has more or fewer columns than the first one."),
    "value_invalid": _("A value is of another type than it should be."),
    "email_invalid": _("There is no e-mail address, or none that mail can be sent to."),
    "email_not_ascii": _("Before the at sign of the address stand other letters than ASCII: no mail arrives there."),
    "email_taken": _("Somebody has this address."),
    "username_invalid": _("The username has other characters, or another length, than usernames have here."),
    "username_reserved": _("The username is reserved."),
    "username_taken": _("Somebody has this username."),
    "full_name_invalid": _("The name is longer than 150 characters or holds control characters."),
    "created_at_invalid": _("A moment can't be read or lies in the future."),
    "external_id_invalid": _("The id in the other system is longer than 255 characters."),
    "deleted_there": _("The other system had deleted this person."),
    "hash_unreadable": _("The password hash can't be read."),
    "hash_unsupported": _("The password hash is of a kind that is not known here."),
    "hash_cost_refused": _("The password hash is so expensive that a sign-in would hold up everybody else."),
}


class RowRefused(Exception):
    """A row that is refused. ``reason`` is a key of REASONS, so that it holds nothing of the row."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
