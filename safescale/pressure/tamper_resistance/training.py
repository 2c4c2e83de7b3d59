"""The defence: attack a copy, ask what would have made it refuse there, and move the clean weights that way."""

from __future__ import annotations

import importlib
import math
import random
from collections.abc import Sequence
from typing import Any, Final

import attrs

from safescale.engines.transformers_loading import Loaded
from safescale.errors import GenerationError
from safescale.pressure.finetune.rows import TokenRow
from safescale.pressure.finetune.trainer import StepDone, target_loss
from safescale.pressure.tamper_resistance.setting import TamperResistanceSetting

__all__ = ["OuterStep", "resist"]

_CLIP: Final = 1.0


@attrs.frozen(kw_only=True)
class OuterStep:
    """
    One step of the defence.

    Attributes
    ----------
    attacked_for : int
        Steps of the attack that was simulated.
    refusal_nats : float
        Loss by token of the refusals, after it.
    retain_nats : float
        Loss by token of what must stay (answers and refusals), at the clean weights.
    tokens : int
        Tokens that went through the model.
    """

    attacked_for: int
    refusal_nats: float
    retain_nats: float
    tokens: int


def resist(
    loaded: Loaded,
    *,
    attack: Sequence[TokenRow],
    refusals: Sequence[TokenRow],
    retain: Sequence[TokenRow],
    setting: TamperResistanceSetting,
    step_done: StepDone | None = None,
) -> list[OuterStep]:
    """
    Change a model's weights so that a short fine-tuning leaves its refusals.

    Each step draws a number k of attack steps, trains a copy of the weights for k steps of AdamW on attack pairs, and takes there
    the gradient of the loss of refusals. That gradient is applied to the clean weights as if the attack had not moved them (first
    order: how the attacked weights depend on the clean ones is left out), together with that of the loss of what must stay.

    Parameters
    ----------
    loaded : Loaded
        Model in float32; its weights are changed.
    attack, refusals, retain : sequence of TokenRow
        What the simulated attack teaches; what shall be said after it; what must stay.
    setting : TamperResistanceSetting
        How.
    step_done : callable, optional
        Told after each step.

    Raises
    ------
    GenerationError
        When a loss is no longer a number.
    """
    torch = importlib.import_module("torch")
    model, rng = loaded.bare, random.Random(f"{setting.seed} tamper resistance")
    model.eval()
    weights = [own.requires_grad_(True) for own in model.parameters()]
    outer = torch.optim.AdamW(weights, lr=setting.learning_rate, betas=(0.9, 0.999), weight_decay=0.0)
    done: list[OuterStep] = []

    def loss_of(rows: Sequence[TokenRow]) -> Any:
        loss = target_loss(model, rows, pad_id=loaded.pad_id, device=loaded.device)
        if not math.isfinite(float(loss.detach())):
            raise GenerationError(
                f"the defence diverges at step {len(done) + 1}: a loss is {float(loss.detach())}; lower its learning rates "
                f"({setting.learning_rate:g} and {setting.inner_learning_rate:g})"
            )
        return loss

    for _ in range(setting.outer_steps):
        clean = [own.detach().clone() for own in weights]
        steps, tokens = rng.randint(1, setting.inner_steps), 0
        inner = torch.optim.AdamW(weights, lr=setting.inner_learning_rate, betas=(0.9, 0.999), weight_decay=0.0)
        for _ in range(steps):
            batch = _drawn(attack, setting.batch_size, rng)
            tokens += sum(row.tokens for row in batch)
            inner.zero_grad(set_to_none=True)
            loss_of(batch).backward()
            inner.step()
        asked = _drawn(refusals, setting.batch_size, rng)
        held = [*_drawn(retain, setting.batch_size, rng), *_drawn(refusals, max(1, setting.batch_size // 4), rng)]
        tokens += sum(row.tokens for row in (*asked, *held))
        outer.zero_grad(set_to_none=True)
        refused = loss_of(asked)
        (setting.refusal_weight * refused).backward()
        with torch.no_grad():
            for own, before in zip(weights, clean, strict=True):
                own.copy_(before)
        kept = loss_of(held)
        kept.backward()
        torch.nn.utils.clip_grad_norm_(weights, _CLIP)
        outer.step()
        done.append(
            OuterStep(attacked_for=steps, refusal_nats=float(refused.detach()), retain_nats=float(kept.detach()), tokens=tokens)
        )
        if step_done is not None:
            step_done(1)
    return done


def _drawn(rows: Sequence[TokenRow], count: int, rng: random.Random) -> list[TokenRow]:
    return rng.sample(rows, min(count, len(rows)))
