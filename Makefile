# `make` or `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= configs/local.yaml
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test test-peers lint bench sample clean clean-all

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Run the main job on the sample (CONFIG=FILE, ARGS='--flag …').
	@$(BIN)/python -m pipelines.build --config $(CONFIG) $(ARGS)

test: $(VENV)/.installed-dev ## Run the tests (ARGS='-k name …').
	@$(BIN)/python -m pytest -q $(ARGS)

lint: $(VENV)/.installed-dev ## Check style and formatting.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

test-peers: $(VENV)/.installed-bench ## Run the tests that need PySpark.
	@$(BIN)/python -m pytest -q -m spark tests/benchmarks/peers $(ARGS)

bench: $(VENV)/.installed-bench ## Measure speed and memory (ARGS='--only B1 --against COMMIT …').
	@$(BIN)/python -m tests.benchmarks $(ARGS)

sample: $(VENV)/.installed ## Make the generated parts of samples/ again.
	@$(BIN)/python samples/make_odd_and_bad.py
	@$(BIN)/python -m pipelines.synthesize --output samples/narratives \
	  --shards 2 --narratives 60 --seed 7

clean: ## Remove outputs and caches.
	@rm -rf out build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print | xargs rm -rf

clean-all: clean ## Remove the virtual environment and the data of the benchmarks too.
	@rm -rf $(VENV) .benchmarks

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
