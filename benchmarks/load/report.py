"""One page with the figures of a run beside their goals, and plots."""

from collections.abc import Sequence
from html import escape

from goals import Figure
from history import Series
from result_page import document

WIDTH, HEIGHT = 720, 160


def page(title: str, notes: Sequence[str], figures: Sequence[Figure], plots: Sequence[Series]) -> str:
    """Return the page as HTML."""
    return document(
        title,
        introduction=f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>",
        head=("figure", "value", "goal"),
        rows="".join(map(_row, figures)),
        after=f"<h2>In the course of time</h2>{''.join(map(_plot, plots))}",
    )


def _row(figure: Figure) -> str:
    goal = (
        "" if figure.goal is None else f"{'at least' if figure.is_least else 'at most'} {figure.goal:.6g} {figure.unit}"
    )
    missed = ' class="missed"' if figure.is_met is False else ""
    value = f"{figure.value:.1f} {figure.unit}"
    return f'<tr{missed}><td>{escape(figure.name)}</td><td class="number">{value}</td><td>{goal}</td></tr>'


def _plot(series: Series) -> str:
    points = list(zip(series.at, series.values, strict=True))
    if not points:
        return ""
    last, highest = points[-1][0] or 1.0, max(series.values) * 1.1 or 1.0
    line = " ".join(f"{WIDTH * at / last:.1f},{HEIGHT - HEIGHT * value / highest:.1f}" for at, value in points)
    label = f"{series.name}: from {series.values[0]:.3g} to {series.values[-1]:.3g} {series.unit}".rstrip()
    label += f" in {last:.0f} s, at most {max(series.values):.3g}"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<polyline points="{line}"/></svg><figcaption>{escape(label)}</figcaption></figure>'
    )
