# dsar from a checkout. `make demo` and `make test` are all one needs to begin; each sets itself up.
.DEFAULT_GOAL := help
.PHONY: help demo test test-distributed test-lab test-hard check format bench sbom audit triage-report train encoder fuzz pictures docs translations dist clean
BIN := .venv/bin
# Side by side, before the tests that change what is in the systems.
LAB_READS := tests/lab/test_journey.py tests/lab/test_search.py

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## the whole flow on small mail servers and sample systems, into demo/
	@.ci/setup demo
	$(BIN)/dsar demo

test: ## every test; ARGS="tests/test_mime.py -x" for some
	@.ci/setup test
	$(BIN)/python -m pytest -n 3 --dist loadgroup $(ARGS)

test-distributed: ## every test with dsar's own data in PostgreSQL
	@.ci/setup test
	DSAR_TEST_DATABASE=postgresql $(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

test-lab: ## the same on real products: installs and starts them in .lab/, as root on Debian 12
	@.ci/setup test
	@tests/lab/lab.sh install
	@trap 'tests/lab/lab.sh down' EXIT; export DSAR_LAB=up LAB=$$(tests/lab/lab.sh place); tests/lab/lab.sh up && \
		$(BIN)/python -m pytest -n 2 --dist loadfile $(LAB_READS) $(ARGS) && \
		$(BIN)/python -m pytest tests/lab $(addprefix --ignore=,$(LAB_READS)) $(ARGS)

test-hard: ## the program killed, cut off and lied to at random: SECONDS=600 or FAULTS=1000, JOBS=2; SEED=17 SCENARIOS=1 for one again
	@.ci/setup test
	@[ -n "$(SEED)" ] || FAULTS_HARD=on $(BIN)/python -m pytest -q tests/faults/test_hosts.py tests/faults/test_leap.py
	@PYTHONPATH=tests $(BIN)/python -m faults.main $(foreach name,seed faults seconds scenarios jobs database,$(addprefix --$(name) ,$($(shell echo $(name) | tr a-z A-Z))))

check: ## style, types, import directions, dependencies
	@.ci/setup test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: ## put the code into its one form
	@.ci/setup test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: ## measure what the project promises about speed, into benchmarks/RESULTS.md; ARGS="--small" tries it
	@.ci/setup test
	$(BIN)/python -m pip install -qq --group bench
	@$(BIN)/python benchmarks/collect.py $(ARGS)

sbom: ## all that an installation is made of: dist/wheels with their hashes, and dist/sbom.json (CycloneDX)
	@.ci/setup test
	@.ci/audit sbom

audit: ## that, and whether any of it is known to be vulnerable
	@.ci/setup test
	@.ci/audit audit

triage-report: ## how the labelled mails are sorted, with every miss; SET=held_back for those held back
	@.ci/setup test
	@$(BIN)/python tests/mail_report.py $(or $(SET),training)

train: ## make the weights of triage anew from the labelled mails and sentences, but for the encoder's
	@.ci/setup test
	$(BIN)/python -m pip install -qq --group train
	@$(BIN)/python tests/train_rereading.py

encoder: ## train the encoder of triage anew, an hour or more; "make train" must follow
	@.ci/setup test
	$(BIN)/python -m pip install -qq --group train --group encoder
	@$(BIN)/python tests/train_encoder.py

fuzz: ## look for mails that break the readers, SECONDS=100 for each of six
	@.ci/setup test
	$(BIN)/python -m pip install -qq --group fuzz
	@for target in parser cutter headers documents containers html; do \
		$(BIN)/python tests/fuzz/with_atheris.py $$target $(or $(SECONDS),100) || exit 1; done

pictures: ## keep the pages of the letters as they look now, in tests/pictures/
	@.ci/setup test
	$(BIN)/python tests/pictures.py

docs: ## draw the pictures in docs/ anew
	@.ci/setup test
	$(BIN)/python docs/draw_states.py

translations: ## gather what is told to staff, and say what has no Swedish yet
	@.ci/setup test
	@$(BIN)/python docs/gather_texts.py

dist: ## wheel and source archive, into dist/
	@.ci/setup test
	$(BIN)/python -m build

clean: ## remove all that was made here
	rm -rf .venv dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
