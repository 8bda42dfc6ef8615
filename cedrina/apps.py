from django.apps import AppConfig


class CedrinaConfig(AppConfig):
    name = "cedrina"

    def ready(self) -> None:
        from cedrina import scopes, wiring
        from cedrina.guarding import checks

        wiring.connect()
