#!/bin/sh
# Unpack PostgreSQL's and git's packages into $1 and keep what a server, a backup and a checkout need.
# They are no dpkg-installed packages then; $1/var/lib/dpkg/status.d names them, where scanners look for such files.
set -eu
target=$1
postgres=usr/lib/postgresql/17
packages=$(mktemp -d)

cd "$packages"
apt-get -q -o APT::Sandbox::User=root download postgresql-17 postgresql-client-17 git
mkdir -p "$target/var/lib/dpkg/status.d"
for package in ./*.deb; do
    dpkg-deb -x "$package" "$target"
    { dpkg-deb -f "$package"; echo "Status: install ok installed"; } \
        > "$target/var/lib/dpkg/status.d/$(dpkg-deb -f "$package" Package)"
done
rm -r "$packages"

cd "$target"
# JIT: its provider cannot load without libLLVM, and the bitcode serves nothing else.
rm -rf "$postgres/lib/bitcode" "$postgres"/lib/llvmjit*
# Build-time and SELinux-only parts, manuals, and Debian's init and cron glue, which Zoe replaces.
rm -rf "$postgres/lib/pgxs" "$postgres/lib/sepgsql.so" usr/share/postgresql/17/contrib usr/share/postgresql/17/man
rm -rf etc lib usr/share/bash-completion usr/share/lintian usr/share/locale usr/share/man usr/share/postgresql-common
find usr/share/doc -mindepth 1 ! -type d ! -name copyright -delete
find usr/share/doc -type d -empty -delete

# git: one binary instead of two, no server side, no mail, no WebDAV, nothing in Perl or for a desktop.
core=usr/lib/git-core
for tool in daemon http-backend shell http-push imap-send instaweb subtree filter-branch quiltimport request-pull web--browse; do
    rm -f "$core/git-$tool"
done
rm -rf "$core/scalar" "$core/mergetools" "$core"/git-mergetool* "$core"/git-difftool--helper \
    usr/bin/scalar usr/bin/git-shell usr/share/gitweb usr/share/perl5 usr/share/git-core/contrib var/lib/git
grep -rlIE '^#! ?/usr/bin/(env )?perl' "$core" usr/bin | xargs -r rm -f
cmp -s usr/bin/git "$core/git" && ln -sf ../../bin/git "$core/git"
# Links to a command that is gone.
find usr -xtype l -lname '[!/]*' -delete
