# What people run and what CI runs, the same lines. Each target sets up what it needs, in .venv.
# Needed beforehand: Python 3.11 or newer, Rust, a C compiler.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-rust test-python test-webhooks test-keys test-frameworks test-sandbox test-engines types \
	stubs simulate test-defects fuzz lint bench layout docs api wheel free-threaded reproduce deny clean

VENV := .venv
BENCH_VENV := .venv-bench
DOCS_VENV := .venv-docs
WHEEL_VENV := .venv-wheels
ENGINES_VENV := .venv-engines
BIN := $(VENV)/bin

# The first Python that is new enough; `make PYTHON=/path/to/python` takes another.
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c '$(IS_NEW_ENOUGH)' 2>/dev/null && echo $$python && break; done)

RUST_SOURCES := $(shell find src -name '*.rs' -o -name '*.ld' -o -name Cargo.toml) Cargo.toml Cargo.lock
PYTHON_SOURCES := $(shell find python -name '*.py' -o -name '*.pyi' -o -name py.typed)
# The others are what they share.
BENCHES := $(filter-out $(patsubst %,benches/%.py,timing counting layout),$(wildcard benches/*.py))

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 8

demo: $(VENV)/.built ## two campaign days in seconds; KEEP=1 leaves the dashboard to be looked at
	$(BIN)/python examples/demo.py $(if $(KEEP),--keep)

test: test-rust test-python types ## everything that must hold

# Without what needs Python: a test binary cannot leave the interpreter's symbols unresolved.
test-rust:
	cargo test --quiet --locked

# More processes than cores: most tests wait.
PROCESSES := 4
test-python: $(VENV)/.built
	$(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal

# `make test` has smaller counts of these.
test-webhooks: $(VENV)/.built ## workers killed and thousands of deliveries, at full count
	REVRAG_TEST_KILLS=200 REVRAG_TEST_EVENTS=5000 $(BIN)/python -m pytest -s --timeout 900 -o faulthandler_timeout=0 \
		$(patsubst %,tests/python/webhooks/test_%.py,killed load inbox) tests/python/client/test_reconcile_killed.py

test-keys: $(VENV)/.built ## keyed uploads killed and in crowded campaigns, at full count
	REVRAG_TEST_KILLS=200 REVRAG_TEST_OTHERS=50000 REVRAG_TEST_ROUNDS=5 $(BIN)/python -m pytest -n $(PROCESSES) \
		--dist worksteal --timeout 1500 -o faulthandler_timeout=0 tests/python/bulk/test_key_runs.py

# What the sandbox can't do is skipped; were all of it, that would be no test.
SANDBOX_TESTS := $(patsubst %,tests/python/%,bulk client cli webhooks/test_servers.py)
test-sandbox: $(VENV)/.built ## the tests of client, uploads and webhooks against the sandbox, where it can order the fault
	@mkdir -p target
	REVRAG_TEST_SERVICE=sandbox $(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal \
		--junitxml target/test-sandbox.xml $(SANDBOX_TESTS)
	@$(BIN)/python tests/python/support/counted.py target/test-sandbox.xml 2500

test-frameworks: $(VENV)/.built ## webhook endpoints on the oldest and newest frameworks
	PYTHON='$(PYTHON)' tests/frameworks/run

# Spark needs a Java 17 or newer. A build that is quick: a million rows pass through it. With fewer of
# them, and fewer runs, in less time: make test-engines ENGINE_ROWS=50000 ENGINE_RUNS=2 ENGINE_RUN_ROWS=10000
ENGINE_ROWS := 1000000
ENGINE_RUNS := 20
ENGINE_RUN_ROWS := 100000
ENGINE_PROFILE := quick
test-engines: $(ENGINES_VENV)/.built ## real Spark, Ray, dlt and Airflow, their workers killed, at full count
	REVRAG_TEST_ROWS=$(ENGINE_ROWS) REVRAG_TEST_RUNS=$(ENGINE_RUNS) REVRAG_TEST_RUN_ROWS=$(ENGINE_RUN_ROWS) \
		tests/engines/run

types: $(VENV)/.built
	$(BIN)/python -m mypy python/revrag examples $(wildcard tests/typing/*.py)
	$(BIN)/python -m mypy.stubtest revrag._revrag --allowlist tests/typing/stubtest-allowlist.txt

stubs: $(VENV)/.built ## write the docstrings of the compiled classes into their stub
	cd tests/python && $(abspath $(BIN))/python -m support.docstrings

# As many as wanted, more of them in the time, or the story of one:
# make simulate SEEDS=0..1000000, make simulate SEEDS='0..1000000 once', make simulate SEEDS=12345
SEEDS := 0..20000
simulate: ## uploads played from seeds, each twice
	cargo run --quiet --locked --profile quick -p revrag --example simulate -- $(SEEDS)

# Those of some names: tests/rust/simulation/defects/run breaker stop
test-defects: ## defects planted one by one, each to be found by the simulator within a minute
	tests/rust/simulation/defects/run

# As long as wanted: make fuzz FUZZ_SECONDS=600
FUZZ_SECONDS := 10
fuzz: ## hostile input for each target in fuzz/, which needs a C++ compiler
	fuzz/run $(FUZZ_SECONDS)

# Left alone, pyo3 builds for whatever python3 comes first in PATH.
lint: export PYO3_PYTHON = $(abspath $(BIN))/python
lint: $(VENV)/.tools ## formatting, lints and documentation, warnings refused; defects that can still be planted
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --quiet --locked --all-targets -p revrag -- -D warnings
	cargo clippy --quiet --locked --all-targets --workspace -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --no-deps
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	tests/rust/simulation/defects/run --check

bench: $(BENCH_VENV)/.built target/counting_server ## measure a release build
	@for script in $(BENCHES); do echo "== $$script"; $(BENCH_VENV)/bin/python $$script || exit 1; done

# Of a build with symbols. `pip install .` puts them side by side from then on.
layout: $(BENCH_VENV)/.built target/counting_server ## what uploads run through, for the linker; needs valgrind
	CARGO_PROFILE_RELEASE_STRIP=none cargo build --quiet --locked --release -p revrag-extension
	rm -rf target/layout && mkdir -p target/layout && cp -r python/revrag target/layout
	cp target/release/lib_revrag.so target/layout/revrag/_revrag.abi3.so
	PYTHONPATH=target/layout $(BENCH_VENV)/bin/python benches/layout.py target/layout/revrag/_revrag.abi3.so target/release/deps

# Its snippets run in .venv; the site is made in an environment of its own, which the package is not in.
docs: $(DOCS_VENV)/.tools $(VENV)/.built ## the site, in target/site, and the Rust crates' documentation, in target/doc
	$(BIN)/python docs/tools/prepare.py
	$(DOCS_VENV)/bin/zensical build --clean --strict --config-file mkdocs.yml
	$(DOCS_VENV)/bin/python docs/tools/finish.py
	cargo doc --quiet --no-deps

# As it is released, for Pythons and Linuxes old and new. PROFILE=release is cheaper to build.
PROFILE ?= wheel
TARGET = $(shell rustc -vV | sed -n 's/^host: //p')
wheel: $(WHEEL_VENV)/.tools ## the wheel and the source distribution, in dist, installed and tried without a network
	rm -rf dist
	PATH="$(abspath $(WHEEL_VENV))/bin:$$PATH" PROFILE=$(PROFILE) wheels/build dist $(TARGET) manylinux2014
	$(WHEEL_VENV)/bin/maturin sdist --out dist
	$(WHEEL_VENV)/bin/python -m auditwheel show dist/*.whl
	wheels/check dist/*.whl $(WHEEL_VENV)/bin/python

# Of these Pythons it needs no more than what they are.
free-threaded: ## that it compiles for Pythons without a GIL, the stable ABI of 3.15 among them
	PYO3_CONFIG_FILE=$(abspath wheels/pythons/cp314t.txt) cargo check --quiet --locked -p revrag-python
	PYO3_CONFIG_FILE=$(abspath wheels/pythons/abi3t.txt) cargo check --quiet --locked -p revrag-python \
		--features pyo3/abi3t-py315

# Two builds in two places: twice as dear as a wheel.
reproduce: $(WHEEL_VENV)/.tools ## build the wheel twice, and compare to the bit
	PATH="$(abspath $(WHEEL_VENV))/bin:$$PATH" PROFILE=$(PROFILE) wheels/reproduce $(TARGET) manylinux2014

# The tool is built once, and kept beside what else is built.
CARGO_DENY := 0.20.2
DENY = target/tools/cargo-deny-$(CARGO_DENY)/bin/cargo-deny
EXTRAS := azure-functions|django|fastapi|flask|pandas|pyarrow|redis|sqlalchemy
deny: target/tools/cargo-deny-$(CARGO_DENY) $(VENV)/.tools $(WHEEL_VENV)/.tools ## licences, duplicates, origins and known holes of dependencies
	$(DENY) --locked --workspace check licenses bans sources
	@if timeout 60 $(DENY) --locked fetch db >/dev/null 2>&1; then \
		$(DENY) --locked --workspace check advisories; else \
		echo 'the database of advisories can not be reached from here: not checked'; fi
	$(BIN)/python -m pip freeze | grep -iE '^($(EXTRAS))==' >target/extras.txt
	$(WHEEL_VENV)/bin/python wheels/audit.py $(WHEEL_VENV)/bin/pip-audit target/extras.txt

target/tools/cargo-deny-$(CARGO_DENY):
	cargo install --quiet --locked --debug --no-default-features --root $@ cargo-deny@$(CARGO_DENY)

# The last tag is what callers have; before the first there is nothing to break.
api: $(DOCS_VENV)/.tools ## what has changed for callers since the last tag
	@tag=$$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || { \
		echo 'no release yet: nothing to compare with'; exit 0; }; \
	$(DOCS_VENV)/bin/python -m griffe check revrag --search python --against "$$tag" --verbose

clean: ## remove what was built
	rm -rf target dist $(VENV) $(BENCH_VENV) $(DOCS_VENV) $(WHEEL_VENV) $(ENGINES_VENV) .venv-airflow .venv-frameworks python/revrag/*.so
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

# A virtual environment whose pip knows dependency groups.
define make_venv
	@test -n '$(PYTHON)' && '$(PYTHON)' -c '$(IS_NEW_ENOUGH)' 2>/dev/null || { \
		echo 'revrag needs Python 3.11 or newer: make PYTHON=/path/to/python3' >&2; exit 1; }
	@command -v cargo >/dev/null || { \
		echo 'revrag needs Rust: https://rustup.rs' >&2; exit 1; }
	@$(1)/bin/python -c 'import pip; $(IS_NEW_ENOUGH)' 2>/dev/null || '$(PYTHON)' -m venv --clear $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
endef

$(WHEEL_VENV)/.tools: pyproject.toml
	$(call make_venv,$(WHEEL_VENV))
	$(WHEEL_VENV)/bin/python -m pip install --quiet --group wheels
	@touch $@

$(DOCS_VENV)/.tools: pyproject.toml
	$(call make_venv,$(DOCS_VENV))
	$(DOCS_VENV)/bin/python -m pip install --quiet --group docs
	@touch $@

$(VENV)/.tools: pyproject.toml
	$(call make_venv,$(VENV))
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

# An editable install: changes under python/ need no new build.
$(VENV)/.built: $(VENV)/.tools $(RUST_SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) PIP_QUIET=1 $(BIN)/maturin develop --quiet
	@touch $@

# Not editable: a release build beside the package's sources would take the place of the other.
$(BENCH_VENV)/.built: pyproject.toml $(RUST_SOURCES) $(PYTHON_SOURCES)
	$(call make_venv,$(BENCH_VENV))
	$(BENCH_VENV)/bin/python -m pip install --quiet --group bench
	$(BENCH_VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps .
	@touch $@

$(ENGINES_VENV)/.built: pyproject.toml $(RUST_SOURCES) $(PYTHON_SOURCES)
	$(call make_venv,$(ENGINES_VENV))
	$(ENGINES_VENV)/bin/python -m pip install --quiet --group engines 'maturin>=1.9.4,<2'
	rm -rf target/engines
	$(ENGINES_VENV)/bin/maturin build --quiet --profile $(ENGINE_PROFILE) --out target/engines
	$(ENGINES_VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps target/engines/*.whl
	@touch $@

# The standard library is all it needs, so nothing of the crate is built for it.
target/counting_server: benches/counting_server.rs
	@mkdir -p target
	rustc --edition 2024 -O -o $@ $<
