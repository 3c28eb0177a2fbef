#!/bin/sh
# make run, or make test, from the last commit, on a Debian with Python, make and certificates and nothing else, no git either:
#     sh tests/fresh_machine.sh run trixie /tmp/trixie [MIRROR]
# Needs root and mmdebstrap. Names, certificates and pip's settings are this machine's; the folder stays, nothing is mounted.
set -eu
target=$1 suite=$2 root=$3 mirror=${4:-}
mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,make,ca-certificates "$suite" "$root" $mirror
mkdir "$root/root/footfall"
git -C "$(dirname "$0")/.." archive HEAD | tar -x -C "$root/root/footfall"
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$file" ] || cp -L "$file" "$root$file"
done
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec unshare --mount --pid --fork --kill-child sh -euc '
    for folder in dev sys; do mount --rbind "/$folder" "$0/$folder"; done
    mount -t proc proc "$0/proc"
    exec chroot "$0" sh -c "cd /root/footfall && make $1"' "$root" "$target"
