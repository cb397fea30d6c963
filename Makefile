# make setup  .venv with all that is needed (about 6 GB)
# make demo   the whole pipeline on rendered scenes, then the result playing on a clip (first run: minutes)
# make test   every test but those of the C++ player
# make ui     MLflow's pages on localhost
# make lint   ruff; make format lets it rewrite
# make cpp    the C++ library and player; make cpp-test tests them
# make lock   requirements.lock anew from pyproject.toml
# Each does its own set-up in .venv.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PORT ?= 5000

# Stages run `python`: the one in .venv, without anybody having to activate it.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup demo test ui lint format lock cpp cpp-test
setup: $(READY)

demo: $(READY)
	$(BIN)/python -m src.demo

test: $(READY)
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -n 2 --dist loadgroup --max-worker-restart 0 --ignore tests/cpp

ui: $(READY)
	@test -f mlflow.db || { echo "no runs yet: make demo, or dvc repro"; exit 2; }
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port $(PORT)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --no-header --no-annotate --no-emit-index-url -q -o requirements.lock

CPP_JOBS := -j $(shell nproc 2>/dev/null || echo 2)
# such as -DSKYSEG_TENSORRT_ROOT=/opt/TensorRT-11.1
CPP_OPTIONS ?=

cpp: $(READY)
	@cpp/packages.sh
	cmake -S cpp -B cpp/build -DSKYSEG_PYTHON=$(CURDIR)/$(BIN)/python $(CPP_OPTIONS)
	cmake --build cpp/build $(CPP_JOBS) --target skyseg_play
	@echo "built: cpp/build/skyseg_play"

cpp-test: cpp
	cmake -S cpp -B cpp/build-asan -DSKYSEG_PYTHON=$(CURDIR)/$(BIN)/python -DSKYSEG_SANITIZE=ON -DSKYSEG_WERROR=ON $(CPP_OPTIONS)
	cmake --build cpp/build-asan $(CPP_JOBS)
	ctest --test-dir cpp/build-asan --output-on-failure
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest tests/cpp

# --compile-bytecode: some machines forbid Python to cache bytecode, and every import would compile anew.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 2; }
	@echo "setting up .venv (about 6 GB, most of it PyTorch)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements.lock)"
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode -r requirements.lock
	@touch $@
