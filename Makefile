# make help lists the targets. Everything that is made stays in .venv, .local and .aws-sam.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.local/sam/bin:$(PATH)
export PYTHON := $(CURDIR)/.venv/bin/python
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

# The ccxt modules in the layer: gate trades, others give prices (make build EXCHANGES=gate,kraken).
EXCHANGES ?= gate
export EXCHANGES

# make build ARCHITECTURE=x86_64 builds for the template's Architecture=x86_64.
ARCHITECTURE ?= arm64
platform_arm64 := aarch64-manylinux_2_28
platform_x86_64 := x86_64-manylinux_2_28

# What make run hands to the deployed functions when it is given: any setting of the template.
SETTINGS := MODE SANDBOX SYMBOL SYMBOLS STRATEGY TIMEFRAME STRATEGY_PARAMETERS FIXED_AMOUNT \
  ORDER_SLIPPAGE_PCT UNIFIED_ACCOUNT EXCHANGE_STOP EXPIRY_PROVEN \
  PRICE_FEED FIXED_PRICE PAPER_QUOTE_BALANCE PAPER_FEE_PCT PAPER_SLIPPAGE_PCT \
  RISK_COOLDOWN_SEC RISK_MAX_SPREAD_PCT RISK_MAX_POSITION_BASE RISK_MAX_ORDERS_PER_HOUR \
  RISK_DAILY_LOSS_LIMIT_QUOTE RISK_MAX_EXPOSURE_QUOTE STOP_HARD_PCT STOP_TRAILING_PCT \
  STOP_ATR_MULTIPLE TAKE_PROFIT_STEPS BREAK_EVEN_PCT TIME_STOP_SEC IDEMPOTENCY_BUCKET_MS \
  IDEMPOTENCY_TTL_SEC EVAL_INTERVAL_SEC EXITS_INTERVAL_SEC RECONCILE_INTERVAL_SEC \
  WATCHDOG_INTERVAL_SEC DMS_TIMEOUT_MS BACKUP_RETENTION_DAYS DEPLOYMENT_TAG LOG_LEVEL
run_arguments = $(if $(TICKS),--ticks '$(TICKS)') $(foreach file,$(DATA),--data '$(file)') \
  $(if $(FROM),--from '$(FROM)') $(if $(SPEED),--speed '$(SPEED)') \
  $(if $(FAULTS),--faults '$(FAULTS)') $(if $(KILL),--kill '$(KILL)') $(if $(SEED),--seed '$(SEED)') \
  $(if $(EXCHANGE),--exchange '$(EXCHANGE)') $(if $(JSON),--json) \
  $(foreach name,$(SETTINGS),$(if $($(name)),--set '$(name)=$($(name))'))

.PHONY: help setup run test check check-template coverage bench simulate mutate build deploy deploy-local lock forget clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## find Python 3.13, make the environments (quick when they are made)
	@.ci/setup

run: setup ## the whole system on this machine; TICKS=3, DATA=file FROM=time SPEED=60, EXCHANGE=gate, MODE=live
	@exec $(BIN)/python -m crypto_ai_bot.local.rehearsal $(run_arguments)

test: setup ## every test
	@$(BIN)/pytest -n 2 --dist loadfile

check: setup ## lint, format, types, import contract, template
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@sam validate --lint

lint := .local/template-lint
check-template: setup ## the template by cfn-lint's serverless rules and checkov, in an environment of their own
	@cmp -s .ci/requirements-template.txt $(lint)/.made-from || { $(BIN)/uv venv --quiet --clear --python $(PYTHON) $(lint) \
	  && $(BIN)/uv pip install --quiet --python $(lint)/bin/python --require-hashes -r .ci/requirements-template.txt \
	  && cp .ci/requirements-template.txt $(lint)/.made-from; }
	@$(lint)/bin/cfn-lint --config-file .cfnlint-serverless.yaml
	@$(lint)/bin/checkov --config-file .checkov.yaml --file template.yaml

