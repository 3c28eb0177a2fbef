# Aliases, no logic. Every target sets up what it needs; only Python 3.11 to 3.13 and make must be there.
# PYTHON=/path/to/python takes that one (once .venv is there: make -B .venv/ready PYTHON=…); otherwise venv.sh finds one.
BIN := .venv/bin
# Not into an environment that the shell has activated.
UV := VIRTUAL_ENV=.venv $(BIN)/uv pip
# Tests and runs start processes by the hundred, and each would compile all of our modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run quick test alone served soak coverage mutants fuzz cloud lab up bench bench-models bench-own bench-weather bench-many bench-sites lint lock
run: .venv/ready       ## next week's forecast from the bundled sample, published to the local bucket
	$(BIN)/footfall run sample

quick: .venv/ready     ## lint, types and every short test that needs no server, kernel or browser: a minute and a half on two cores
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/pytest -n 2 --dist worksteal -m "not soak and not cloud and not servers and not kernel and not long"

test: .venv/ready      ## every check: lint, types, tests, notebooks; the browser is had beside those that need none
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(MAKE) --no-print-directory --jobs 2 alone served

alone: .venv/ready     # the half of `test` that waits for nobody, beside the one that does: so both cores are kept busy
	$(BIN)/pytest -m "not soak and not cloud and not servers and not kernel"

served: .venv/ready .venv/browser
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not soak and not cloud and (servers or kernel)"

soak: .venv/ready      ## the long experiments: every way of dying, many times, FOOTFALL_SOAK_DAYS (30) with faults at random, the three hundred days and the load among them: hours
	$(BIN)/pytest -m soak

coverage: .venv/ready  ## lines and branches of the code that `test` runs, in all processes but kernels; the least first
	$(BIN)/coverage erase
	COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml COVERAGE_FILE=$(CURDIR)/.coverage $(MAKE) test
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report --sort=cover --skip-covered

mutants: .venv/ready   ## plant each mutant of the table of faults (tests/faults.py); its test must fail
	$(BIN)/python tests/mutants.py

SECONDS ?= 60
fuzz: .fuzz/ready      ## the readers of strangers' bytes, each for SECONDS; what is found lies in .fuzz/found
	$(BIN)/python tests/fuzz.py $(SECONDS)

cloud: .venv/ready .cloud/ready  ## Terraform and the image: as root on a Debian, with Terraform and gcloud
	$(BIN)/pytest -m cloud tests/cloud

lab: .venv/ready       ## the notebooks, ready to run on the sample
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks

up: .venv/ready        ## Prefect, MLflow, the bucket, the deployments and a worker, until Ctrl-C
	$(BIN)/footfall up

bench: .venv/ready     ## what the record costs, measured beside bare papermill
	$(BIN)/python benchmarks/record.py

bench-models: .venv/ready benchmarks/.venv/ready  ## Footfall beside its peers: the sample, or SOURCE=Google's zip
	$(BIN)/python -m benchmarks.models $(SOURCE)

DATA ?= ../shared/data/own
bench-own: .venv/ready  ## the models on tills and counters of one's own, in the folder DATA
	$(BIN)/python -m benchmarks.own $(DATA)

bench-weather: .venv/ready  ## what the weather is worth on tills of one's own, as it is foreseen and to an oracle: DATA
	$(BIN)/python -m benchmarks.weather $(DATA)

bench-many: .venv/ready benchmarks/.venv/ready  ## many series in batch, beside a loop and common libraries, and on one and two workers: the files in DATA
	$(BIN)/python -m benchmarks.many $(if $(filter file,$(origin DATA)),../shared/data,$(DATA))
	$(BIN)/python -m benchmarks.shards $(if $(filter file,$(origin DATA)),../shared/data,$(DATA))

bench-sites: .venv/ready  ## a market of 24,000 sites down the whole line, made from the regions in DATA: wall and memory
	$(BIN)/python -m benchmarks.sites $(if $(filter file,$(origin DATA)),../shared/data,$(DATA))

lint: .venv/ready      ## what can be mended by itself is mended
	$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/mypy

COMPILE := $(BIN)/uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 \
    --no-emit-index-url --no-header --quiet --upgrade
lock: .venv/ready      ## resolve pyproject.toml anew, and from that what the image holds: the same versions, without the tools
	$(COMPILE) --extra dev -o requirements.lock
	$(COMPILE) --extra cloud --constraint requirements.lock --no-annotate -o deploy/requirements.lock

.venv/ready: requirements.lock pyproject.toml venv.sh
	sh venv.sh
	$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	$(UV) sync --quiet --require-hashes --compile-bytecode requirements.lock
	# an optional check of web addresses, which builds its grammar at every import of prefect or papermill: 1.5 s each time
	$(UV) uninstall --quiet rfc3987-syntax
	$(UV) install --quiet --no-deps --editable .
	touch $@

# Chromium, for the page's tests and README's picture; where it cannot be had, those tests say so and are skipped.
.venv/browser: .venv/ready
	$(BIN)/python -m flows.authoring.screenshot \
	    || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium libatomic1 > /dev/null; } \
	    || echo "install them to test the page in a browser"
	touch $@

benchmarks/.venv/ready: benchmarks/peers.requirements.txt .venv/ready
	$(BIN)/python -m venv benchmarks/.venv
	$(BIN)/uv pip sync --quiet --python benchmarks/.venv/bin/python --require-hashes benchmarks/peers.requirements.txt
	touch $@

.fuzz/ready: tests/fuzz.txt .venv/ready
	$(BIN)/uv pip install --quiet --require-hashes --target .fuzz -r tests/fuzz.txt
	touch $@

.cloud/ready: tests/cloud/setup.sh tests/cloud/requirements.txt
	sh tests/cloud/setup.sh
	touch $@
