import gc

from django.apps import AppConfig


class CedrinaConfig(AppConfig):
    name = "cedrina"

    def ready(self) -> None:
        from cedrina import scopes, wiring

        wiring.connect()
        gc.enable()  # manage.py disables it while modules are imported
