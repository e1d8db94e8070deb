#!/bin/sh
# Writes the lock files: exact versions with the hash of every file that the index offers for them.
# `make lock` runs it; .venv-lock is its own environment, so that the locked one stays as locked.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
[ -x .venv-lock/bin/uv ] || {
    "$python" -m venv .venv-lock
    .venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
}

# One resolution for every platform and Python that pyproject.toml allows; neither the index's address nor
# the path of a local folder may get into a file that others install from.
compile() {
    out=$1
    shift
    .venv-lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --quiet \
        --custom-compile-command "make lock" --output-file "$out" ${UPGRADE:+--upgrade} "$@"
}

# UPGRADE=1 takes the newest versions; without it, only what pyproject.toml changed moves.
compile requirements.lock pyproject.toml --extra demo
compile requirements-build.lock --group build --constraint requirements.lock
compile requirements-dev.lock pyproject.toml --extra demo --extra windows --group dev --group build \
    --constraint requirements.lock --constraint requirements-build.lock
