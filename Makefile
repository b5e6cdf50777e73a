# Two commands are enough: `make run` and `make test`. `make` alone lists the rest.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
HABITS := tests/architecture tests/schema/test_contract.py

.DEFAULT_GOAL := help
.PHONY: help environment run demo test test-all check format reference lock

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

environment: ## make .venv from the hashed lock file, if it is missing or stale
	@$(PYTHON) tools/environment.py

run: environment ## run a sandbox on 127.0.0.1:8000 (PORT=...) and print a demo of it
	@$(BIN)/gateway sandbox up --port $(PORT) --demo

demo: environment ## run the demos on a temporary sandbox; exit code 0 if every response was as expected
	@$(BIN)/gateway sandbox demo

test: environment ## the suite: SQLite and, layer by layer, PostgreSQL; some minutes on two cores
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not browser and not node"

test-all: check ## everything: the checks, long fault rounds, browsers, clients written for Node.js
	@$(PYTHON) tools/environment.py --browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(foreach part,$(HABITS),--ignore=$(part))

check: environment ## ruff, mypy strict, unused dependencies, import layers, freshness of documents, SDL and lock
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/deptry .
	@$(BIN)/python -m pytest -q $(HABITS)

format: environment ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

reference: environment ## write docs/reference and the exported SDL anew from the code
	@$(BIN)/python tools/reference.py
	@$(BIN)/gateway sdl export --environment live > schema/gateway.graphql
	@$(BIN)/gateway sdl export --environment sandbox > schema/sandbox.graphql

lock: environment ## compile requirements.lock anew (needs uv on the path); no host name goes into it
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --extra dev pyproject.toml -o requirements.lock
