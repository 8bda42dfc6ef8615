"""The explanation of a sign-in's risk, going out."""

from rest_framework import serializers

from security_events.types import RiskChoice, RuleMode


class RiskFeatureOutput(serializers.Serializer[None]):
    """A feature of a risk."""

    factor = serializers.CharField(
        help_text="Such as `country` or `hour`; those that raise it are the event's reasons."
    )
    name = serializers.CharField(help_text="In the language of the request.")
    weight = serializers.IntegerField(help_text="Tenths of a logarithm. What is positive raises the risk.")
    evidence = serializers.DictField(
        child=serializers.IntegerField(), help_text="What it was computed from. Own sign-ins are in thousandths."
    )
    explanation = serializers.CharField()


class RiskOutput(serializers.Serializer[None]):
    """Why a sign-in had its risk."""

    score = serializers.IntegerField(min_value=0, max_value=100)
    recomputed = serializers.IntegerField(
        min_value=0, max_value=100, help_text="What the evidence of the event gives: the same."
    )
    choice = serializers.ChoiceField(choices=list(RiskChoice))
    mode = serializers.ChoiceField(choices=list(RuleMode), help_text="Without `enforce`, nothing was done.")
    threshold = serializers.IntegerField(allow_null=True, help_text="The one that was reached.")
    thresholds = serializers.DictField(child=serializers.IntegerField())
    rule_version = serializers.IntegerField()
    explanation = serializers.CharField()
    features = RiskFeatureOutput(many=True)
