# Two commands: `make run` plays the main job on the embedded default, `make test` runs every test.
# Both set themselves up in .venv from the lock files; nothing else on the machine is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: setup run test check fast kill-matrix lock clean

setup: $(VENV)/.run-ready  ## installs what `make run` needs, and plays nothing

run: $(VENV)/.run-ready
	$(BIN)/oicp-bench run

test: $(VENV)/.dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

check: $(VENV)/.dev-ready  ## the quick half of `make test`: lint, types, no test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

kill-matrix: $(VENV)/.dev-ready  ## every broken and every innocent CPO against the suite; rewrites docs/kill-matrix.md
	$(BIN)/python -m tests.broken_cpos.kill_matrix --write docs/kill-matrix.md

$(VENV)/.venv-ready:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 to 3.13 is needed, this is %s" % sys.version.split()[0] if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.run-ready: $(VENV)/.venv-ready requirements.lock pyproject.toml
	@echo "installing from requirements.lock (about a minute, once) ..."
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev-ready: $(VENV)/.run-ready requirements-dev.lock
	@echo "installing from requirements-dev.lock ..."
	$(PIP) install --require-hashes -r requirements-dev.lock
	touch $@

lock:  ## needs uv; hashes only, no download addresses
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra tap --extra postgresql --group build --generate-hashes --custom-compile-command "make lock" -q -o requirements.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra tap --extra postgresql --group build --group dev -c requirements.lock --generate-hashes --custom-compile-command "make lock" -q -o requirements-dev.lock

clean:
	rm -rf $(VENV) reports/out build *.egg-info
