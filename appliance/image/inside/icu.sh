#!/bin/sh
# Write to $1 the library libicudata without what PostgreSQL never asks of it: names of languages, regions,
# time zones, units and currencies. All collations,
# converters, break, normalisation and case rules stay, so databases behave as they do with the whole library.
set -eu
target=$1
library=$(readlink -f "$(ldconfig -p | sed -n 's/.*libicudata\.so\.[0-9]* .*=> //p')")
version=$(basename "$library" | sed 's/libicudata\.so\.\([0-9]*\)\..*/\1/')
work=$(mktemp -d)
cd "$work"

objcopy -O binary --only-section=.rodata "$library" "icudt${version}l.dat"
# What stays of these trees is what the others inherit from and the index of what there is.
icupkg -l "icudt${version}l.dat" | grep -E '^(lang|region|zone|unit|curr|translit|rbnf)/' \
    | grep -vE '/(root|pool|res_index|supplementalData|en)\.res$' > leave-out.txt
mkdir small
icupkg -r leave-out.txt "icudt${version}l.dat" "small/icudt${version}l.dat"
cat > data.s <<EOF
    .section .rodata
    .balign 16
    .globl icudt${version}_dat
    .type icudt${version}_dat, %object
icudt${version}_dat:
    .incbin "small/icudt${version}l.dat"
    .size icudt${version}_dat, . - icudt${version}_dat
    .section .note.GNU-stack,"",%progbits
EOF
as -o data.o data.s
mkdir -p "$target$(dirname "$library")"
ld -shared -soname "libicudata.so.$version" -o "$target$library" data.o
rm -r "$work"
