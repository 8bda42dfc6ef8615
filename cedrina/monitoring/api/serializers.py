"""The shapes of health and figures."""

from rest_framework import serializers

from cedrina.monitoring.health.checks import CheckStatus


class PartHealthOutput(serializers.Serializer[None]):
    status = serializers.ChoiceField(choices=[each.value for each in CheckStatus])
    latency_ms = serializers.FloatField(help_text="How long the check took, in milliseconds.")
    detail = serializers.CharField(help_text="What is wrong and what to do, empty if nothing is.")


class HealthOutput(serializers.Serializer[None]):
    status = serializers.ChoiceField(
        choices=[CheckStatus.OK.value, CheckStatus.WARNING.value, CheckStatus.FAILED.value],
        help_text="The worst status of all parts.",
    )
    checks = serializers.DictField(child=PartHealthOutput(), help_text="The parts of the installation, by their names.")
    version = serializers.CharField()


class SampleOutput(serializers.Serializer[None]):
    name = serializers.CharField(help_text="The name with the suffix of its kind, such as `_bucket`.")
    labels = serializers.DictField(child=serializers.CharField())
    value = serializers.FloatField()


class FigureOutput(serializers.Serializer[None]):
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["counter", "gauge", "histogram"])
    description = serializers.CharField()
    samples = SampleOutput(many=True)


class FiguresOutput(serializers.Serializer[None]):
    results = FigureOutput(many=True)
