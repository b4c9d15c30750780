#!/bin/sh
# Make the Python environment $1 from the lock; neither pip nor setuptools get into it.
set -eu
venv=$1
python3 -m venv --without-pip "$venv"
python3 -m pip --python "$venv/bin/python" install --quiet --no-cache-dir --no-compile --no-deps \
    --require-hashes --only-binary :all: -r /build/requirements.lock
python3 -m pip --python "$venv/bin/python" check
rm -r "$venv/include" "$venv/.gitignore"
