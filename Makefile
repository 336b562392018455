# Two commands: `make run` and `make test`. `make` alone prints the others.

# The first Python that is recent enough; any other by name: make run PYTHON=python3.13
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ifeq ($(PYTHON),)
PYTHON := python3
endif
BIN := .venv/bin
STAGE ?= dev
# Without loading what others need: a browser's driver, a fuzzer.
UNIT := --ignore=tests/e2e --ignore=tests/bench -p no:schemathesis

# What one process compiles another need not compile again, whatever the machine says.
unexport PYTHONDONTWRITEBYTECODE

# Where the home folder takes nothing, the caches of npm and of the CDK's jsii are kept here.
ifneq ($(shell test -d "$$HOME" && test -w "$$HOME" && echo yes),yes)
export npm_config_cache := $(CURDIR)/.local/cache/npm
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/.local/cache/jsii
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run stop clean test setup check unit coverage e2e screenshots bench deploy

help: ## What can be made (this)
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Ports of make run: TESSERA_API_PORT=8080 TESSERA_AWS_PORT=4566 TESSERA_ZUORA_PORT=9101"
	@echo "  TESSERA_SALESFORCE_PORT=9102 TESSERA_IDP_PORT=9103 TESSERA_INBOX_PORT=9104, or all in"
	@echo "  a row: make run TESSERA_PORT_BASE=18080. A second stack beside the first also needs a"
	@echo "  folder: make run TESSERA_PORT_BASE=18080 TESSERA_LOCAL_DIR=.local/second"

run: ## Bring everything up on this machine, show how to use it, stay until Ctrl-C
	@$(PYTHON) -m infra.local.run

stop: ## End what make run started; its data are kept
	@$(PYTHON) -m infra.local.stop

clean: ## Forget the data of make run; installed packages stay
	@$(PYTHON) -m infra.local.clean

test: setup ## Everything: set-up, lint, types, imports, unit and end-to-end tests
	@$(BIN)/python -m tests.together

setup: ## Install the pinned packages and the CDK command line, if they are not there
	@$(PYTHON) -m infra.local.prepare

check: ## Lint, formatting, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	PYTHONPATH=layers/core/python:. $(BIN)/lint-imports

unit: ## Tests that need nothing but loopback, on all cores
	$(BIN)/pytest -n auto --durations=12 $(UNIT)

coverage: ## What the unit tests run through, lines and branches: printed, gates nothing
	$(BIN)/pytest -n auto --cov --cov-report=term $(UNIT)

e2e: ## Tests on freshly deployed local stacks with IAM enforced, beside a running one
	@$(BIN)/python -m tests.together e2e

screenshots: ## Pictures of every page, taken in a browser
	PYTHONPATH=layers/core/python:. $(BIN)/python -m tests.e2e.screenshots

bench: setup ## Figures as a table and in .local/bench.json, in 15 minutes: they gate nothing
	@POWERTOOLS_LOG_LEVEL=CRITICAL JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20,21,22,23,24,25 \
	$(BIN)/pytest -m bench -s --show-capture=no tests/bench

# CONTEXT='-c zuora_url=https://rest.eu.zuora.com' adds settings; CHECK=1 looks and deploys nothing.
deploy: setup ## Deploy to the AWS account of your credentials: make deploy STAGE=prod
	@JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20,21,22,23,24,25 \
	$(BIN)/python -m infra.deploy --stage $(STAGE) $(if $(CHECK),--check) $(CONTEXT)
