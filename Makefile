# Everything a developer types. `make demo` and `make test` need Python >= 3.11 and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest

.PHONY: demo test check bench peers torture docs format clean

demo: .venv/.local  ## traces a made-up application into a store of its own, and shows who did what
	rm -rf .demo
	$(BIN)/trackway demo --dir .demo
	@printf '\nFrom this checkout: %s users --dir .demo\n' $(BIN)/trackway

test: .venv/.dev  ## the whole suite, on two processes
	$(PYTEST) -q -n 2 --dist worksteal

check: .venv/.dev  ## style, types, layers, docstrings, docs
	$(BIN)/ruff check && $(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet src/trackway/*.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir site

torture: .venv/.dev  ## the same suite at full counts: hours
	TRACKWAY_TORTURE=1 $(PYTEST) -q -n 2 --timeout 0 tests

bench: .venv/.local  ## what tracing costs, beside peers in environments of their own: half an hour
	$(BIN)/python benchmarks/run.py

peers: .venv/.dev .bench/langfuse/.peer .bench/logfire/.peer  ## beside the real Langfuse SDK and Logfire
	$(PYTEST) -q tests/peers

docs: .venv/.dev  ## the documentation at http://127.0.0.1:8000
	$(BIN)/mkdocs serve

format: .venv/.dev
	$(BIN)/ruff check --fix-only && $(BIN)/ruff format

clean:
	rm -rf .venv .bench .demo site dist build .*_cache .hypothesis

# Logfire runs in one process with us, so its environment has what we need.
.bench/%/.peer:
	test -x .bench/$*/bin/python || $(PYTHON) -m venv .bench/$*
	.bench/$*/bin/pip install --quiet --disable-pip-version-check $* orjson httpx platformdirs
	touch $@

.venv/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …" or 0)'
	$(PYTHON) -m venv .venv
	touch $@

# A stamp for each extra, so that nothing is installed twice until what is installed changes.
.venv/.local .venv/.dev: .venv/.%: .venv/.python pyproject.toml hatch_build.py src/native/kernels.c
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@
