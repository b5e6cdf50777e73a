# The two most used targets: `make run` and `make test`. `make` lists all.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
HABITS := tests/architecture tests/schema/test_contract.py

# Without byte code each of the many processes of a run compiles the application, and each worker all tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help environment run demo docs test test-all check format reference lock bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

environment: ## create .venv from requirements.lock, if it is missing or out of date
	@$(PYTHON) tools/environment.py

run: environment ## run a sandbox on 127.0.0.1:8000 (PORT=...) and print a demo of it
	@$(BIN)/python -m tools.documentation --after http://127.0.0.1:$(PORT)/healthz & \
	  exec $(BIN)/gateway sandbox up --port $(PORT) --demo

demo: environment ## run the demos on a temporary sandbox; exit code 0 if every response was as expected
	@$(BIN)/gateway sandbox demo

docs: environment ## build the documentation with MkDocs Material into .docs/site, which the server shows under /docs
	@$(BIN)/python -m tools.documentation

test: environment ## run the tests on SQLite and PostgreSQL; some minutes on two cores
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not browser and not node"

test-all: check docs ## run everything: checks, the build of the documentation, slow tests, browser tests, clients written for Node.js
	@$(PYTHON) tools/environment.py --browser --fuzz
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(foreach part,$(HABITS),--ignore=$(part))

check: environment ## ruff, mypy, unused dependencies, import layers; are documents, SDL and lock file up to date?
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/deptry .
	@$(BIN)/python -m pytest -q $(HABITS)

bench: environment ## compare with other servers: make bench OPTIONS="--peers strawberry --rounds 1"; see docs/performance.md
	@$(BIN)/python -m tools.bench $(OPTIONS)

format: environment ## let ruff fix and format the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

reference: environment ## write docs/reference, the pictures of the guides and the exported SDL
	@$(BIN)/python tools/reference.py
	@$(BIN)/python tools/sequences.py
	@$(BIN)/gateway sdl export --environment live > schema/gateway.graphql
	@$(BIN)/gateway sdl export --environment sandbox > schema/sandbox.graphql

lock: environment ## compile requirements.lock (needs uv on the path); it contains no host name
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --extra dev pyproject.toml -o requirements.lock
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate -c requirements.lock tests/fuzz/requirements.in -o tests/fuzz/requirements.lock
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate -c requirements.lock tools/bench/peers/requirements.in -o tools/bench/peers/requirements.lock
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate -c requirements.lock docs/requirements.in -o docs/requirements.lock
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate docs/examples/python_client/requirements.in -o docs/examples/python_client/requirements.lock