rooms := */crypto_ai_bot/domain/*,*/crypto_ai_bot/risk/*,*/crypto_ai_bot/reconciliation/*,*/crypto_ai_bot/usecases/*
coverage: setup ## branch coverage of the rooms that decide; under 95 % it fails
	@$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/contract --cov --cov-report=
	@$(BIN)/coverage report --include='$(rooms)' --skip-covered --fail-under=95

bench: setup ## what things cost, as ratios against a floor of the same run; writes bench.json
	@$(BIN)/python tests/benchmarks/bench.py $(if $(JSON),--json)

simulate: setup ## SEEDS=1000 simulated days, then every guard removed in turn; SEED=n for one day; writes simulate.json
	@PYTHONPATH=tests exec $(BIN)/python -m simulation.campaign $(if $(SEEDS),--seeds '$(SEEDS)') $(if $(FIRST),--first '$(FIRST)') \
	  $(if $(SEED),--seed '$(SEED)') $(if $(GUARD_SEEDS),--guard-seeds '$(GUARD_SEEDS)') $(if $(JSON),--json)

# mutmut finds what it has changed under src/ alone, so it works on a copy of that shape.
mutate: setup ## change the rooms that decide, line by line, and see which tests notice; ONLY='crypto_ai_bot.domain.stop*'
	@rm -rf .local/mutate && mkdir -p .local/mutate/src
	@cp -r layers/trading/crypto_ai_bot .local/mutate/src/ && cp -r tests pyproject.toml .local/mutate/
	@cp .ci/mutmut.cfg .local/mutate/setup.cfg
	@cd .local/mutate && $(CURDIR)/$(BIN)/mutmut run $(if $(ONLY),'$(ONLY)') > run.log; \
	  $(CURDIR)/$(BIN)/mutmut results | tee results.txt | tail -40

build: setup ## the layers and functions for AWS, into .aws-sam; ARCHITECTURE=arm64 or x86_64, EXCHANGES=gate,…
	@LAYER_PLATFORM=$(or $(platform_$(ARCHITECTURE)),$(error ARCHITECTURE is $(ARCHITECTURE); allowed: arm64, x86_64)) \
	  sam build --parameter-overrides Architecture=$(ARCHITECTURE)

# sam deploy takes the overrides of its command line instead of samconfig.toml's: here they are added.
overrides_of = $(BIN)/python -c "import tomllib; print(*tomllib.load(open('samconfig.toml', 'rb'))['$(ENVIRONMENT)']['deploy']['parameters']['parameter_overrides'])"
deploy: setup ## deploy what was built to AWS: ENVIRONMENT=paper, live-sandbox or live; OVERRIDES='Name=value ...'
	@case '$(ENVIRONMENT)' in paper|live-sandbox|live) ;; \
	  *) echo "ENVIRONMENT is '$(ENVIRONMENT)'; allowed: paper, live-sandbox, live" >&2; exit 2 ;; esac
	@sam deploy --config-env $(ENVIRONMENT) $(if $(CI),--no-confirm-changeset) \
	  --parameter-overrides $$($(overrides_of)) $(OVERRIDES)

deploy-local: setup ## build and deploy the stack to the embedded cloud, and end
	@exec $(BIN)/python -m crypto_ai_bot.local.rehearsal --deploy-only $(run_arguments)

.PHONY: on exits-only off status
on: setup ## let the stack STACK= trade
exits-only: setup ## no entries by the stack STACK=, its stops go on: the emergency stop
off: setup ## nothing at all by the stack STACK=, which leaves its positions bare
status: setup ## what the stack STACK= may trade, and how it is
on exits-only off status:
	@exec $(BIN)/python -m crypto_ai_bot.cli.trading $@ \
	  --stack '$(or $(STACK),$(error STACK is needed: the name of the stack, as in make $@ STACK=crypto-ai-bot))' \
	  $(if $(REASON),--reason '$(REASON)') $(if $(JSON),--json)

# --universal: one lock for every platform. Layer and environment get the same versions.
lock_flags := --quiet --universal --python-version 3.13 --generate-hashes --no-header --no-annotate --no-emit-index-url
lock: setup ## bring the five lock files up to date with what is asked for
	@$(BIN)/uv pip compile $(lock_flags) --upgrade pyproject.toml --extra dev .ci/requirements-build.in -o requirements.lock
	@$(BIN)/uv pip compile $(lock_flags) pyproject.toml -c requirements.lock -o layers/dependencies/requirements.txt
	@$(BIN)/uv pip compile $(lock_flags) --upgrade .ci/requirements-sam.in -o .ci/requirements-sam.txt
	@$(BIN)/uv pip compile $(lock_flags) --upgrade .ci/requirements-template.in -o .ci/requirements-template.txt
	@$(BIN)/uv pip compile $(lock_flags) --upgrade .ci/requirements-uv.in -o .ci/requirements-uv.txt

forget: ## begin anew: remove this machine's paper accounts and rehearsals
	@rm -rf .local/cloud .local/live .local/gate .local/replays .local/rehearsal.json

clean: ## remove what was built; the paper account in .local stays
	@rm -rf .aws-sam .local/build .local/sam-cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
	@find . -name __pycache__ -not -path './.venv/*' -not -path './.local/*' -prune -exec rm -rf {} +
