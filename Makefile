# The two commands of the README, and the checks that CI runs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Python compiles what it imports: most of what is installed never is.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt

.PHONY: run test test-fast test-targets check format clean

run: $(STAMP)
	@$(BIN)/quantbench run $(ARGS)

test: $(STAMP).dev
	@$(BIN)/python -m pytest -n auto -m "not targets" $(ARGS)

test-fast: $(STAMP).dev
	@$(BIN)/python -m pytest -n auto -m "not slow and not targets" $(ARGS)

# Other compilers, and processors that this one is not, simulated.
test-targets: $(STAMP).dev
	@tests/targets/install
	@$(PIP) -e '.[targets]'
	@$(BIN)/python -m pytest -n auto -m targets -rs $(ARGS)

check: $(STAMP).dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -n auto -m "not targets" $(ARGS)

format: $(STAMP).dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) results

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

# One pip call, so that the constraints hold for all that is installed together. Where an engine
# can't be installed the study goes on without: it lists what is missing, and why.
$(STAMP): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing into $(VENV) (one to two minutes)"
	@$(PIP) -e '.[engines]' || \
	  { echo "not every engine could be installed: going on without them"; $(PIP) -e .; }
	@touch $@

$(STAMP).dev: $(STAMP)
	@$(PIP) -e '.[dev]'
	@touch $@
