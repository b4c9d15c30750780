#!/bin/sh
# Take out of the Python environment $1 what nothing that runs ever reads, and compile the rest.
set -eu
venv=$1
cd "$venv"/lib/python3.*/site-packages

find . -name '*.so' -type f -exec strip --strip-unneeded {} +
# The packages' own tests, and the harnesses for them (prefect/testing is for users and stays).
find . -mindepth 2 -maxdepth 2 -type d -name tests -exec rm -r {} +
rm -r sqlalchemy/testing alembic/testing mako/testing
# What extension modules were compiled from.
find . -type f \( -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.pxd' -o -name '*.pyx' \) -delete

# Compiled once, here. Not checked against the sources at run time: the image is read-only, and times need not
# survive a copy. Some large groups of modules of which hardly any is ever imported stay as sources: they work, and
# only the first import of one in a process takes some milliseconds more.
compile() { "$venv/bin/python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$@"; }
lexers=pygments/lexers
compile -x "$lexers/|pygments/styles/|dateparser/data/date_|sqlalchemy/dialects/(mssql|mysql|oracle)/|/(cffi|pycparser)/|rich_rst/_vendor/" "$PWD"
compile "$PWD/$lexers/__init__.py" "$PWD/$lexers/_mapping.py" "$PWD/$lexers/python.py" "$PWD/pygments/styles/__init__.py" \
    "$PWD/pygments/styles/_mapping.py"
