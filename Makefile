# What people run and what CI runs, the same lines. Each target sets up what it needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock

.PHONY: help demo test test-rust test-python types lint bench docs clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.built ## push messy leads to the sandbox, follow the calls, verify the webhooks
	$(BIN)/python examples/demo.py

test: test-rust test-python types ## everything that must hold

test-rust:
	cargo test --quiet --no-default-features
	cargo test --quiet --features cli

test-python: $(VENV)/.built
	$(BIN)/python -m pytest

types: $(VENV)/.built
	$(BIN)/python -m mypy --strict python/revrag tests/typing
	$(BIN)/python -m mypy.stubtest revrag._revrag

lint: $(VENV)/.tools ## formatting, lints and documentation, warnings refused
	cargo fmt --check
	cargo clippy --quiet --all-targets --no-default-features -- -D warnings
	cargo clippy --quiet --all-targets --features cli -- -D warnings
	cargo clippy --quiet --features python -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps --features cli
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: ## measure a release build against its peers
	@test -d $(VENV)-bench || $(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/pip install --quiet --upgrade 'pip>=25.1'
	$(VENV)-bench/bin/pip install --quiet .
	$(VENV)-bench/bin/python benches/webhook.py
	$(VENV)-bench/bin/python benches/startup.py

docs: ## the Rust crate's documentation
	cargo doc --no-deps --features cli

clean: ## remove what was built
	rm -rf target $(VENV) $(VENV)-bench

$(VENV)/.tools: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "revrag needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@command -v cargo >/dev/null \
		|| { echo "revrag needs Rust: https://rustup.rs" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

$(VENV)/.built: $(VENV)/.tools $(RUST_SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --quiet
	touch $@
