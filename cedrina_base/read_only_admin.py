"""Admin pages that show rows and change nothing."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = admin.ModelAdmin  # generic in the type stubs only


class ReadOnlyAdmin(AnyModelAdmin):
    """Rows to read. They are changed by admin actions only, which call services."""

    list_per_page = 50
    show_full_result_count = False
    actions_selection_counter = True

    def has_add_permission(self, _request: Any, _obj: Any = None) -> bool:
        return False

    def has_change_permission(self, _request: Any, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: Any, _obj: Any = None) -> bool:
        return False
