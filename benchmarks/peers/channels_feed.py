"""What Channels' own documentation builds: consumers in a group of the core Redis layer, and group_send for each event.

`python channels_feed.py PORT REDIS_URL` serves it with daphne. A message to the path /send/N/RATE makes the server send N
events; each bears the time of its sending.
"""

import asyncio
import json
import sys
import time

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="benchmark",  # noqa: S106 - of no use to anybody
    CHANNEL_LAYERS={
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [sys.argv[2]]}}
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from daphne.endpoints import build_endpoint_description_strings  # noqa: E402
from daphne.server import Server  # noqa: E402

EVENT = {name: "x" * 30 for name in ("id", "type", "category", "actor_id", "target_id", "session_id", "user_agent")}


class Feed(AsyncWebsocketConsumer):
    """Sends each event of the group to its client; the first message of a client starts the events."""

    groups = ["feed"]  # noqa: RUF012 - as the documentation of Channels has it

    async def receive(self, text_data=None, bytes_data=None):
        asked = json.loads(text_data)
        asyncio.get_running_loop().create_task(send_events(asked["events"], asked["rate"]))

    async def event(self, message):
        await self.send(text_data=message["text"])


async def send_events(count, rate):
    layer, began = get_channel_layer(), time.monotonic()
    for number in range(count):
        body = {**EVENT, "data": {"number": number, "written_at": f"{time.time():.6f}"}}
        await layer.group_send("feed", {"type": "event", "text": json.dumps({"type": "event", "event": body})})
        await asyncio.sleep(max(0, began + number / rate - time.monotonic()))


Server(
    Feed.as_asgi(), endpoints=build_endpoint_description_strings(host="127.0.0.1", port=int(sys.argv[1])), verbosity=0
).run()
