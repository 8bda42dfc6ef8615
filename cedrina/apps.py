from django.apps import AppConfig


class CedrinaConfig(AppConfig):
    name = "cedrina"

    def ready(self) -> None:
        from cedrina import wiring  # noqa: PLC0415 - the apps that it joins are only ready now

        wiring.connect()
