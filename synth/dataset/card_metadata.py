"""The metadata at the head of the dataset card, which make the folder a Hugging Face dataset repository."""

from collections.abc import Mapping
from typing import Any

import yaml

from synth.recipe.schema import Recipe
from synth.types import LABELLED

_SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def metadata(recipe: Recipe, splits: Mapping[str, int], content: str) -> str:
    """The card's metadata for Hugging Face: a block of YAML. `content` is the hash of the shards."""
    default = [split for split in LABELLED if splits.get(split)]
    configs: list[dict[str, Any]] = []
    # `datasets` keys its cache by what stands here, not by the files: without a hash it would give an earlier data set's rows.
    told = f"content {content}"
    if default:
        files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in default]
        configs.append({"config_name": "default", "description": told, "data_files": files})
    configs += [
        {
            "config_name": split,
            "description": told,
            "data_files": [{"split": "train", "path": f"data/{split}-*.parquet"}],
        }
        for split, count in splits.items()
        if count and split not in LABELLED
    ]
    total = sum(splits.values())
    size = next((i for i, bound in enumerate(_SIZES) if total < bound), len(_SIZES))
    sizes = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "n>10M"]
    found = {
        "language": ["zh"],
        "pretty_name": recipe.name,
        "license": "other",
        "task_categories": ["text-classification"],
        "tags": ["safety", "guard-model", "synthetic", "synth", "not-for-all-audiences"],
        "size_categories": [sizes[size]],
        "configs": configs,
    }
    return f"---\n{yaml.safe_dump(found, allow_unicode=True, sort_keys=False)}---\n"
