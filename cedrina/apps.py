from django.apps import AppConfig


class CedrinaConfig(AppConfig):
    name = "cedrina"
