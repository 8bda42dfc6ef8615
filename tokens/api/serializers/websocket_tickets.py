"""Shapes of tickets for WebSockets going out."""

from rest_framework import serializers


class WebSocketTicketOutput(serializers.Serializer[dict[str, object]]):
    """A ticket, and for how many seconds it can be used."""

    ticket = serializers.CharField()
    expires_in = serializers.IntegerField()
