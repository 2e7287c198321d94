# The commands of this repository. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# Whatever the shell says: without bytecode each of the many processes below would compile the same again.
export PYTHONDONTWRITEBYTECODE :=
# Each worker begins with a half of the tests, so that neighbours share what they set up.
TESTS := $(BIN)/pytest -n 2 --dist worksteal -m "not e2e"

.PHONY: help install demo test coverage e2e pulumi format docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Install what is needed into .venv, from locked requirements

$(INSTALLED): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python 3.11 or newer is needed; {sys.executable} is {v[0]}.{v[1]}. Name another: make PYTHON=python3.12")'
	@echo "Installing into .venv (about a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q infra lambdas localcloud mailer
	@touch $@

demo: $(INSTALLED) ## Provision, send, bounce, suppress, refuse, page: all on this machine (KEEP=1 leaves it up)
	@$(BIN)/python -m localcloud.demo $(if $(KEEP),--keep)

test: $(INSTALLED) ## Format, lint, types, import rules; unit, contract and integration tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/basedpyright --level error
	@PYTHONPATH=infra $(BIN)/lint-imports
	@$(TESTS) --cov --cov-report=term

coverage: $(INSTALLED) ## Coverage with the local cloud's and the engines' own processes counted (slower)
	@COVERAGE_PATCH=subprocess COVERAGE_EXIT=_exit $(TESTS) -q --cov --cov-report=term

e2e: $(INSTALLED) pulumi ## The real Pulumi CLI against the local cloud
	@$(BIN)/pytest -n 2 --dist loadfile -m e2e

pulumi: $(INSTALLED) ## Put the Pulumi CLI under .tools/ where PATH has none
	@$(BIN)/python tools/pulumi/install.py

format: $(INSTALLED) ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

docs: $(INSTALLED) ## Write what docs/ has of the program anew: settings, picture, costs
	@PYTHONPATH=infra $(BIN)/python -m mailstack_infra.reference > docs/settings.md
	@PYTHONPATH=infra $(BIN)/python -m mailstack_infra.picture docs/infrastructure.md

lock: $(INSTALLED) ## Resolve requirements/dev.lock again
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --upgrade --all-extras --group dev pyproject.toml --output-file requirements/dev.lock

clean: ## Remove what was built and installed
	@rm -rf .venv .tools .build .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
