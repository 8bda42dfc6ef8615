"""Admin pages that show rows and change nothing."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.core.paginator import Paginator
from django.db import OperationalError
from django.db.models import QuerySet
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:
    AnyModelAdmin = admin.ModelAdmin  # generic in the type stubs only
    AnyPaginator = Paginator

MOST_ROWS = 10_000
_SHOWN_WHOLE = 16
_CUT_TO = 8
_QUERY_CANCELED = "57014"  # the SQLSTATE of a statement that was cut by its time limit


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
    show_facets = admin.ShowFacets.NEVER  # they count all rows for each choice of each filter
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
        """Call the list what it is: Django's title asks to select something, which nobody can change here.

        A search or a filter that takes longer than the database's limit leads back to the whole list, with a message.
        """
        title = capfirst(str(self.opts.verbose_name_plural))
        try:
            return super().changelist_view(request, {"title": title, **(extra_context or {})})
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != _QUERY_CANCELED or not request.GET:
                raise
        text = _("The search took too long. Give the beginning of a name or a whole id, or filter more narrowly.")
        self.message_user(request, text, messages.ERROR)
        return redirect(request.path)

    def response_action(self, request: Any, queryset: QuerySet[Any], *further: Any) -> Any:
        """Run an action. An id that can't be one, which no form of ours sends, is refused."""
        try:
            for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(chosen)
        except ValidationError as error:
            raise SuspiciousOperation("An id of a chosen row is not valid.") from error
        return super().response_action(request, queryset, *further)

    def history_view(self, request: Any, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the history of an object by the site's ``object_history``, if it has one, instead of Django's log."""
        show = getattr(self.admin_site, "object_history", None)
        shown = self.get_object(request, unquote(object_id)) if show else None
        if show is None or shown is None:
            return super().history_view(request, object_id, extra_context)
        if not self.has_view_permission(request, shown):
            raise PermissionDenied
        return show(request, self, shown)

    # Services record what is changed. Django's log would say less of it, and again.

    def log_addition(self, _request: Any, _obj: Any, _message: Any) -> Any:
        """Write nothing."""

    def log_change(self, _request: Any, _obj: Any, _message: Any) -> Any:
        """Write nothing."""

    def log_deletions(self, _request: Any, _queryset: Any) -> Any:
        """Write nothing."""


def short_id(identity: Any) -> str:
    """Return an id for a column of a list: its beginning and its end, and the whole of it as the title."""
    text = str(identity)
    if len(text) <= _SHOWN_WHOLE:
        return text
    return format_html('<span class="id" title="{}">{}…{}</span>', text, text[:_CUT_TO], text[-_CUT_TO:])
