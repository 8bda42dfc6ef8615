"""The HTTP routes of all apps."""

from django.apps import apps
from django.contrib import admin
from django.urls import include, path

from cedrina.http.home import home
from cedrina.monitoring.api.views import FiguresView, HealthView, PrometheusView
from cedrina.openapi.views import DocumentationView, GuideView, SchemaView
from cedrina.operations.health import livez, readyz

urlpatterns = [
    path("", home, name="home"),
    path("api/v1/", include("tokens.urls")),
    path("api/v1/", include("accounts.urls")),
    path("api/v1/", include("accounts.access.urls")),
    path("api/v1/admin/", include("ratelimiting.urls")),
    path("api/v1/admin/", include("security_events.urls")),
    path("api/v1/health", HealthView.as_view(), name="health"),
    path("api/v1/metrics", FiguresView.as_view(), name="figures"),
    path("", include("accounts.access.authzen_urls")),
    path("account/", include("accounts.api.pages.urls")),
    path("oauth/", include("tokens.oauth_urls")),
    path("ssf/", include("tokens.ssf_urls")),
    path(".well-known/", include("tokens.well_known_urls")),
    path(".well-known/", include("security_events.well_known_urls")),
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("metrics", PrometheusView.as_view(), name="metrics"),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", DocumentationView.as_view(url_name="schema"), name="docs"),
    path("api/docs/guide", GuideView.as_view(), name="guide"),
    path("admin/console/", include("cedrina.console.urls")),
    path("admin/", admin.site.urls),
]

if apps.is_installed("cedrina.tooling"):  # in development; the settings of staging and production never name it
    urlpatterns.append(path("dev/", include("cedrina.tooling.sent_mail.urls")))

handler400 = "cedrina.http.error_views.bad_request"
handler403 = "cedrina.http.error_views.permission_denied"
handler404 = "cedrina.http.error_views.not_found"
handler500 = "cedrina.http.error_views.server_error"
