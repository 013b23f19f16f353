# Two commands do everything on a fresh machine with Python (3.11 or newer) and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# The locks of checks that need torch for processors.
CPU_LOCK = uv pip compile --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	--find-links "$$(pip config get global.find-links)" --index-strategy unsafe-best-match \
	--generate-hashes --no-header --no-annotate

.PHONY: demo test check format docs lock clean

demo: $(READY)
	$(BIN)/synth run demo

test: $(READY)
	$(BIN)/pytest -n 2

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Names, versions and hashes only: where packages come from is the machine's business.
$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements.txt
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --no-index -e .
	touch $(READY)

# What README and docs/ have from the code.
docs: $(READY)
	$(BIN)/python -m docs.generate

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.txt
	uv pip compile pyproject.toml .ci/browser.in -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o .ci/browser.txt
	$(CPU_LOCK) pyproject.toml .ci/vllm.in --override .ci/vllm.overrides -o .ci/vllm.txt
	$(CPU_LOCK) pyproject.toml .ci/train-trl.in --override .ci/train.overrides -o .ci/train-trl.txt
	$(CPU_LOCK) .ci/train-llamafactory.in --override .ci/train.overrides -o .ci/train-llamafactory.txt
	$(CPU_LOCK) .ci/train-swift.in --override .ci/train.overrides -o .ci/train-swift.txt

clean:
	rm -rf .venv .venv-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
