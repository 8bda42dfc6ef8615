"""Filter a list of the admin by the language of its users."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _


class LanguageFilter(admin.SimpleListFilter):
    """Offers the languages of the product. Django's own filter of the field reads all users to find out which occur."""

    title = _("language")
    parameter_name = "locale"

    def lookups(self, _request: Any, _model_admin: Any) -> Sequence[tuple[str, Any]]:
        return settings.LANGUAGES

    def queryset(self, _request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(locale=value) if value in dict(settings.LANGUAGES) else queryset.none()
