"""Admin pages that show rows and change nothing."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.text import capfirst

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:
    AnyModelAdmin = admin.ModelAdmin  # generic in the type stubs only
    AnyPaginator = Paginator

MOST_ROWS = 10_000
_SHOWN_WHOLE = 16
_CUT_TO = 8


class BoundedPaginator(AnyPaginator):
    """Pages of the first 10,000 rows: to count all rows of a large table takes seconds, and nobody reads page 200."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[:MOST_ROWS].count() if isinstance(rows, QuerySet) else len(rows)

    @property
    def is_cut(self) -> bool:
        """Whether there may be more rows than are counted."""
        return self.count == MOST_ROWS


class ReadOnlyAdmin(AnyModelAdmin):
    """Rows to read. They are changed by admin actions only, which call services."""

    list_per_page = 50
    list_max_show_all = 0  # no link that shows all rows on one page
    show_full_result_count = False
    actions_selection_counter = True
    paginator = BoundedPaginator
    # Lists are sorted by an index, so no column sorts a large table.
    sortable_by = ()

    def has_add_permission(self, _request: Any, _obj: Any = None) -> bool:
        return False

    def has_change_permission(self, _request: Any, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: Any, _obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Call the list what it is: Django's title asks to select something, which nobody can change here."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})


def short_id(identity: Any) -> str:
    """Return an id for a column of a list: its beginning and its end, and the whole of it as the title."""
    text = str(identity)
    if len(text) <= _SHOWN_WHOLE:
        return text
    return format_html('<span class="id" title="{}">{}…{}</span>', text, text[:_CUT_TO], text[-_CUT_TO:])
