# The commands of this repository. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Whatever the shell says: without bytecode each of the many processes below would compile the same again.
export PYTHONDONTWRITEBYTECODE :=
# Each worker begins with a half of the tests, so that neighbours share what they set up.
TESTS := $(BIN)/pytest -n 2 --dist worksteal -m "not e2e" --durations 15
# What fails first when something is wrong, and needs no network, no deployment and no waiting.
QUICK := tests/unit/mailer tests/unit/lambdas tests/unit/tools tests/unit/test_docs.py tests/unit/infra/settings \
	tests/unit/infra/dns/test_records.py tests/unit/infra/dns/test_zonefile.py localcloud/tests/unit
SLOW := tests/unit/mailer/wire tests/unit/mailer/test_processes.py tests/unit/mailer/test_fault_schedule.py \
	tests/unit/mailer/test_leaks.py tests/unit/mailer/test_mailer.py tests/unit/mailer/test_cli.py \
	tests/unit/tools/test_wheel.py tests/unit/tools/test_install.py localcloud/tests/unit/pulumi

.PHONY: help python install demo check test coverage bench bench-feedback e2e live pictures pulumi mjml system-packages test-all-pythons test-djangos format docs wheel lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Python 3.11 or newer is needed; %s is %d.%d. Name another one: make PYTHON=python3.12" % (sys.executable, v[0], v[1]))'

install: python ## Install what development needs into .venv, from locked requirements
	@$(PYTHON) tools/install.py dev

demo: python ## Provision, send, bounce, suppress, refuse, page: all on this machine (KEEP=1 leaves it up)
	@$(PYTHON) tools/install.py demo
	@$(BIN)/python -m demo $(if $(KEEP),--keep)

check: install ## The inner loop, under a minute: format, lint, import rules, types of changed files, quick unit tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@PYTHONPATH=infra:localcloud/src $(BIN)/lint-imports
	@files=$$($(BIN)/python tools/changed.py); [ -z "$$files" ] || $(BIN)/basedpyright --level error $$files
	@$(BIN)/pytest -q -n 2 --dist worksteal $(QUICK) $(addprefix --ignore=,$(SLOW))

test: install ## Format, lint, types, import rules; unit, contract and integration tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/basedpyright --level error
	@PYTHONPATH=infra:localcloud/src $(BIN)/lint-imports
	@$(TESTS)

coverage: install ## The same tests with coverage: the local cloud's and the engines' own processes count, too (slower)
	@COVERAGE_PATCH=subprocess COVERAGE_EXIT=_exit $(TESTS) -q --cov --cov-report=term

bench: install ## What a mail costs beside other clients, into docs/development/performance.md (MAILS=1000000: memory after so many)
	@$(BIN)/python -m benchmarks.sending --write --mails $(or $(MAILS),10000)
	@$(BIN)/python -m benchmarks.templates --write

bench-feedback: install ## The feedback function beside powertools and pydantic, into docs/development/performance.md
	@PYTHONPATH=infra:localcloud/src $(BIN)/python -m benchmarks.feedback --write

e2e: install pulumi ## The real Pulumi CLI against the local cloud
	@$(BIN)/pytest -n 2 --dist loadfile -m e2e

live: install pulumi ## Check in your AWS account what is not verified: DOMAIN=… [ZONE=…] [RECORD=DIR] [COMPARE=DIR] [CLEAN=1]
	@PYTHONPATH=infra:localcloud/src $(BIN)/python -m tools.live $(DOMAIN) $(if $(ZONE),--zone $(ZONE)) \
		$(if $(RECORD),--record $(RECORD)) $(if $(COMPARE),--compare $(COMPARE)) $(if $(CLEAN),--clean-up) $(LIVE)

pulumi: install ## Put the Pulumi CLI under .tools/ where PATH has none
	@$(BIN)/python tools/pulumi/install.py

mjml: install ## Compare the compiled catalog with the reference MJML compiler (npm)
	@$(BIN)/python -m tools.mjml.compare

system-packages: python ## Install the Debian packages that the tests use, or say which ones
	@$(PYTHON) tools/system_packages.py

test-all-pythons: python ## Unit and contract tests on each supported Python of this machine (OTHERS=1: on those but .venv's)
	@$(PYTHON) tools/pythons.py $(if $(OTHERS),--others)

test-djangos: install ## The tests of mailer.django on each supported Django, on a Python of this machine from 3.12
	@$(PYTHON) tools/djangos.py

format: install ## Format the code and fix what ruff can fix
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

pictures: install ## Take the pictures of docs/reference/catalogue.md in chromium
	@$(BIN)/python -m tools.docs.catalogue_pictures docs/reference

docs: install ## Generate the pages of docs/ that come from code: settings, outputs, costs, policies, pictures
	@PYTHONPATH=infra:localcloud/src $(BIN)/python -m tools.docs.settings_reference > docs/reference/settings.md
	@PYTHONPATH=infra:localcloud/src $(BIN)/python -m tools.docs.deploy_policy docs/reference
	@PYTHONPATH=infra:localcloud/src $(BIN)/python -m tools.docs.picture docs/reference/infrastructure.md
	@PYTHONPATH=infra:localcloud/src $(BIN)/python -m tools.docs.outputs_reference docs/reference/stack-outputs.md
	@$(BIN)/python -m tools.docs.catalogue docs/reference/catalogue.md
	@$(BIN)/python -m tools.docs.grafana_dashboard docs/reference/grafana-dashboard.json
	@PYTHONPATH=infra:localcloud/src $(BIN)/python -m tools.docs.doctor_checks docs/guides/doctor.md
	@PYTHONPATH=infra:localcloud/src $(BIN)/python -m tools.docs.live_claims docs/guides/live-check.md
	@PYTHONPATH=infra:localcloud/src $(BIN)/python -m tools.docs.import_graph docs/development/architecture.md

wheel: python ## Build the wheel into dist/, and say how to install it
	@$(PYTHON) tools/install.py demo
	@$(BIN)/python tools/wheel.py

lock: install ## Resolve the locks again: UPGRADE=1 takes newer versions, too
	@$(BIN)/python tools/lock.py $(if $(UPGRADE),--upgrade)

clean: ## Remove what was built and installed
	@rm -rf .venv .tools .build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
