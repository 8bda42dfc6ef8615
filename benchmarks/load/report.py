"""One page with the figures of a run beside their goals, and plots. No script, no address of others."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from goals import Figure
from samples import Sample

WIDTH, HEIGHT = 720, 160
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; }
td, th { border-bottom: 1px solid #8884; padding: .25rem .75rem; text-align: start; }
td.number { text-align: end; font-variant-numeric: tabular-nums; } .missed { font-weight: 700; }
svg { max-width: 100%; }
polyline { fill: none; stroke: #2563eb; stroke-width: 2; }
text { fill: currentColor; font-size: 12px; }
:root { color-scheme: light dark; }
"""


def page(title: str, notes: Sequence[str], figures: Sequence[Figure], samples: Sequence[Sample]) -> str:
    """Return the page as HTML."""
    rows = "".join(_row(figure) for figure in figures)
    plots = "".join(
        _plot(name, unit, [(sample.at, float(getattr(sample, name))) for sample in samples])
        for name, unit in (("memory", "MiB"), ("files", "open files"), ("connections", "connections"))
    )
    said = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1><p>{datetime.now(UTC):%Y-%m-%d %H:%M} UTC</p><ul>{said}</ul>"
        f"<table><thead><tr><th>figure</th><th>value</th><th>goal</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<h2>What the server held</h2>{plots}</body></html>"
    )


def _row(figure: Figure) -> str:
    goal = (
        "" if figure.goal is None else f"{'at least' if figure.is_least else 'at most'} {figure.goal:.6g} {figure.unit}"
    )
    missed = ' class="missed"' if figure.is_met is False else ""
    value = f"{figure.value:.1f} {figure.unit}"
    return f'<tr{missed}><td>{escape(figure.name)}</td><td class="number">{value}</td><td>{goal}</td></tr>'


def _plot(name: str, unit: str, points: Sequence[tuple[float, float]]) -> str:
    if not points:
        return ""
    last, highest = points[-1][0] or 1.0, max(value for _at, value in points) * 1.1 or 1.0
    line = " ".join(f"{WIDTH * at / last:.1f},{HEIGHT - HEIGHT * value / highest:.1f}" for at, value in points)
    label = f"{name}: {points[0][1]:.0f} to {points[-1][1]:.0f} {unit} in {last:.0f} s"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<polyline points="{line}"/></svg><figcaption>{escape(label)}</figcaption></figure>'
    )
