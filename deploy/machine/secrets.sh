#!/bin/sh
# The secrets, from Secret Manager into memory, by this machine's identity: one file for each container that needs any.
set -eu
# shellcheck source=/dev/null
. /etc/footfall/settings.env
umask 077
mkdir -p /run/footfall
metadata=http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token
token=$(curl -fsS --retry 20 --retry-delay 2 --retry-all-errors -H 'Metadata-Flavor: Google' "$metadata" \
    | sed 's/.*"access_token": *"\([^"]*\)".*/\1/')

secret() { # its newest version, empty where there is none; the token goes by standard input, where no list of processes shows it
    reply=$(printf 'header = "Authorization: Bearer %s"\n' "$token" \
        | curl -sS --retry 5 -K - --write-out '%{http_code}' "$SECRETS/$1/versions/latest:access") || return 1
    case $reply in
        *200) printf %s "${reply%200}" | tr -d ' \n' | sed 's/.*"data":"\([^"]*\)".*/\1/' | base64 -d ;;
        *404) ;;
        *) echo "Secret Manager on $1: ${reply:-nothing}" >&2 && return 1 ;;
    esac
}

auth=$(secret prefect-auth-string)
password=$(secret prefect-database-password)
alerts=$(secret alert-url) # empty until there is one; footfall doctor says so
variables=$(secret worker-variables) # NAME=VALUE lines, such as OPEN_METEO_KEY; empty until there are any
: "${auth:?Secret Manager gave no prefect-auth-string}" "${password:?Secret Manager gave no prefect-database-password}"
printf 'PREFECT_SERVER_API_AUTH_STRING=%s\nPGPASSWORD=%s\n' "$auth" "$password" > /run/footfall/prefect.env
printf 'PREFECT_API_AUTH_STRING=%s\nFOOTFALL_ALERT_URL=%s\n%s\n' "$auth" "$alerts" "$variables" > /run/footfall/worker.env
