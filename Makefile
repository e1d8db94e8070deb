# Everything that is done with this repository. Each target installs what it needs by itself, once:
# tools/bootstrap.sh makes .venv from the lock files. ARGS=… is passed on to the command behind a target.

PYTHON_ENV := .venv/bin/python
BOOTSTRAP := sh tools/bootstrap.sh
ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lab chaos lint format bench bench-scale wheel offline test-wheel lock docs clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: ## audit a small real city on this machine's loopback addresses
	@$(BOOTSTRAP) run nmap=nmap
	@$(PYTHON_ENV) -m auditor.city demo $(ARGS)

test: ## the tests (some minutes; needs no root)
	@$(BOOTSTRAP) dev nmap=nmap openssl=openssl
	$(PYTHON_ENV) -m pytest -n 2 --dist loadgroup -m "not lab" $(ARGS)

lab: ## the tests against real counterparts in network namespaces (root)
	@$(BOOTSTRAP) dev $(LAB_PROGRAMS)
	$(PYTHON_ENV) -m pytest -m lab $(ARGS)
	$(PYTHON_ENV) -m tests.lab.postgresql_suite $(ARGS)

chaos: ## 200 runs of the example city while things are killed (root; an hour and a half)
	@$(BOOTSTRAP) dev $(LAB_PROGRAMS)
	$(PYTHON_ENV) -m tests.chaos $(ARGS)

# program=package, so that nothing is installed that is there already.
LAB_PROGRAMS := nmap=nmap ip=iproute2 nft=nftables soffice=libreoffice-writer localc=libreoffice-calc \
	pdftotext=poppler-utils chromium=chromium node=nodejs npm=npm promtool=prometheus \
	prometheus-alertmanager=prometheus-alertmanager snmpd=snmpd sshd=openssh-server \
	/usr/lib/rabbitmq/bin/rabbitmq-server=rabbitmq-server \
	systemd-analyze=systemd strace=strace openssl=openssl go=golang-go \
	/usr/share/gocode/src/github.com/vmware/govmomi=golang-github-vmware-govmomi-dev \
	/usr/lib/postgresql/15/bin/postgres=postgresql-15 \
	/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc=fonts-noto-cjk

lint: ## ruff, mypy --strict, import-linter
	@$(BOOTSTRAP) dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: ## what ruff can mend by itself
	@$(BOOTSTRAP) dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: ## the table of speeds (root for the network part; an hour at most)
	@$(BOOTSTRAP) dev nmap=nmap ip=iproute2 nft=nftables
	$(PYTHON_ENV) -m benchmarks $(ARGS)

bench-scale: ## a made-up province of 10⁵, 10⁶ and 10⁷ assets, measured (an hour; ARGS=--sizes=1e5: some minutes)
	@$(BOOTSTRAP) dev
	$(PYTHON_ENV) -m benchmarks.scale $(ARGS)

wheel: ## dist/*.whl
	@$(BOOTSTRAP) dev
	$(PYTHON_ENV) -m build --no-isolation --wheel $(ARGS)

offline: ## dist/auditor-*-offline-*.tar.gz: to install and upgrade where there is no network
	@$(BOOTSTRAP) dev
	$(PYTHON_ENV) -m tools.offline $(ARGS)

test-wheel: ## the whole quick suite against the installed wheel, outside this folder
	@$(BOOTSTRAP) dev nmap=nmap openssl=openssl
	WHEEL_SUITE=whole $(PYTHON_ENV) -m pytest -rP tests/test_wheel.py $(ARGS)

docs: ## write the generated pages anew
	@$(BOOTSTRAP) dev
	$(PYTHON_ENV) -m tools.commands_page
	$(PYTHON_ENV) -m inventories.dictionary
	$(PYTHON_ENV) -m inventories.infer.page
	$(PYTHON_ENV) -m inventories.registers.schema
	$(PYTHON_ENV) -m tools.packs_page
	$(PYTHON_ENV) -m tools.metrics_page
	$(PYTHON_ENV) -m reports.prometheus.pages
	$(PYTHON_ENV) -m reports.grafana
	$(PYTHON_ENV) -m tools.paper_templates

lock: ## write the lock files anew (UPGRADE=1 takes the newest versions)
	@sh tools/lock.sh

clean: ## remove what the other targets made
	rm -rf .venv .venv-lock build dist .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
