"""What `safescale.stats` offers: one name, one home, imported when asked for."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from safescale import stats

SOURCE = ast.parse(Path(stats.__file__).read_text(encoding="utf-8"))


def imports_for_checkers():
    guarded = next(node for node in SOURCE.body if isinstance(node, ast.If))
    return {alias.name: node.module.rpartition(".")[2] for node in guarded.body for alias in node.names}


def test_what_checkers_see_is_what_callers_get():
    assert imports_for_checkers() == stats._HOME
    assert sorted(stats.__all__) == sorted(stats._HOME)
    assert len(set(stats.__all__)) == len(stats.__all__) > 100


@pytest.mark.parametrize("name", stats.__all__)
def test_every_name_comes_from_its_home(name):
    importlib.import_module(f"safescale.stats.{stats._HOME[name]}")
    home = sys.modules[f"safescale.stats.{stats._HOME[name]}"]
    assert getattr(stats, name) is getattr(home, name)
    assert name in home.__all__


def test_a_file_never_hides_the_function_of_its_name():
    """Python binds an imported file to its name in the package: ols.py would hide ols()."""
    same = [name for name, home in stats._HOME.items() if name == home]
    assert len(same) > 10
    code = (
        "import importlib, types, safescale.stats as s\n"
        f"for name in {same!r}:\n"
        "    importlib.import_module('safescale.stats.' + name)\n"
        "    assert not isinstance(getattr(s, name), types.ModuleType), name\n"
        "from safescale.stats import holm, log_scaling_slope, ols\n"
        "log_scaling_slope([1, 2, 4], [0.1, 0.2, 0.4])\n"
        "assert callable(ols) and callable(s.ols) and holm([0.5]).adjusted"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_file_is_offered():
    files = {path.stem for path in Path(stats.__file__).parent.glob("[a-z]*.py")}
    assert files == set(stats._HOME.values())


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'wilson_intervall'"):
        _ = stats.wilson_intervall
    assert "wilson_interval" in dir(stats)


def test_all_names_together_bring_no_heavy_part_of_scipy():
    """scipy.stats and scipy.optimize are loaded by the call that needs them."""
    code = (
        "import sys, safescale.stats as s; [getattr(s, n) for n in s.__all__]\n"
        "print(sorted(m for m in sys.modules if m in ('scipy.stats', 'scipy.optimize', 'pandas', 'statsmodels')))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_every_default_level_is_the_same():
    """One default for all: a vectorised form or a new function cannot have another by a slip."""
    defaults = {
        name: inspect.signature(function).parameters["level"].default
        for name in stats.__all__
        if inspect.isfunction(function := getattr(stats, name)) and "level" in inspect.signature(function).parameters
    }
    assert len(defaults) > 40
    assert set(defaults.values()) == {0.95}


def test_every_default_alpha_is_the_same():
    defaults = {
        name: inspect.signature(function).parameters["alpha"].default
        for name in stats.__all__
        if inspect.isfunction(function := getattr(stats, name)) and "alpha" in inspect.signature(function).parameters
    }
    assert len(defaults) > 10
    assert set(defaults.values()) == {0.05}
