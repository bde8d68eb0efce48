# What people do with the project; each target sets up .venv first.
CANDIDATES := python3.11 python3 python3.12 python3.13 python3.14
PYTHON ?= $(shell for each in $(CANDIDATES); do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: lab test demo check bench faults realapi notebooks clean

lab: $(READY)  ## serve the first notebook with a cluster behind it
	@$(BIN)/kubelab lab

test: $(READY)  ## run every test, in two processes
	@$(BIN)/python -m pytest -n 2 --dist loadfile

demo: $(READY)  ## run the first notebook's job in this terminal
	@$(BIN)/kubelab demo

check: $(READY)  ## ruff, mypy, import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)  ## measure against what was asked; never fails on a timing
	@$(BIN)/python -m tests.bench

faults: $(READY)  ## kill, fill and damage at full size; about a quarter of an hour
	@KUBELAB_FAULTS=full $(BIN)/python -m pytest tests/faults --timeout 3600

realapi: $(READY)  ## build the real control plane, to test against and to measure beside (needs Go)
	@$(BIN)/python -m tests.realapi.build

notebooks: $(READY)  ## run the notebooks and keep their outputs
	@$(BIN)/python -m tests.notebooks.regenerate

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "kubelab needs Python 3.11 or newer. Set it: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing into $(VENV) (once; a few minutes on a slow link) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[jax,lab,grpc,parquet,dev]'
	@touch $(READY)

clean:
	rm -rf $(VENV)
