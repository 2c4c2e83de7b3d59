"""The hash of weights is over the weight files: their names, lengths and bytes, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safescale.engines.hardware import cpu_words, package_versions
from safescale.engines.weights import weights_sha256


def test_it_is_what_the_docstring_says(tmp_path: Path) -> None:
    (tmp_path / "b.safetensors").write_bytes(b"second")
    (tmp_path / "a.safetensors").write_bytes(b"first")
    (tmp_path / "config.json").write_text("{}")
    expected = hashlib.sha256()
    for name, content in (("a.safetensors", b"first"), ("b.safetensors", b"second")):
        expected.update(name.encode() + b"\0" + len(content).to_bytes(8, "big") + content)
    assert weights_sha256(tmp_path) == expected.hexdigest()
    (tmp_path / "config.json").write_text('{"changed": 1}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"older")
    assert weights_sha256(tmp_path) == expected.hexdigest()


def test_a_byte_or_a_name_changes_it(tmp_path: Path) -> None:
    seen = set()
    for number, (name, content) in enumerate([("a", b"xy"), ("a", b"xz"), ("b", b"xy"), ("a", b"xy\0")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / f"{name}.safetensors").write_bytes(content)
        seen.add(weights_sha256(folder))
    assert len(seen) == 4


def test_no_folder_and_no_weights_have_none(tmp_path: Path) -> None:
    assert weights_sha256("owner/zorble-1b") is None
    assert weights_sha256(tmp_path) is None


def test_older_files_count_where_there_are_no_others(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"older")
    assert weights_sha256(tmp_path) is not None


def test_the_machine_is_told_in_words() -> None:
    assert "hardware thread" in cpu_words()
    assert set(package_versions(["attrs", "no-such-package-zorble"])) == {"attrs"}
