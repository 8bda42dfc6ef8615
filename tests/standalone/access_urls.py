from django.urls import include, path

urlpatterns = [path("", include("accounts.access.urls"))]
