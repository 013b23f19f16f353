"""Figures as SVG that stands in a page: bars, lines, heat maps and bands, drawn by matplotlib in the page's own colours, light or dark, and
in its own type. No text in them is read as a formula, and the same figures give the same bytes."""

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from synth.report.clip import name
from synth.sanitize import for_page

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, DIM, LINE, ACCENT, BAD, GOOD = "#000001", "#000002", "#000003", "#000004", "#000005", "#000006"
"""Colours of the page, by what stands for them as a figure is drawn."""
_COLOURS: Final = {INK: "ink", DIM: "dim", LINE: "line", ACCENT: "accent", BAD: "bad", GOOD: "good"}
_WIDTH: Final = 400.0
"""Points that a figure is wide; its height follows."""
_ROW: Final = 16.5
_LETTER: Final = 9.5
"""Points of a Chinese character of a label."""
_LONGEST: Final = 24
"""Characters of a label."""
_STYLE: Final[Mapping[str, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "synth",
    "text.parse_math": False,
    "font.size": 9.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": DIM,
    "axes.titlesize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": DIM,
    "ytick.color": LINE,
    "xtick.labelcolor": DIM,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
}


def bars(names: Sequence[str], series: Mapping[str, Sequence[float]], colours: Sequence[str] = ()) -> "Markup":
    """Lying bars, one a name, the series on top of each other."""
    left, top = _room(names), 20.0 if len(series) > 1 else 4.0
    with _drawn(top + _ROW * len(names) + 22, left=left, top=top, right=14) as (figure, axes, made):
        base = [0.0] * len(names)
        for (title, values), colour in zip(series.items(), _several(colours, len(series)), strict=True):
            axes.barh(range(len(names)), values, left=base, color=colour, height=0.7, label=_label(title))
            base = [at + value for at, value in zip(base, values, strict=True)]
        axes.set_yticks(range(len(names)), [_label(one) for one in names])
        axes.invert_yaxis()
        axes.margins(y=0.5 / max(2, len(names)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        _plain(axes)
        if len(series) > 1:
            _legend(figure, len(series))
    return made[0]


def lines(
    x: Sequence[float], series: Mapping[str, Sequence[float]], colours: Sequence[str] = (), *, top: float = 1.0
) -> "Markup":
    """Lines over rounds, as shares."""
    from matplotlib.ticker import MaxNLocator

    with _drawn(150, left=34, top=20, right=14, bottom=22) as (figure, axes, made):
        for (title, values), colour in zip(series.items(), _several(colours, len(series)), strict=True):
            axes.plot(x, values, color=colour, label=_label(title), linewidth=1.6, marker="o", markersize=3)
        axes.set_ylim(0, top * 1.04)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.grid(axis="y", color=LINE, linewidth=0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _plain(axes)
        _legend(figure, len(series))
    return made[0]


def columns(bins: Sequence[str], series: Mapping[str, Sequence[float]], colours: Sequence[str] = ()) -> "Markup":
    """Standing bars side by side, as shares of each series."""
    with _drawn(150, left=34, top=20, right=8, bottom=22) as (figure, axes, made):
        width = 0.8 / max(1, len(series))
        for number, ((title, values), colour) in enumerate(
            zip(series.items(), _several(colours, len(series)), strict=True)
        ):
            shift = (number - (len(series) - 1) / 2) * width
            axes.bar([at + shift for at in range(len(bins))], values, width * 0.92, color=colour, label=_label(title))
        axes.set_xticks(range(len(bins)), [_label(one) for one in bins])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.grid(axis="y", color=LINE, linewidth=0.5)
        axes.set_axisbelow(True)
        _plain(axes)
        _legend(figure, len(series))
    return made[0]


def heat(
    rows: Sequence[str], heads: Sequence[str], values: Sequence[Sequence[float | None]], texts: Sequence[Sequence[str]]
) -> "Markup":
    """A heat map: the deeper the colour, the nearer to 1; nothing where a value is None."""
    from matplotlib.patches import Rectangle

    left, top = _room(rows), 20.0
    with _drawn(top + _ROW * len(rows) + 4, left=left, top=top, right=6, bottom=4) as (_, axes, made):
        for y, (line, said) in enumerate(zip(values, texts, strict=True)):
            for x, (value, text) in enumerate(zip(line, said, strict=True)):
                if value is None:
                    continue
                deep = 0.04 + 0.62 * min(1.0, max(0.0, value))
                axes.add_artist(Rectangle((x, y), 0.96, 0.92, facecolor=ACCENT, alpha=round(deep, 2), linewidth=0))
                axes.text(x + 0.48, y + 0.5, text, ha="center", va="center", fontsize=8.5)
        axes.set_xlim(0, max(1, len(heads)))
        axes.set_ylim(max(1, len(rows)), 0)
        axes.xaxis.tick_top()
        axes.set_xticks([at + 0.48 for at in range(len(heads))], [_label(one) for one in heads])
        axes.set_yticks([at + 0.5 for at in range(len(rows))], [_label(one) for one in rows])
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.tick_params(axis="x", labelsize=8)
    return made[0]


def band(
    names: Sequence[str],
    bands: Sequence[tuple[float, float]],
    points: Mapping[str, Sequence[float | None]],
    colours: Sequence[str] = (),
) -> "Markup":
    """One line a measure, each to its own scale: the band that real sets span, and where the points lie."""
    left, top = _room(names), 20.0
    with _drawn(top + 20.0 * len(names) + 6, left=left, top=top, right=14, bottom=4) as (figure, axes, made):
        for y, (low, high) in enumerate(bands):
            held = [one for values in points.values() if (one := values[y]) is not None]
            least, most = min(low, *held, high), max(low, *held, high)
            room = (most - least) * 0.08 or 1.0
            scale = (least - room, most + room)
            axes.plot([0, 1], [y, y], color=LINE, linewidth=0.8)
            axes.plot(
                [_placed(low, scale), _placed(high, scale)],
                [y, y],
                color=DIM,
                linewidth=9,
                alpha=0.3,
                solid_capstyle="butt",
            )
            for (title, values), colour in zip(points.items(), _several(colours, len(points)), strict=True):
                if (value := values[y]) is not None:
                    axes.plot(
                        [_placed(value, scale)],
                        [y],
                        "o",
                        color=colour,
                        markersize=5,
                        label=None if y else _label(title),
                    )
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), [_label(one) for one in names])
        axes.set_xticks([])
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        _legend(figure, len(points))
    return made[0]


@contextlib.contextmanager
def _drawn(
    height: float, *, left: float, top: float, right: float, bottom: float = 18
) -> Iterator[tuple["Figure", "Axes", list["Markup"]]]:
    """A figure to draw in for the length of a block, with room around it in points; its SVG stands in the list afterwards."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # that it makes a cache of fonts is nobody's business here
    import matplotlib as mpl
    from markupsafe import Markup
    from matplotlib.figure import Figure

    made: list[Markup] = []
    style: dict[Any, Any] = {**mpl.rcParamsDefault, **_STYLE}
    del style["backend"]  # which is the whole program's
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own fonts lack Chinese characters; the page's have them
        figure = Figure(figsize=(_WIDTH / 72, height / 72), facecolor="none")
        axes = figure.add_axes(
            (left / _WIDTH, bottom / height, (_WIDTH - left - right) / _WIDTH, (height - top - bottom) / height),
            facecolor="none",
        )
        yield figure, axes, made
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
        made.append(Markup(_inlined(written.getvalue())))  # noqa: S704 (of ours; matplotlib escapes what is text)


def _inlined(svg: str) -> str:
    """A figure's file as an element of a page: no size, no ids that another figure has too, the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"<style[^>]*>[^<]*</style>", "", svg)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    head, _, rest = svg.partition(">")
    head = re.sub(r' (?:xmlns(?::\w+)?|version|width|height)="[^"]*"', "", head)
    for colour, called in _COLOURS.items():
        rest = rest.replace(colour, f"var(--{called})")
    return re.sub(r"\n\s*", "\n", f'{head} role="img">{rest}')


def _several(colours: Sequence[str], count: int) -> Sequence[str]:
    return [*colours, *([ACCENT, DIM, LINE, INK] * count)][:count]


def _label(text: str) -> str:
    return for_page(name(text, _LONGEST)) or "–"


def _room(names: Sequence[str]) -> float:
    """Points that the longest of these names takes beside a figure."""
    return 10.0 + max(
        (sum(_LETTER * (1.0 if ord(one) > 0x2E7F else 0.58) for one in _label(each)) for each in names), default=0
    )


def _placed(value: float, scale: tuple[float, float]) -> float:
    return (value - scale[0]) / (scale[1] - scale[0])


def _plain(axes: "Axes") -> None:
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)


def _legend(figure: "Figure", count: int) -> None:
    figure.legend(
        loc="upper right",
        ncols=max(1, count),
        handlelength=1.0,
        handletextpad=0.4,
        columnspacing=1.2,
        borderaxespad=0.1,
    )
