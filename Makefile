# What can be done here. `make help` lists it; the logic lives in the package, not here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
IMAGE ?= zoe-prefect
VENV_ANSIBLE := .venv-ansible
ANSIBLE := NO_COLOR=1 PATH="$(CURDIR)/$(VENV_ANSIBLE)/bin:$$PATH" $(CURDIR)/$(VENV_ANSIBLE)/bin
# Ansible finds a collection by its name's path; ours lies in `ansible/`.
COLLECTIONS := .build/collections
COLLECTION := $(COLLECTIONS)/ansible_collections/zoe/prefect

.DEFAULT_GOAL := help
export IMAGE
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(COLLECTIONS)
.PHONY: help up down image test lint format unit chaos bench warm molecule docs screenshot lock clean

help:  ## list what can be done
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

up:  ## build the image, start the container "zoe" and wait until it is healthy
	@$(PYTHON) -m appliance.image up

down:  ## stop and remove the container; the volume "zoe-data" stays
	@$(PYTHON) -m appliance.image down

image:  ## build the image zoe-prefect (and its base, where no registry answers)
	@$(PYTHON) -m appliance.image build

test: lint image $(VENV)/.installed  ## everything that CI runs: lint, unit tests, and the tests of the real image
	@# Both halves are always run: who mends a test wants to know of all of them. The long files
	@# come first, and the many short ones fill what is left: no helper waits for another's last.
	first=0; $(BIN)/pytest -m "not alone" --numprocesses 3 --dist loadfile --no-loadscope-reorder \
	  --durations 20 tests/image tests/browser tests/warm tests/unit || first=$$?; \
	  $(BIN)/pytest -m alone --durations 20 && exit $$first

unit: $(VENV)/.installed  ## the fast tests only
	$(BIN)/pytest tests/unit

lint: $(VENV)/.installed  ## ruff and mypy, strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed  ## let ruff put the source in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

chaos: image $(VENV)/.installed  ## the long tables that `make test` runs a slice of, in about an hour
	STOP_ROUNDS=20 $(BIN)/pytest -o timeout=1800 tests/image/test_stop_and_recovery.py tests/image/test_load.py
	@# Two cells at a time are what two cores bear; the rest wants them for itself.
	failed=0; export CHAOS_TABLE=docs/reference/chaos.md; \
	  $(BIN)/pytest -n 2 --dist load tests/chaos/test_table.py || failed=1; \
	  $(BIN)/pytest tests/chaos/test_clock.py tests/chaos/test_disk_full.py tests/chaos/test_kills.py || failed=1; \
	  exit $$failed

bench: image $(VENV)/.installed  ## Zoe beside stock Prefect, in some hours; BENCH="start idle" measures a part
	@mkdir -p .build
	$(BIN)/python -m tests.bench --json .build/bench.json --chart docs/images/bench.svg \
	  --page docs/reference/bench.md $(BENCH)

warm: image $(VENV)/.installed  ## warm start: its processes, and each case warm and cold
	$(BIN)/pytest tests/warm

molecule: $(VENV_ANSIBLE)/.installed $(COLLECTION)  ## the Ansible collection: lint, and each scenario on machines that it makes; SCENARIO=default for one
	cd ansible && $(ANSIBLE)/ansible-lint --offline
	$(ANSIBLE)/ansible-galaxy collection build --force --output-path .build ansible
	@# It exits 0 for a role that it cannot find.
	for role in appliance worker common; do \
	  $(ANSIBLE)/ansible-doc --type role zoe.prefect.$$role | grep -q "ROLE: .*zoe.prefect.$$role" || exit 1; done
	cd ansible && $(ANSIBLE)/molecule test $(if $(SCENARIO),--scenario-name $(SCENARIO),--all)

docs: $(VENV)/.installed  ## make the reference pages that are made from the source
	$(BIN)/python -m appliance.settings_reference > docs/reference/settings.md
	$(BIN)/python -m appliance.collection

screenshot: image $(VENV)/.installed  ## renew the picture in the README
	PICTURES=docs/images $(BIN)/pytest tests/browser

lock: $(VENV)/.installed  ## resolve the dependencies anew, with hashes, for Python 3.11 to 3.13
	$(BIN)/uv pip compile -q --universal --generate-hashes --upgrade --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --upgrade --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --upgrade --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" -c requirements.lock tests/warm/requirements.in -o tests/warm/requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --upgrade --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" ansible/requirements.in -o ansible/requirements.lock

clean:  ## remove what was built here (images and volumes stay)
	rm -rf $(VENV) $(VENV_ANSIBLE) .build dist build *.egg-info

$(VENV)/.installed: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/pip check >/dev/null
	@touch $@

$(VENV_ANSIBLE)/.installed: ansible/requirements.lock
	$(PYTHON) -m venv $(VENV_ANSIBLE)
	$(VENV_ANSIBLE)/bin/pip install --quiet --require-hashes --no-deps -r ansible/requirements.lock
	@touch $@

$(COLLECTION):
	@mkdir -p $(@D)
	@ln -sfn ../../../../ansible $@
