"""Residual streams of decoders of the library transformers: where the layers are, edits of them, and what was in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from safescale.engines.intervention import Edit, Intervention
from safescale.errors import DomainError

__all__ = ["ResidualEdits", "decoder_layers", "residual_width", "watched"]


def decoder_layers(bare: Any) -> list[Any]:
    """
    The decoder layers of a causal model, in order; the output of each is the residual stream after it.

    Parameters
    ----------
    bare : transformers.PreTrainedModel
        A model without the wrapper of adapters; they may be inside its layers.

    Raises
    ------
    DomainError
        For a model with an encoder, or one whose layers cannot be told.
    """
    name = type(bare).__name__
    if getattr(bare.config, "is_encoder_decoder", False):
        raise DomainError(f"{name} has an encoder; edits of a residual stream are for models with a decoder alone")
    decoder = bare
    if hasattr(bare, "get_decoder"):
        decoder = bare.get_decoder() or bare
    count = getattr(bare.config.get_text_config(), "num_hidden_layers", None)
    # modules themselves, so that torch need not be imported: a list of layers is a ModuleList as long as the config says
    found = {
        path: module
        for path, module in decoder.named_modules()
        if type(module).__name__ == "ModuleList" and len(module) == count and _blocks(module)
    }
    # experts and branches of a layer are lists too, inside of the list of layers
    outer = [path for path in found if not any(other != path and path.startswith(f"{other}.") for other in found)]
    if len(outer) != 1:
        held = ", ".join(outer) or "none"
        raise DomainError(f"the decoder layers of {name} cannot be told: {count} layers are said, and lists of that length: {held}")
    return list(found[outer[0]])


def _blocks(module: Any) -> bool:
    return len({type(child) for child in module}) <= 2 and all(any(True for _ in child.children()) for child in module)


def residual_width(bare: Any) -> int:
    """Width of the residual stream."""
    return int(bare.config.get_text_config().hidden_size)


@attrs.frozen(kw_only=True)
class ResidualEdits:
    """
    An intervention that is ready for one model.

    Parameters
    ----------
    intervention : Intervention
        What is done.
    layers : list of modules
        The model's decoder layers.
    """

    intervention: Intervention
    layers: list[Any]
    _moves: tuple[_Move, ...]

    @classmethod
    def of(cls, bare: Any, intervention: Intervention) -> ResidualEdits:
        """
        Fit an intervention to a model.

        Raises
        ------
        DomainError
            When its layers or width are not the model's.
        """
        layers, width = decoder_layers(bare), residual_width(bare)
        last = max(edit.layer for edit in intervention.edits)
        if last >= len(layers):
            raise DomainError(f"the intervention edits layer {last}, and {type(bare).__name__} has layers 0 to {len(layers) - 1}")
        if intervention.hidden != width:
            raise DomainError(f"the intervention's vectors are {intervention.hidden} wide, and the residual stream {width}")
        return cls(intervention=intervention, layers=layers, moves=tuple(_Move.of(edit) for edit in intervention.edits))

    @contextmanager
    def on(self, *, prompt: bool, mask: Any) -> Iterator[None]:
        """
        Edits are on, for one call of the model.

        Parameters
        ----------
        prompt : bool
            Whether the call reads the whole prompt (and not a token of the answer).
        mask : Tensor of int, shape (rows, tokens seen so far)
            1 for tokens of the row, 0 for padding, which is on the left.
        """
        handles = []
        try:
            for move in self._moves:
                if move.edit.position is None or prompt:
                    handles.append(self.layers[move.edit.layer].register_forward_hook(move.hook(mask)))
            yield
        finally:
            for handle in handles:
                handle.remove()


@attrs.frozen(kw_only=True)
class _Move:
    """One edit with its tensors, kept for each device and precision that comes."""

    edit: Edit
    parts: tuple[npt.NDArray[np.float64], ...]
    held: dict[Any, tuple[Any, ...]] = attrs.field(factory=dict)

    @classmethod
    def of(cls, edit: Edit) -> _Move:
        if edit.kind == "add":
            return cls(edit=edit, parts=(edit.coefficient * edit.directions[0].astype(np.float64),))
        basis = edit.basis()
        mean = np.zeros(edit.hidden) if edit.mean is None else edit.mean.astype(np.float64)
        return cls(edit=edit, parts=(basis, basis @ (basis.T @ mean)))

    def hook(self, mask: Any) -> Callable[[Any, Any, Any], Any]:
        def edited(module: Any, given: Any, output: Any) -> Any:
            # transformers 4 gives a tuple whose first part is the stream, 5 gives the stream alone
            if isinstance(output, tuple):
                return (self.edited(output[0], mask), *output[1:])
            return self.edited(output, mask)

        return edited

    def edited(self, stream: Any, mask: Any) -> Any:
        """The stream, shape (rows, tokens, hidden), after the edit."""
        if self.edit.position is None:
            return self.moved(stream)
        column = stream.shape[1] + self.edit.position
        if column < 0:
            return stream
        # a row that is shorter than that has padding there
        has = mask[:, column].to(device=stream.device, dtype=mask.dtype).bool()[:, None]
        out = stream.clone()
        out[:, column] = self.moved(stream[:, column]).where(has, stream[:, column])
        return out

    def moved(self, stream: Any) -> Any:
        """Every vector after the edit; sums are in float32 at least."""
        import torch

        dtype = torch.promote_types(stream.dtype, torch.float32)
        key = (dtype, stream.device)
        if key not in self.held:
            self.held[key] = tuple(torch.tensor(part, dtype=dtype, device=stream.device) for part in self.parts)
        wide = stream.to(dtype)
        if self.edit.kind == "add":
            return (wide + self.held[key][0]).to(stream.dtype)
        basis, kept = self.held[key]
        return (wide - (wide @ basis) @ basis.T + kept).to(stream.dtype)


@contextmanager
def watched(layers: Sequence[Any], positions: Sequence[int], seen: dict[int, npt.NDArray[np.float32]]) -> Iterator[None]:
    """
    Note what is in the residual stream after each layer, at the last positions of left-padded prompts.

    Parameters
    ----------
    layers : sequence of modules
        Decoder layers.
    positions : sequence of int
        Negative, from the end of the prompt.
    seen : dict
        Filled, by layer: float32, shape (rows, positions, hidden), of the latest call.
    """

    def hook(at: int) -> Callable[[Any, Any, Any], None]:
        def note(module: Any, given: Any, output: Any) -> None:
            stream = output[0] if isinstance(output, tuple) else output
            # a position that no row has is read as the first one; whoever asks knows the rows' lengths
            columns = [max(0, stream.shape[1] + position) for position in positions]
            seen[at] = stream[:, columns].detach().float().cpu().numpy()

        return note

    handles = [layer.register_forward_hook(hook(at)) for at, layer in enumerate(layers)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
