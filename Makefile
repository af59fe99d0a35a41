# What a person and CI run. Each target installs what it needs; the second time is quick.
.PHONY: demo test check fuzz clean bench-decide bench-ledger bench-redact bench-forget

# Tell the whole story in `demo/`: simulated, or on a Stack Exchange dump with DATA=DIR.
demo:
	@bash scripts/set-up.sh run
	.venv/bin/assent demo $(if $(DATA),--data "$(DATA)")

# Run every test that this machine can run; what is left out is named with its reason.
test:
	@bash scripts/set-up.sh dev
	@bash scripts/system-packages.sh
	.venv/bin/python -m pytest -n 2 --dist loadfile

# Check format, lint, types, floors, and that the generated docs are current.
check:
	@bash scripts/set-up.sh dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy src scripts
	.venv/bin/python -m pytest -q tests/test_floors.py
	.venv/bin/python scripts/make_cli_docs.py --check

# Give the verifier what nobody should: 5 minutes, or `ARGS="--seconds 60"`. What it finds
# is kept in `fuzz-found/`, and the exit code is not 0.
fuzz:
	@bash scripts/set-up.sh dev
	PYTHONPATH=src:tests .venv/bin/python tests/fuzz/fuzz_bundle.py $(ARGS)

# Decide 1, 3, 10 and 30 million documents beside the limits and the peers: about 40
# minutes and 30 GB of disk. Smaller: `ARGS="--sizes 1 --runs 3"`.
bench-decide:
	@bash scripts/set-up.sh dev
	.venv/bin/python benchmarks/decide.py $(ARGS)

# Append, import, publish, commit, prove and verify, beside pymerkle: about 20 minutes.
# Smaller: `ARGS="--scale 0.05 --runs 1"`.
bench-ledger:
	@bash scripts/set-up.sh dev
	@bash scripts/system-packages.sh
	.venv/bin/python benchmarks/ledger.py $(ARGS)

# Redact 5 MB beside the peers, whose environment it makes: about 15 minutes.
# Smaller: `ARGS="--scale 0.05 --runs 1"`.
bench-redact:
	@bash scripts/set-up.sh dev
	@bash scripts/set-up.sh peers
	.venv/bin/python benchmarks/redact.py $(ARGS)

# Forget a hundred people, and measure what that costs and leaves: about 15 minutes; what
# shards cost in text, and the base for it: about 90 more.
# Smaller: `ARGS="--scale 0.1 --only hashes cost"`.
bench-forget:
	@bash scripts/set-up.sh dev
	.venv/bin/python benchmarks/forget.py $(ARGS)

# Remove all that these commands made: the environment, the demo, builds and caches.
clean:
	rm -rf .venv .venv-peers demo build dist fuzz-found .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests scripts -depth -name '__pycache__' -exec rm -rf {} +
	rm -rf src/*.egg-info
