from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "tests.standalone.billing"
    label = "billing"
