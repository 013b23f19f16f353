"""docs/flow.svg and docs/flow.zh.svg: the way from a taxonomy to a measured guard, drawn; readable on light and dark pages alike."""

from xml.sax.saxutils import escape

WORDS = {
    "en": {
        "title": "From a taxonomy to a measured guard",
        "boxes": ["taxonomy", "writers", "answerers", "judges", "filters", "data set", "guard"],
        "under": [
            "harms and rules",
            "queries",
            "answers",
            "label, reason",
            "what teaches",
            "exactly N rows",
            "trained, measured",
        ],
        "back": "what a cell still lacks is asked for again",
        "hard": "judges differ: split “hard”",
        "drops": "dropped, each with its reason",
    },
    "zh": {
        "title": "从分类体系到测过的护栏模型",
        "boxes": ["分类体系", "写手", "回答者", "评审", "过滤", "数据集", "护栏模型"],
        "under": ["风险与规则", "提问", "回答", "标签与理由", "留下有用的", "正好 N 行", "训练并评测"],
        "back": "格子还缺多少，就再要多少",
        "hard": "评审不一：拆分 hard",
        "drops": "丢弃的行，各有原因",
    },
}
WIDTH, STEP, LEFT, TOP, BOX_W, BOX_H = 980, 137, 24, 74, 112, 52
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>'
)
STYLE = """
  .page { fill: #f6f8fa; stroke: #d0d7de }
  .box { fill: #ffffff; stroke: #0969da; stroke-width: 1.5 }
  .end { fill: #ddf4ff }
  text { font: 15px system-ui, "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; fill: #1f2328; text-anchor: middle }
  .small { font-size: 12px; fill: #59636e }
  .line { fill: none; stroke: #59636e; stroke-width: 1.5; marker-end: url(#tip) }
  .tip { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    .page { fill: #151b23; stroke: #3d444d }
    .box { fill: #0d1117; stroke: #4493f8 }
    .end { fill: #0c2d6b }
    text { fill: #f0f6fc }
    .small { fill: #b7c0ca }
    .line { stroke: #b7c0ca }
    .tip { fill: #b7c0ca }
  }
"""


def label(x: float, y: float, text: str, *, small: bool = False) -> str:
    """A line of text around a point."""
    kind = ' class="small"' if small else ""
    return f'<text x="{x:g}" y="{y:g}"{kind}>{escape(text)}</text>'


def line(path: str) -> str:
    """An arrow along a path."""
    return f'<path class="line" d="{path}"/>'


def drawn(language: str) -> str:
    """The picture in a language."""
    words = WORDS[language]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 232" width="{WIDTH}" height="232" role="img">',
        f"<title>{escape(str(words['title']))}</title>",
        f"<style>{STYLE}</style>",
        TIP,
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="231" rx="10"/>',
    ]
    middle = TOP + BOX_H / 2
    for at, (name, under) in enumerate(zip(words["boxes"], words["under"], strict=True)):
        x = LEFT + at * STEP
        kind = "box end" if at in (0, 6) else "box"
        parts.append(f'<rect class="{kind}" x="{x}" y="{TOP}" width="{BOX_W}" height="{BOX_H}" rx="8"/>')
        parts += [label(x + BOX_W / 2, middle + 5, name), label(x + BOX_W / 2, TOP + BOX_H + 18, under, small=True)]
        if at:
            parts.append(line(f"M{x - STEP + BOX_W} {middle:g}H{x - 3}"))
    writer, judges, filters, data = (LEFT + at * STEP + BOX_W / 2 for at in (1, 3, 4, 5))
    parts.append(line(f"M{data:g} {TOP}V34H{writer:g}V{TOP - 3}"))
    parts.append(label((writer + data) / 2, 27, str(words["back"]), small=True))
    for x, text in ((judges, words["hard"]), (filters, words["drops"])):
        down = 174 if x == judges else 198
        parts.append(line(f"M{x:g} {TOP + BOX_H + 26}V{down}"))
        parts.append(label(x, down + 17, str(text), small=True))
    return "\n".join([*parts, "</svg>"]) + "\n"
