"""Every example in every docstring of the room runs, and every public function has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import safescale.stats

MODULES = sorted(module.name for module in pkgutil.iter_modules(safescale.stats.__path__) if module.name[0] != "_")
FUNCTIONS = [name for name in safescale.stats.__all__ if inspect.isfunction(getattr(safescale.stats, name))]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name):
    module = importlib.import_module(f"safescale.stats.{name}")
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0 or not any(inspect.isfunction(getattr(module, n)) for n in module.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_function_documents_itself(name):
    doc = inspect.getdoc(getattr(safescale.stats, name))
    for section in ("Parameters\n---", "Returns\n---", "Raises\n---", "Examples\n---", ">>> "):
        assert section in doc, f"{name} lacks {section!r}"


def test_public_names_are_those_of_the_modules():
    own = {n for name in MODULES for n in importlib.import_module(f"safescale.stats.{name}").__all__}
    assert set(safescale.stats.__all__) == own
    assert len(safescale.stats.__all__) == len(set(safescale.stats.__all__))


@pytest.mark.parametrize("name", [n for n in safescale.stats.__all__ if inspect.isclass(getattr(safescale.stats, n))])
def test_results_are_frozen_keyword_only_and_say_every_attribute(name):
    cls = getattr(safescale.stats, name)
    if not hasattr(cls, "__attrs_attrs__"):
        assert name == "SlopeEstimate"
        return
    assert "__iter__" not in vars(cls)
    assert all(field.kw_only for field in cls.__attrs_attrs__)
    assert cls.__setattr__ is not object.__setattr__
    doc = inspect.getdoc(cls)
    missing = [f.name for f in cls.__attrs_attrs__ if f.name not in doc]
    assert not missing
