#!/bin/sh
# The last step on the system: the user, the data directory, and nothing left of the build.
set -eu
groupadd --gid 10001 zoe
useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home --shell /bin/sh --comment "Zoe" zoe
# Any user that `docker run --user` names may write to a new volume, as in /tmp.
install -d -m 1777 /data
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
rm -rf /build /etc/apt/apt.conf.d/95host /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old \
    /var/cache/ldconfig/* /var/lib/dpkg/*-old /var/log/* /tmp/* /root/.[!.]*
