from tests.factories.webhooks import receiver
