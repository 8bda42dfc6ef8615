"""Draw the curves of two scores as an SVG picture, with figures in its description for people who can't see it."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from security_events.detection.simulation.attackers import Attacker
from security_events.detection.simulation.evaluation import CAUGHT, FREEMAN, OURS, Comparison

_SIDE, _MARGIN, _GAP, _HEAD = 260, 48, 40, 40
_COLOURS = {OURS: "#1f6f54", FREEMAN: "#b3541e"}
_DASHES = {OURS: "", FREEMAN: "6 4"}
_POINTS = 200


def svg(comparison: Comparison, attacker: Attacker) -> str:
    """Return a picture with a square for each length of history."""
    histories = sorted({history for history, _method in comparison})
    width = 2 * _MARGIN + len(histories) * _SIDE + (len(histories) - 1) * (_GAP + _MARGIN)
    height = _HEAD + _SIDE + 2 * _MARGIN
    squares = "".join(
        _square(comparison, history, attacker, left=_MARGIN + number * (_SIDE + _GAP + _MARGIN))
        for number, history in enumerate(histories)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="sans-serif" font-size="12">'
        f"<title>Attacks caught (upwards): {escape(attacker)}</title>"
        f"<desc>{escape(description(comparison, attacker))}</desc>"
        f'<rect width="{width}" height="{height}" fill="#fff"/>{squares}{_legend()}</svg>\n'
    )


def description(comparison: Comparison, attacker: Attacker) -> str:
    """Return the figures of the picture in words."""
    return " ".join(
        f"After {history} sign-ins, {method} challenges {scores.challenged(attacker):.1%} of honest sign-ins where it "
        f"catches {CAUGHT:.0%} of the attacks; the area under its curve is {scores.area(attacker):.3f}."
        for (history, method), scores in sorted(comparison.items())
    )


def _square(comparison: Comparison, history: int, attacker: Attacker, *, left: int) -> str:
    top = _HEAD
    ticks = "".join(
        f'<text x="{left + share * _SIDE:.0f}" y="{top + _SIDE + 16}" text-anchor="middle">{share:.0%}</text>'
        f'<text x="{left - 6}" y="{top + _SIDE - share * _SIDE + 4:.0f}" text-anchor="end">{share:.0%}</text>'
        for share in (0, 0.5, 1)
    )
    lines = "".join(
        f'<polyline fill="none" stroke="{_COLOURS[method]}" stroke-width="2" stroke-dasharray="{_DASHES[method]}" '
        f'points="{_points(comparison[history, method].curve(attacker), left, top)}"/>'
        for method in (FREEMAN, OURS)
    )
    return (
        f'<text x="{left}" y="{top - 8}">after {history} sign-ins</text>'
        f'<rect x="{left}" y="{top}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#999"/>'
        f"{ticks}{lines}"
        f'<text x="{left + _SIDE / 2:.0f}" y="{top + _SIDE + 34}" text-anchor="middle">'
        "honest sign-ins challenged</text>"
    )


def _legend() -> str:
    return "".join(
        f'<line x1="{_MARGIN + number * 150}" x2="{_MARGIN + number * 150 + 30}" y1="12" y2="12" '
        f'stroke="{_COLOURS[method]}" stroke-width="2" stroke-dasharray="{_DASHES[method]}"/>'
        f'<text x="{_MARGIN + number * 150 + 36}" y="16">{method}</text>'
        for number, method in enumerate((OURS, FREEMAN))
    )


def _points(curve: Sequence[tuple[float, float]], left: int, top: int) -> str:
    step = max(1, len(curve) // _POINTS)
    kept = [*curve[::step], (1.0, 1.0)]
    return " ".join(f"{left + x * _SIDE:.1f},{top + _SIDE - y * _SIDE:.1f}" for x, y in kept)
