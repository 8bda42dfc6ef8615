"""A signed note as a file."""

from django.http import HttpResponse

from security_events.models import TrailCheckpoint
from security_events.selectors.sealing.checkpoints import cosigned_note


def note_file(checkpoint: TrailCheckpoint) -> HttpResponse:
    """Return the signed note of a checkpoint, with the lines of its witnesses, to be saved by a browser."""
    name = f"checkpoint-{checkpoint.size}.txt"
    return HttpResponse(
        cosigned_note(checkpoint),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
