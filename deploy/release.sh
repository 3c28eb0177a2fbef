#!/bin/sh
# The third of three commands, and every release after it:  sh deploy/release.sh IMAGE
# In two steps, since Terraform takes the old machine away before it begins with what the new one waits for: where the
# migration fails, or MLflow does not come up, the second is not begun and the old machine goes on. What stands behind
# IMAGE goes to the second, such as -replace=google_compute_instance.machine.
set -eu
image=$1
shift
folder=$(dirname "$0")
settings=$folder/terraform.tfvars
kept=gs://$(sed -n 's/^project *= *"\(.*\)"/\1/p' "$settings")-terraform/terraform.tfvars
gcloud storage cat "$kept" | diff - "$settings" || echo "so differ the settings applied last, $kept, and those here, $settings"
terraform -chdir="$folder" apply -var image="$image" -target=google_cloud_run_v2_service.mlflow
terraform -chdir="$folder" apply -var image="$image" "$@"
gcloud storage cp "$settings" "$kept"
