"""The running wing stays free of the learning one, and its command line answers before anything heavy loads."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEARNING = ("torch", "torchvision", "lightning", "pytorch_lightning", "mlflow", "albumentations", "pandas")
LEARNING_FLOORS = ("src.data", "src.models", "src.training", "src.evaluation")
HEAVY = (*LEARNING, "numpy", "cv2", "openvino", "onnxruntime", "onnx", "av", "psutil", "tqdm")


def modules_after(code: str) -> set[str]:
    program = f"{code}\nimport json, sys; print('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_running_wing_never_imports_the_learning_one():
    sources = (ROOT / "src" / "runtime").rglob("*.py")
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in sources}
    assert "src.runtime.engines.openvino" in names
    loaded = modules_after("import " + ", ".join(["src.infer", *sorted(names)]))
    assert names <= loaded
    assert not loaded & {*LEARNING, *LEARNING_FLOORS}


def test_help_loads_nothing_heavy():
    loaded = modules_after(
        "import src.infer\ntry:\n    src.infer.main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0"
    )
    assert "argparse" in loaded
    assert not loaded & set(HEAVY)
