"""The toy model, made once for all tests of engines that need one."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the toy model; its adapters lie beside it."""
    from engines.toy_model import make_toy

    return make_toy(tmp_path_factory.mktemp("toy"))
