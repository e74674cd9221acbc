# The commands of the README, and the checks that CI runs. `make` alone lists them.
PYTHON ?= python3.11
# Another Python has a folder of its own, so that the two don't mix.
VENV ?= $(if $(filter python3.11,$(PYTHON)),.venv,.venv-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
# A study starts Python a hundred times: without compiled files each start would compile its imports.
unexport PYTHONDONTWRITEBYTECODE
STAMP := $(VENV)/.installed
# Python compiles what it imports: most of what is installed never is.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
# What differs between versions of Python if anything does: minutes where the suite takes a quarter hour.
SMOKE := tests/system tests/numerics tests/artifacts tests/test_public.py tests/settings
# A worker takes neighbouring tests, whose fixtures are then made once, and takes over from another
# when it is done. Tiny networks gain nothing by threads, which would wait for one another.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

.PHONY: help run test test-fast test-smoke test-targets check format clean
.DEFAULT_GOAL := help

help:  ## list these commands
	@echo "make COMMAND [PYTHON=python3.11] [ARGS=...]"
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while IFS='|' read -r name what; do printf '  %-14s %s\n' "$$name" "$$what"; done

run: $(STAMP)  ## install, then train, quantize, measure and compare: 5 minutes
	@$(BIN)/quantbench run $(ARGS)

test: $(STAMP).dev  ## the test suite
	@$(PYTEST) -m "not targets" $(ARGS)

test-fast: $(STAMP).dev  ## the test suite without what takes minutes
	@$(PYTEST) -m "not slow and not targets" $(ARGS)

test-smoke: $(STAMP).dev  ## a few minutes of it, for another version of Python
	@$(PYTEST) -m "not slow and not targets" $(SMOKE) $(ARGS)

test-targets: $(STAMP).dev  ## the C by other compilers and on other processors, simulated
	@tests/targets/install
	@$(PIP) -e '.[targets]'
	@$(PYTEST) -m targets -rs $(ARGS)

check: $(STAMP).dev  ## style, types and the test suite
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(PYTEST) -m "not targets" $(ARGS)

format: $(STAMP).dev  ## put the code into its style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:  ## remove the environments and the results
	rm -rf .venv .venv-* results

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
	@$(PIP) -e '.[cluster]'
	@$(PIP) -e '.[mobile]'
	@touch $@
