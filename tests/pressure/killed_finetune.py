"""A training that kills itself with SIGKILL after so many steps: ``killed_finetune.py MODEL INTO STEP``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from pressure.tiny_models import TARGETS
from safescale.pressure.finetune import FinetuneSetting, finetune_adapters

SETTING = FinetuneSetting(examples=(8, 20), steps=(3, 6, 9), batch_size=6, learning_rate=5e-3)


def main() -> None:
    model, into, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    done = 0

    def step_done(count: int) -> None:
        nonlocal done
        done += count
        if done >= last:
            os.kill(os.getpid(), signal.SIGKILL)

    finetune_adapters(model, TARGETS, SETTING, into, step_done=step_done)


if __name__ == "__main__":
    main()
