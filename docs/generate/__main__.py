"""Writes what in README and docs/ is written by program; `python -m docs.generate --check` says what is out of date and writes
nothing, `--demo` runs the demo for what README shows of it."""

import sys
from pathlib import Path

from . import columns, commands, demo, figures, messages, picture, recipe_keys, recipes
from .blocks import DOCS, TOP, between, standing

COST = {
    "README.md": [
        "run",
        "rows",
        "calls, thousands",
        "tokens in, millions",
        "out",
        "yuan, qwen-plus",
        "deepseek-v4-flash",
        "hours",
    ],
    "README.zh.md": [
        "命令",
        "行数",
        "调用（千次）",
        "输入 token（百万）",
        "输出",
        "元：qwen-plus",
        "deepseek-v4-flash",
        "小时",
    ],
}
MEMORY = {
    "README.md": ["model", "role", "parameters", "weights", "least GPUs, number × GB", "weights in four bits"],
    "README.zh.md": ["模型", "角色", "参数量", "权重", "显卡（张 × GB）", "四比特权重"],
}


def documents(*, run_demo: bool = False) -> dict[Path, str]:
    """Every file that is written by program, whole or in part, with its text. What README shows of the demo stays as it stands unless
    the demo is run for it, which takes a minute; a test holds it against a demo anyway."""
    shown = demo.made() if run_demo else standing((TOP / "README.md").read_text(encoding="utf-8"), "demo")
    found = {
        DOCS / "reference" / "commands.md": commands.document(),
        DOCS / "reference" / "recipe.md": recipe_keys.document(),
        DOCS / "reference" / "columns.md": columns.document(),
        DOCS / "reference" / "messages.md": messages.document(),
        DOCS / "flow.svg": picture.drawn("en"),
        DOCS / "flow.zh.svg": picture.drawn("zh"),
    }
    for name, heads in COST.items():
        text = (TOP / name).read_text(encoding="utf-8")
        text = between(between(text, "demo", shown), "cost", figures.cost(heads))
        found[TOP / name] = between(text, "memory", figures.memory(MEMORY[name], ["libra"]))
    models = (DOCS / "models.md").read_text(encoding="utf-8")
    models = between(models, "memory", figures.memory(MEMORY["README.md"], figures.shipped()))
    found[DOCS / "models.md"] = between(models, "prices", figures.prices())
    shipped = (DOCS / "recipes.md").read_text(encoding="utf-8")
    found[DOCS / "recipes.md"] = between(shipped, "recipes", recipes.rows())
    return found


def main() -> None:
    """Writes them, or with --check only says which are out of date."""
    check = "--check" in sys.argv
    found = documents(run_demo="--demo" in sys.argv)
    stale = [path for path, text in found.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(path.relative_to(TOP))
    if check:
        sys.exit(1 if stale else 0)
    for path, text in found.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
