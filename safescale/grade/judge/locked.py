"""Hashes (SHA-256, lines ended by LF) of the data files that are put to judges. A changed file is refused, not used."""

from __future__ import annotations

from typing import Final

__all__ = ["LOCKED"]

LOCKED: Final[dict[tuple[str, str], str]] = {
    ("guards", "harmbench-cls"): "ec4802a3b2437273104129ae6fd2566e110d327fe46b4c4d5d791c008c8506ec",
    ("guards", "llama-guard"): "29985c9a2b34bffa2cee52b4e99b56907d2637c9bc8cc49806f757b5ff7b0538",
    ("guards", "strongreject-form-v1"): "e1c57239668e9fc479bf6618846580e914137fb7a90a81b0b53398e7ce28137a",
    ("guards", "wildguard"): "ee12f37a16ac1e4cbf871021c9734c069733f74f703ac42982c17a5aae4617e3",
    ("rubrics", "flip-v1"): "b32711750e09c86bbb2379019c75a40cfe5c249091c1ce74140fd45166b66dff",
    ("rubrics", "flip-v2"): "dee5d3a91209196f74d2fede93113b9cbcf7cda4f35ec3e77f1b5ca73b50b363",
    ("rubrics", "harmful-v1"): "379e064f833c15582235218a00e4a73c91bb9a812135c2951511b721119bdf2b",
    ("rubrics", "refused-v1"): "67b3e468d7c54231d787318a97c4eb1cd2befbbc13286129562ef896bdc55d73",
    ("rubrics", "three-letters-v1"): "c65518f4837a579c2e454412d18a03d81ecc1aee4599cde8aea43452b6156d9f",
}
"""Folder and name to hash. A file that must change becomes a new version under a new name."""
