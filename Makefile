# Everything that is needed is set up by the target that needs it: Python 3.11+, make, git and the OpenSSH client.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
WORKERS ?= 2

SOURCES := provisioner providers tests benchmarks examples

.DEFAULT_GOAL := help
.PHONY: help venv demo test check lint types bench clean

help:
	@echo "make demo    the main job on the sandbox cloud: plan, sign, apply, drift, repair"
	@echo "make test    every test"
	@echo "make check   ruff, mypy --strict, import contracts, every test"
	@echo "make bench   the measurements behind the README's numbers"
	@echo "make venv    only set up $(VENV); PYTHON=python3.12 picks the interpreter"

venv: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setting up $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/python examples/demo.py

test: $(STAMP)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope

lint: $(STAMP)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/lint-imports

types: $(STAMP)
	@$(BIN)/mypy

check: lint types test

bench: $(STAMP)
	@$(BIN)/python -m benchmarks

clean:
	@rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
