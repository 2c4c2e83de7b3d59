"""A folder with a sentence model that was exported to ONNX: no torch is needed."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from safescale.errors import DataError, MissingBackend
from safescale.grade.embed.pooled import PooledModel, measure_of
from safescale.grade.embed.sentence_folder import read_folder
from safescale.store.files_hash import file_sha256, named_sha256

__all__ = ["open_onnx"]

_FILES: Final = ("model.onnx", "onnx/model.onnx")
_HINT: Final = " (or only: pip install onnxruntime tokenizers)"
_QUANTISED: Final = (b"MatMulInteger", b"QLinearMatMul", b"QGemm")


def open_onnx(folder: Path, *, max_tokens: int, batch_size: int = 32, threads: int = 1) -> PooledModel:
    """
    Open an exported sentence model: ``model.onnx`` (or ``onnx/model.onnx``) with its ``tokenizer.json``.

    The graph takes ``input_ids``, ``attention_mask`` and, where it names them, ``token_type_ids``. Where it gives
    ``sentence_embedding``, those are the rows; else its first output is the last layer, pooled as ``1_Pooling`` says or averaged.
    Eight-bit weights move single cosines by up to 0.1 (measured on MiniLM): the measure names them.

    Raises
    ------
    MissingBackend
        Without onnxruntime and tokenizers.
    DataError
        When the folder holds no such model.
    """
    said = read_folder(folder)
    graph = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    tokens = next((place / "tokenizer.json" for place in (folder, said.model) if (place / "tokenizer.json").is_file()), None)
    if graph is None or tokens is None:
        absent = " and ".join(
            name for name, path in (("model.onnx (or onnx/model.onnx)", graph), ("tokenizer.json", tokens)) if path is None
        )
        raise DataError(f"this folder has no {absent}; export the model with its tokenizer into it", file=str(folder))
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingBackend("onnxruntime", "embed", hint=_HINT) from error
    try:
        import tokenizers
    except ImportError as error:
        raise MissingBackend("tokenizers", "embed", hint=_HINT) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        tokenizer = tokenizers.Tokenizer.from_file(str(tokens))
    except Exception as error:  # onnxruntime and tokenizers have no common class of their own
        raise DataError(f"this model cannot be opened: {str(error)[:300]}", file=str(folder)) from error
    room = min(max_tokens, said.window or max_tokens)
    tokenizer.no_padding()
    tokenizer.enable_truncation(room)

    def split(texts: list[str]) -> list[list[int]]:
        return [list(one.ids) for one in tokenizer.encode_batch([text.lower() for text in texts] if said.lower_case else texts)]

    sha256 = named_sha256((path.name, file_sha256(path)) for path in _parts(graph))
    label = folder.resolve().name + (", eight-bit weights" if _is_quantised(graph) else "")
    return PooledModel(
        name=f"onnx:{folder}",
        measure=measure_of(label, sha256, room),
        identity=f"onnx/{sha256}/{file_sha256(tokens)}/{said.pooling}/{said.lower_case}/{room}",
        split=split,
        forward=_Session(session, graph),
        pooling=said.pooling,
        batch_size=batch_size,
    )


class _Session:
    """The graph as token ids and mask to its last layer, or to its pooled rows."""

    def __init__(self, session: Any, graph: Path) -> None:
        self.session = session
        self.inputs = [one.name for one in session.get_inputs()]
        unknown = sorted(set(self.inputs) - {"input_ids", "attention_mask", "token_type_ids"})
        if unknown or "input_ids" not in self.inputs:
            raise DataError(
                "this graph is no encoder of texts",
                file=str(graph),
                expected="input_ids, attention_mask",
                got=", ".join(self.inputs),
            )
        outputs = [one.name for one in session.get_outputs()]
        self.output = "sentence_embedding" if "sentence_embedding" in outputs else outputs[0]

    def __call__(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (found,) = self.session.run([self.output], {name: given[name] for name in self.inputs})
        layer: npt.NDArray[np.float32] = np.asarray(found, dtype=np.float32)
        return layer


def _parts(graph: Path) -> list[Path]:
    """The graph and the files of weights beside it."""
    return sorted(
        path
        for path in graph.parent.iterdir()
        if path == graph or path.name.startswith(f"{graph.name}_data") or path.name == f"{graph.name}.data"
    )


def _is_quantised(graph: Path) -> bool:
    with graph.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(sign) >= 0 for sign in _QUANTISED)
