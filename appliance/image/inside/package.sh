#!/bin/sh
# Build Zoe's wheel from the source tree $1 and install it below $2 as it will stand in the image.
set -eu
source=$1
target=$2
python3 -m pip wheel --quiet --no-cache-dir --no-deps --no-build-isolation --no-index --wheel-dir /build/wheel "$source"
python3 -m pip --python /opt/zoe/bin/python install --quiet --no-cache-dir --no-compile --no-deps --no-index \
    --root "$target" /build/wheel/*.whl
/opt/zoe/bin/python -m compileall -q -s "$target" --invalidation-mode unchecked-hash "$target/opt/zoe/lib"
