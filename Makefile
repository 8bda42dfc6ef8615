# The commands of daily work. Every one makes .venv first when it is missing or the locked requirements changed.

PYTHON ?= $(shell for name in python3.12 python3.11 python3 python3.13 python3.14 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
PY := .venv/bin/python
WITH_SERVERS := $(PY) -m cedrina.tooling.embedded run
# Without what some machines forbid: a run starts hundreds of processes, and each would compile all modules anew.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(WITH_SERVERS) --redis -- $(PY) -m pytest -n $(WORKERS) --dist worksteal
ARGS ?=
LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-find-links

# What `check --deploy` needs to see production: throw-away secrets, no real address.
PRODUCTION := env -u DATABASE_URL CEDRINA_ENV=production \
	SECRET_KEY=$(shell head -c 48 /dev/urandom | od -An -tx1 | tr -d ' \n') \
	FIELD_ENCRYPTION_KEYS=check:$(shell head -c 32 /dev/urandom | base64 | tr -d '\n') \
	DATABASE_URL=postgres://cedrina:check@127.0.0.1/cedrina REDIS_URL=redis://127.0.0.1/0 \
	PUBLIC_URL=https://id.example.org ALLOWED_HOSTS=id.example.org \
	EMAIL_URL=smtp://127.0.0.1 DEFAULT_FROM_EMAIL=cedrina@example.org

.DEFAULT_GOAL := help
.PHONY: help run demo screenshots test test-quick check bench bench-check load chaos image image-check upgrade-test lock messages venv
.PHONY: check-lint check-format check-types check-imports check-deploy check-migrations check-openapi \
	check-configuration check-templates check-translations check-locks

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

venv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found. Install it, or name it: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -m cedrina.tooling.embedded.install

run: venv ## Start everything on this machine; Ctrl-C ends it, the data stays in .data
	@exec $(PY) -m cedrina.tooling.development

demo: venv ## Tell the story of a stolen refresh token, or play an attack: make demo ATTACK=stuffing
	@exec $(if $(ATTACK),env ATTACK=$(ATTACK)) $(PY) -m cedrina.tooling.demo $(ARGS)

screenshots: venv ## Take every page, light, dark, right to left, desktop and phone: make screenshots ARGS='--only "admin-*"'
	@exec $(PY) -m cedrina.tooling.screenshots $(ARGS)

# Twice the cores: half of the tests' time is waiting, for an outage to pass or a deadline to come. The quick ones compute.
test: WORKERS ?= 4
test: venv ## Run all tests; some of them: make test ARGS="tests/tokens -k rotate"
	@exec $(PYTEST) $(ARGS)

test-quick: WORKERS ?= 3
test-quick: venv ## Run the tests that start no process, with few examples of each property
	@HYPOTHESIS_PROFILE=quick exec $(PYTEST) -m "not process and not browser and not serial and not slow" $(ARGS)

bench: venv ## Measure against the peers, side by side
	@$(WITH_SERVERS) --redis --durable -- $(PY) benchmarks/run.py $(ARGS)
	@$(WITH_SERVERS) --redis -- $(PY) benchmarks/limiter.py
	@$(PY) benchmarks/access_decisions.py
	@$(PY) benchmarks/policy_impact.py
	@$(WITH_SERVERS) --redis --durable -- $(PY) benchmarks/access_calls.py --cerbos
	@$(WITH_SERVERS) --redis --durable -- $(PY) benchmarks/event_hints.py
	@$(WITH_SERVERS) --redis --durable -- $(PY) benchmarks/sockets.py
	@$(WITH_SERVERS) --durable -- $(PY) benchmarks/detection_delay.py
	@exec $(WITH_SERVERS) --durable -- $(PY) benchmarks/detection.py --events 1000000

load: venv ## Play load scenarios against a server of one's own: make load ARGS="--only soak"
	@exec $(WITH_SERVERS) --durable -- $(PY) benchmarks/load/run.py $(ARGS)

chaos: venv ## Break what a server needs, and show what each fault cost beside its goal
	@exec env -u PYTHONDONTWRITEBYTECODE $(WITH_SERVERS) --redis -- $(PY) benchmarks/chaos.py $(ARGS)

bench-check: venv ## Fail when Cedrina got worse against its peers than pinned; about five minutes
	@exec $(WITH_SERVERS) --redis --durable -- $(PY) benchmarks/check.py $(ARGS)

image: venv ## Build the image with docker, podman or buildah, and list its components; BASE, BUILDER, BUILD_OPTIONS
	@PYTHON=$(PY) exec sh deploy/image/build.sh

image-check: venv ## Run the image as in production, unprivileged on a read-only root, and sign in to it
	@exec $(WITH_SERVERS) --redis -- $(PY) deploy/image/sign_in.py

upgrade-test: WORKERS ?= 1
upgrade-test: venv ## Upgrade the former release to this one while people use it; see what migrations lock
	@exec $(PYTEST) tests/deployment/test_upgrade.py tests/deployment/test_migration_locks.py $(ARGS)

lock: venv ## Lock the requirements anew, with hashes
	@cd requirements && for name in base prod telemetry dev load; do \
		echo "requirements/$$name.txt"; ../$(LOCK) $$name.in -o $$name.txt || exit 1; done
	@echo "Run any target: it installs what changed."

messages: venv ## Bring the catalogues in locale/ up to date and say what is still to be translated
	@exec $(PY) manage.py translations update

check: venv ## Lint, types, imports, settings, migrations, committed documents and translations
	@$(MAKE) --no-print-directory --keep-going check-lint check-format check-types check-imports check-deploy \
		check-migrations check-openapi check-configuration check-templates check-translations check-locks \
		|| { echo "make check: not clean. Each step above says what to do."; exit 1; }
	@echo "make check: clean."

# $(call step,what,command,what to do when it fails)
step = echo "- $(1)"; $(2) || { echo "  $(3)"; exit 1; }

check-lint:
	@$(call step,ruff check,.venv/bin/ruff check --quiet .,Mend it; some of it mends itself: .venv/bin/ruff check --fix)

check-format:
	@$(call step,ruff format,.venv/bin/ruff format --quiet --check . ,Run .venv/bin/ruff format and look at the difference.)

check-types:
	@$(call step,mypy,.venv/bin/mypy --no-error-summary,Mend the types; an ignore needs its code and a reason.)

check-imports:
	@$(call step,import-linter,.venv/bin/lint-imports --no-logo,Move the code or call downwards: docs/development.md says which app may know which.)

check-deploy:
	@$(call step,manage.py check --deploy,$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING,Production would start unsafe: mend the setting that the check names.)

check-migrations:
	@$(call step,migrations,$(WITH_SERVERS) -- $(PY) manage.py makemigrations --check --dry-run,Run manage.py makemigrations --name and commit what it wrote.)

check-openapi:
	@$(call step,docs/openapi.json,$(PY) manage.py write_openapi_document --check,The contract changed. If that is meant: run manage.py write_openapi_document and write a line in CHANGELOG.md.)

check-configuration:
	@$(call step,docs/configuration.md,$(PY) manage.py write_configuration_doc --check,Run manage.py write_configuration_doc and commit the page.)

check-templates:
	@$(call step,templates,if find . -path ./.venv -prune -o -path ./.data -prune -o -name '*.html' -print | grep -q .; then \
		.venv/bin/djlint --quiet --lint --extension html accounts cedrina cedrina_base ratelimiting security_events templates tokens; fi,Mend what djlint names.)

check-translations:
	@$(call step,translations,$(PY) manage.py translations check,Run make messages and translate in locale/ what it names: docs/translating.md.)

check-locks:
	@$(call step,locked requirements,! grep -nE '^[A-Za-z0-9].*[^\\]$$' requirements/*.txt,These packages have no hash. Run make lock and commit requirements/*.txt.)
