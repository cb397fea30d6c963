"""The command of docs/deploy.md that holds TensorRT against ONNX Runtime, as far as it goes without a GPU."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.import_graph import ROOT
from tests.model_file import HEIGHT, WIDTH

POLYGRAPHY = Path(sys.executable).with_name("polygraphy")
pytestmark = pytest.mark.skipif(not POLYGRAPHY.is_file(), reason="polygraphy is not installed")


@pytest.fixture
def command(binary_model) -> list[str]:
    """The documented one, with a toy model's file and size."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("polygraphy run models/onnx/fp32.onnx ")
    given = re.sub(r"\[1,\d+,\d+,3\]", f"[1,{HEIGHT},{WIDTH},3]", rest.partition("```")[0].replace("\\\n", " "))
    return [str(POLYGRAPHY), "run", str(binary_model), *shlex.split(given)]


def test_polygraphy_understands_it(command, tmp_path):
    script = tmp_path / "parity.py"
    subprocess.run([*command, "--gen-script", str(script)], check=True, capture_output=True, timeout=240)
    written = script.read_text()
    assert "strongly_typed=True" in written
    assert f"[1, {HEIGHT}, {WIDTH}, 3]" in written
    compile(written, script, "exec")


def test_without_its_lines_of_tensorrt_it_passes_here(command):
    spaced = " ".join(map(shlex.quote, command)).replace("--trt ", "--onnxrt ").replace("--strongly-typed ", "")
    here = shlex.split(re.sub(r"--trt-\w+-shapes \S+", "", spaced))
    done = subprocess.run(here, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASSED" in done.stdout + done.stderr
