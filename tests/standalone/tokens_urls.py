from django.urls import include, path

urlpatterns = [
    path("", include("tokens.urls")),
    path("oauth/", include("tokens.oauth_urls")),
    path(".well-known/", include("tokens.well_known_urls")),
]
