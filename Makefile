# Hawser: `make demo` and `make test` are the two commands to know; both install what they need first.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
DATA ?= world
TESTS ?= tests
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && echo 4 || echo $$n)

.PHONY: help install test lint demo bench neo4j docs clean

help: ## this list
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## packages into .venv, exactly the versions of requirements.txt

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; give another one with PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv || \
		{ echo "$(PYTHON) cannot make a virtual environment (on Debian: the package python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

test: $(STAMP) ## the whole test suite
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -q $(TESTS)

lint: $(STAMP) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

demo: $(STAMP) ## from nothing to a served API on a sample world (DATA=korea: real-format declarations)
	@$(BIN)/hawser demo --data $(DATA) $(ARGS)

bench: $(STAMP) ## our figures beside those of peers (ARGS="load features --quick")
	@$(BIN)/python -m benchmarks.run $(ARGS)

neo4j: $(STAMP) ## fetch and start a real Neo4j Community (needs Java 17 and Maven)
	@$(BIN)/python -m deploy.neo4j $(ARGS)

docs: $(STAMP) ## write the generated pages of docs/ again
	@$(BIN)/python docs/generate.py

clean: ## remove the environment and caches (never a data folder)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
