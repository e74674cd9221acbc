# The two commands of the README, and the checks that CI runs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run run-all test test-fast check format clean

run: $(STAMP)
	@$(BIN)/quantbench run $(ARGS)

run-all: $(STAMP).engines
	@$(BIN)/quantbench run --all $(ARGS)

test: $(STAMP).dev
	@$(BIN)/python -m pytest -n auto $(ARGS)

test-fast: $(STAMP).dev
	@$(BIN)/python -m pytest -n auto -m "not slow" $(ARGS)

check: $(STAMP).dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -n auto $(ARGS)

format: $(STAMP).dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) results

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

# One pip call each, so that constraints hold for all that is installed together.
$(STAMP): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing into $(VENV) (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(STAMP).engines: $(STAMP)
	@echo "installing more engines into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[engines]'
	@touch $@

$(STAMP).dev: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,engines]'
	@touch $@
