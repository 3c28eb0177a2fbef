#!/bin/sh
# What `make cloud` needs and a machine may lack, into .cloud/ and, by root, from Debian: containers, PostgreSQL, linters.
set -eu
missing() {
    for pair in podman:podman buildah:buildah runc:runc mmdebstrap:mmdebstrap systemd-nspawn:systemd-container \
        /usr/libexec/podman/catatonit:catatonit shellcheck:shellcheck /usr/lib/postgresql/15/bin/postgres:postgresql-15 \
        ip:iproute2 iptables:iptables; do
        command -v "${pair%:*}" > /dev/null || echo "${pair#*:}"
    done
}
packages=$(missing | tr '\n' ' ')
if [ -n "$packages" ]; then
    apt-get update -qq
    # shellcheck disable=SC2086  # a list
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages > /dev/null
fi
for tool in terraform gcloud; do
    command -v "$tool" > /dev/null || echo "no $tool here: what needs it is skipped, and says so" >&2
done
python3 -m venv .cloud/venv
.cloud/venv/bin/pip install --quiet --disable-pip-version-check -r tests/cloud/requirements.txt
