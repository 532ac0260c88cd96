.PHONY: check quick format lint types layers docstrings published test fix statistics mutants unreached lock

check: format lint types layers docstrings published test  ## the one definition of green

quick: format lint types layers  ## what a commit is held to

format:
	ruff format --check .

lint:
	ruff check .

types:
	mypy

layers:
	lint-imports

docstrings:
	python -m pytest -q -n auto tests/test_docstrings.py

published:  ## hold the embedded cohort against every number the paper printed
	python -m allsurv reconstruct --check

test:
	python -m pytest -n auto

fix:  ## format and mend what can be mended
	ruff check --fix .
	ruff format .

statistics:  ## write docs/statistics.md from the comparisons with R
	python -m pytest -q -n auto tests/stats tests/describe tests/models tests/reproduction tests/zoo/test_zoo.py --ignore tests/stats/test_statistics_page.py --write-statistics

mutants:  ## write docs/mutants.md: single changes of the code, tried against the tests that reach them
	PYTHONPATH=tests python -m mutants $(MUTANTS)

unreached:  ## list the refusals (raise, Fault, Violation) that no test reaches
	PYTHONPATH=tests python -m mutants --unreached $(MUTANTS)

lock:  ## resolve the ranges of pyproject.toml anew
	uv pip compile pyproject.toml --extra all --universal --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	uv pip compile pyproject.toml --extra all --group dev --universal --generate-hashes --no-emit-index-url --no-header -c requirements.lock -o requirements-dev.lock
	echo 'pyspark>=4.0' | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-spark.lock
