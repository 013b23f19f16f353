"""The metadata at the head of the dataset card, which make the folder a Hugging Face dataset repository."""

from collections.abc import Mapping
from typing import Any, Final

from synth.types import LABELLED

_SIZES: Final = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_NAMES: Final = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "n>10M")
_FIELDS: Final[Mapping[str, Any]] = {
    "Name and organisation 姓名与单位": "text",
    "Intended use 用途": "text",
    "I will train no model to give the unsafe answers 我不会用这些数据训练模型给出不安全的回答": "checkbox",
}
"""What who asks for access is asked, where the repository is gated."""


def metadata(told: Mapping[str, Any], access: str) -> str:
    """The card's metadata for Hugging Face, a block of YAML, from the card's facts; `access` is what who asks for access to a gated
    repository reads first."""
    from huggingface_hub import DatasetCardData

    splits = {one["name"]: one["rows"] for one in told["splits"]}
    written = told["made"]["source"] == "written"
    found = DatasetCardData(
        language=["zh"],
        annotations_creators=["machine-generated"],
        language_creators=["machine-generated"] if written else ["other"],
        multilinguality=["monolingual"],
        task_categories=["text-classification"],
        size_categories=[_NAMES[sum(sum(splits.values()) >= bound for bound in _SIZES)]],
        pretty_name=told["name"],
        **_licence(told["licence"]),
        tags=["safety", "guard-model", "synthetic", "synth", "not-for-all-audiences"],
        extra_gated_heading="Access on request 申请后方可访问",
        extra_gated_prompt=access,
        extra_gated_fields=dict(_FIELDS),
        extra_gated_button_content="Ask for access 申请访问",
        configs=_configs(splits, told["content"]),
        synth={"fingerprint": told["how"]["fingerprint"], "seed": told["how"]["seed"]},
    )
    return f"---\n{found.to_yaml()}\n---\n"


def _configs(splits: Mapping[str, int], content: str) -> list[dict[str, Any]]:
    # `datasets` keys its cache by what stands here, not by the files: without a hash it would give an earlier data set's rows.
    described = f"content {content}"
    default = [split for split in LABELLED if splits.get(split)]
    files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in default]
    first = [{"config_name": "default", "description": described, "data_files": files}] if files else []
    aside = [
        {
            "config_name": split,
            "description": described,
            "data_files": [{"split": "train", "path": f"data/{split}-*.parquet"}],
        }
        for split in splits
        if split not in LABELLED
    ]
    return [*first, *aside]


def _licence(found: Mapping[str, str | None]) -> dict[str, Any]:
    own = {"license_name": found["name"], "license_link": found["link"]} if found["name"] else {}
    return {"license": found["id"], **own}
