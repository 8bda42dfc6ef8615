"""The HTTP routes of all apps."""

from django.contrib import admin
from django.urls import include, path

from cedrina.openapi.views import DocumentationView, GuideView, SchemaView
from cedrina.operations.health import livez, readyz

urlpatterns = [
    path("api/v1/", include("tokens.urls")),
    path("api/v1/", include("accounts.urls")),
    path("api/v1/admin/", include("ratelimiting.urls")),
    path("account/", include("accounts.api.pages.urls")),
    path(".well-known/", include("tokens.well_known_urls")),
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", DocumentationView.as_view(url_name="schema"), name="docs"),
    path("api/docs/guide", GuideView.as_view(), name="guide"),
    path("admin/", admin.site.urls),
]

handler400 = "cedrina.http.error_views.bad_request"
handler403 = "cedrina.http.error_views.permission_denied"
handler404 = "cedrina.http.error_views.not_found"
handler500 = "cedrina.http.error_views.server_error"
