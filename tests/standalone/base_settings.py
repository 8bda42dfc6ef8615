"""What any bare Django project has."""

import os

import environ

SECRET_KEY = "of-a-bare-project-and-long-enough-for-django-0123456789"
DATABASES = {"default": environ.Env().db_url("DATABASE_URL", default="postgres:///cedrina")}
# Several of these may run at once.
DATABASES["default"]["TEST"] = {"NAME": f"test_bare_{os.getpid()}"}
# Django's first one takes a third of a second for each request with a name and a password.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
ALLOWED_HOSTS = ["testserver"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tokens.api.authentication.AccessTokenAuthentication"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
