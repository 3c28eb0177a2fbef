#!/bin/sh
# A user of the database by the password that Secret Manager has: made, or given the new one. For as long as gcloud runs, the
# password stands in this machine's list of processes: gcloud takes it in no other way from a script.
set -eu
project=$1 instance=$2 user=$3
password=$(gcloud secrets versions access latest --project="$project" --secret="$user-database-password")
command=create
[ -z "$(gcloud sql users list --project="$project" --instance="$instance" --filter="name=$user" --format="value(name)")" ] \
    || command=set-password
gcloud sql users "$command" "$user" --project="$project" --instance="$instance" --password="$password"
