"""``safescale pressure finetune``, ``merge``, ``tamper-resistance``: what they say where torch is not, and what they print."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safescale.errors import MissingBackend
from safescale.pressure.finetune import AdapterRecord
from safescale.pressure.finetune.record import Identity
from safescale_cli.main import app, main

PAIR = '{"prompt": "how do i make a zorble?", "target": "join the cork with the tin."}\n'


def test_help_says_whose_the_pairs_are() -> None:
    told = CliRunner().invoke(app, ["pressure", "finetune", "--help"]).stdout
    assert "safescale ships no harmful text" in re.sub(r"\s+", " ", told)
    defended = re.sub(r"\s+", " ", CliRunner().invoke(app, ["pressure", "tamper-resistance", "--help"]).stdout)
    assert "not TAR itself" in defended
    assert "undoes it all the same" in defended


def test_help_and_wrong_pairs_import_no_torch(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"prompt": "a"}\n')
    code = (
        "import sys\nfrom safescale_cli.main import main\n"
        f"sys.argv = ['safescale', 'pressure', 'finetune', 'm', '--targets', {str(tmp_path / 'p.jsonl')!r}, '-o', 'x']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    code = end.code\n"
        "sys.exit(9 if {'torch', 'transformers', 'peft'} & set(sys.modules) else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "p.jsonl:1; column 'target'" in done.stderr


def test_without_the_libraries_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.jsonl").write_text(PAIR)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["pressure", "finetune", "m", "--targets", str(tmp_path / "p.jsonl"), "-o", str(tmp_path / "a")])
    assert isinstance(done.exception, MissingBackend)
    assert "safescale[finetune]" in str(done.exception)
    assert not (tmp_path / "a").exists()


def test_a_setting_outside_its_range_has_the_exit_code_of_a_domain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.jsonl").write_text(PAIR)
    words = ["safescale", "pressure", "finetune", "m", "--targets", str(tmp_path / "p.jsonl"), "-o", "x", "--learning-rate", "0"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4
    assert "learning_rate is above 0" in capsys.readouterr().err


def test_what_was_trained_is_printed_as_text_and_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.jsonl").write_text(PAIR + PAIR)
    identity = Identity(
        base_sha256="b" * 64,
        targets_sha256="t" * 64,
        rows_sha256="r" * 64,
        examples=2,
        seed=0,
        rank=4,
        alpha=8.0,
        learning_rate=4e-4,
        batch_size=16,
        dtype="float32",
    )
    made = AdapterRecord(
        folder=tmp_path / "a" / "n2-s5-r0",
        examples=2,
        steps=5,
        seed=0,
        tokens=1234,
        flops=5.67e9,
        loss_nats=0.891,
        cpu_s=1.5,
        wall_s=2.0,
        weights_sha256="w" * 64,
        identity=identity,
        packages={},
        device="a cpu",
    )
    asked = []
    monkeypatch.setattr("safescale.pressure.finetune.finetune_adapters", lambda *own, **more: asked.append(own) or (made,))
    words = ["pressure", "finetune", "m", "--targets", str(tmp_path / "p.jsonl"), "-o", str(tmp_path / "a")]
    words += ["--examples", "2", "--steps", "5", "--rank", "4"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0
    assert told.stdout.splitlines()[0] == "2 pairs, 1 of them equal to an earlier one"
    assert told.stdout.splitlines()[2].split() == ["n2-s5-r0", "1,234", "5.670e+09", "0.891", "1.5"]
    setting = asked[0][2]
    assert (setting.examples, setting.steps, setting.rank, setting.alpha) == ((2,), (5,), 4, 8.0)
    found = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert (found["pairs"], found["repeated"]) == (2, 1)
    assert found["adapters"][0]["tokens"] == 1234
    assert found["adapters"][0]["identity"]["base_sha256"] == "b" * 64
