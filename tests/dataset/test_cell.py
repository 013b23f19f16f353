"""What others wrote is text in the dataset card, whatever it would be as markup."""

import pytest

from synth.dataset.cell import in_cell, in_paragraphs


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![p](http://192.0.2.1/p.png)", r"\!\[p\](http ://192.0.2.1/p.png)"),
        ("[click](javascript:x) **bold** \u202e", r"\[click\](javascript :x) \*\*bold\*\* ·"),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("a|b\nc`d` ~~e~~ __f__ _g_", r"a\|b c'd' \~\~e\~\~ \_\_f\_\_ \_g\_"),
        ("&lt;b&#62;", "&amp;lt;b&amp;#62;"),
        (r"$\color{red}{x}$ $$y$$", r"\$\\color{red}{x}\$ \$\$y\$\$"),  # pages set what stands so as formulas
        ("\x1b[31m\x00\u200b", r"·\[31m··"),
        ("Qwen2.5-7B_Instruct (v2), 甲&乙!", "Qwen2.5-7B_Instruct (v2), 甲&乙!"),
    ],
)
def test_a_cell_holds_no_markup(text: str, shown: str) -> None:
    assert in_cell(text) == shown


def test_a_cell_has_a_length() -> None:
    assert len(in_cell("长" * 100_000)) == 2_000


def test_paragraphs_begin_nothing() -> None:
    about = "# 标题\n- 甲\n12. 乙\n> 丙\n---\n===\n```\n码\n\n<b>普通</b> a_b\n    缩进"
    assert in_paragraphs(about).splitlines() == [
        "\\# 标题", "\\- 甲", "12\\. 乙", "&gt; 丙", "\\---", "\\===", "'''", "码", "", "&lt;b>普通&lt;/b> a_b", "缩进",
    ]  # fmt: skip


def test_ordinary_words_stay() -> None:
    about = "一句话说明：面向中文护栏（guard）模型，见 libra 3.1 节。\n第二行，2025 年。"
    assert in_paragraphs(about) == about
