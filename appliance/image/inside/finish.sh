#!/bin/sh
# The last step on the system: the user, the data directory, and nothing left of the build.
set -eu
groupadd --gid 10001 zoe
useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home --shell /bin/sh --comment "Zoe" zoe
# ssh and initdb refuse a user id that has no name. For one that `docker run --user` makes up, the running container
# may write these two files, which name lookups read beside /etc/passwd and /etc/group.
sed -i -E 's/^(passwd|group):.*/& extrausers/' /etc/nsswitch.conf
mkdir -p /var/lib/extrausers
for name in passwd group; do
    ln -sf "/tmp/zoe/$name" "/var/lib/extrausers/$name"
done
# Any user that `docker run --user` names may write to a new volume, as in /tmp.
install -d -m 1777 /data
# Python's own tests and the topics of its interactive help.
rm -r /usr/lib/python3.*/test /usr/lib/python3.*/pydoc_data
# A hard link may come out of a copy between layers as a second file; a symbolic one is kept as it is.
for name in /usr/bin/perl5.*; do
    if cmp -s "$name" /usr/bin/perl; then ln -sf perl "$name"; fi
done
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
rm -rf /build /etc/apt/apt.conf.d/95host /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old \
    /var/cache/ldconfig/* /var/lib/dpkg/*-old /var/log/* /tmp/* /root/.[!.]*
