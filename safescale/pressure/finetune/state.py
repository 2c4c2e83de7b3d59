"""All that a stopped training needs to go on as if it had not been: one file, replaced as a whole."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError
from safescale.pressure.finetune.record import Identity
from safescale.pressure.finetune.trainer import Trainer

__all__ = ["Reached", "load_state", "reached_by", "save_state"]

_MOMENTS: Final = ("exp_avg", "exp_avg_sq", "step")
_META: Final = "safescale"


@attrs.frozen(kw_only=True)
class Reached:
    """How far a training came: its step (the position in the data follows from it), and the seconds that it took."""

    step: int
    losses: tuple[float, ...]
    began_at: float
    cpu_s: float
    wall_s: float


def save_state(path: Path, trainer: Trainer, identity: Identity, reached: Reached) -> None:
    """
    Write weights, moments and random state.

    Raises
    ------
    DataError
        When it cannot be written.
    """
    torch = importlib.import_module("torch")
    saving = importlib.import_module("safetensors.torch").save
    tensors: dict[str, Any] = {"random/cpu": torch.get_rng_state()}
    if trainer.device.type == "cuda":
        tensors["random/cuda"] = torch.cuda.get_rng_state(trainer.device)
    for name, own in trainer.parameters.items():
        tensors[f"weight/{name}"] = own.detach().cpu().contiguous()
        for moment, value in trainer.optimiser.state[own].items():
            tensors[f"{moment}/{name}"] = value.detach().cpu().contiguous()
    words = json.dumps({"identity": attrs.asdict(identity), "reached": attrs.asdict(reached)})
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(saving(tensors, metadata={_META: words}))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"the state of a training cannot be written ({error.strerror}); free the disk", file=str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def reached_by(path: Path, identity: Identity) -> Reached | None:
    """
    How far the training of this identity came; None where there is no state, it cannot be read, or it is of another training.

    A state is never taken for another training's: then all is trained from the start.
    """
    if not path.is_file():
        return None
    opening = importlib.import_module("safetensors").safe_open
    try:
        with opening(str(path), framework="pt") as stored:
            found = json.loads(stored.metadata()[_META])
        if Identity(**found["identity"]) != identity:
            return None
        return Reached(**{**found["reached"], "losses": tuple(found["reached"]["losses"])})
    except Exception:  # safetensors has an error class of its own; whatever cannot be read is as if it were not there
        return None


def load_state(path: Path, trainer: Trainer, reached: Reached) -> None:
    """Put weights, moments, random state and step into a trainer that stands before its first step."""
    torch = importlib.import_module("torch")
    stored = importlib.import_module("safetensors.torch").load_file(str(path))
    trainer.start()
    with torch.no_grad():
        for name, own in trainer.parameters.items():
            own.copy_(stored[f"weight/{name}"])
            moments = {moment: stored[f"{moment}/{name}"] for moment in _MOMENTS}
            # the count of steps stays on the CPU, as torch keeps it
            trainer.optimiser.state[own] = {
                moment: value if moment == "step" else value.to(own.device) for moment, value in moments.items()
            }
    torch.set_rng_state(stored["random/cpu"])
    if trainer.device.type == "cuda" and "random/cuda" in stored:
        torch.cuda.set_rng_state(stored["random/cuda"], trainer.device)
    trainer.step, trainer.losses, trainer.began_at = reached.step, list(reached.losses), reached.began_at
