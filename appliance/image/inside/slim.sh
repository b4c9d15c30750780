#!/bin/sh
# Take out of the environment $1 what nothing that runs ever reads.
set -eu
cd "$1"
find . -name '*.so' -type f -exec strip --strip-unneeded {} +
