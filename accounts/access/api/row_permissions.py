"""Guard views of Django REST framework over rows of a model that ``declare_rows`` was called for."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.filters import BaseFilterBackend
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access.services.visible_rows.queries import may_do, visible_to

_ACTIONS = {"GET": "read", "HEAD": "read", "OPTIONS": "read", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


class RowPermission(BasePermission):
    """Allow an action on a row that the policy allows. The action follows from the method; others are refused.

    A subclass may name other actions. Creating a row is asked about by ``HasPermission`` or in the view: there is no
    row yet.
    """

    actions: ClassVar[Mapping[str, str]] = _ACTIONS

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        del view
        action = self.actions.get(request.method or "")
        return action is not None and may_do(request.user, obj, action)


class VisibleRows(BaseFilterBackend):
    """Show those rows of a list that the user may read, or do the view's ``row_action`` on."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        return visible_to(request.user, queryset, getattr(view, "row_action", "read"))
