#!/bin/sh
# The first of three commands:  sh deploy/bootstrap.sh PROJECT BILLING
# Makes of a Google project what Cloud Build and Terraform need: the services, the state's bucket, the registry, the secrets.
# Run it again whenever it was cut short; what is there stays as it is, secrets too.
set -eu
project=$1 billing=$2
folder=$(cd "$(dirname "$0")" && pwd)
state=gs://$project-terraform
settings=$folder/terraform.tfvars

gcloud projects describe "$project" > /dev/null 2>&1 || gcloud projects create "$project"
gcloud billing projects link "$project" --billing-account="$billing" > /dev/null
gcloud services enable --project="$project" \
    artifactregistry.googleapis.com billingbudgets.googleapis.com cloudbuild.googleapis.com cloudresourcemanager.googleapis.com \
    compute.googleapis.com iam.googleapis.com iamcredentials.googleapis.com iap.googleapis.com logging.googleapis.com \
    monitoring.googleapis.com run.googleapis.com secretmanager.googleapis.com servicenetworking.googleapis.com \
    sqladmin.googleapis.com sts.googleapis.com
gcloud storage buckets describe "$state" > /dev/null 2>&1 \
    || gcloud storage buckets create "$state" --project="$project" --location="${REGION:-europe-southwest1}" \
        --uniform-bucket-level-access --public-access-prevention
gcloud storage buckets update "$state" --versioning > /dev/null

if ! [ -s "$settings" ]; then
    number=$(gcloud projects describe "$project" --format="value(projectNumber)") # each by itself: else a failure would be no end
    account=$(gcloud config get account)
    proxy=gcr.io/cloud-sql-connectors/cloud-sql-proxy
    digest=$(gcloud container images list-tags "$proxy" --filter="tags:2" --limit=1 --format="value(digest)")
    cat > "$settings.new" << END
project         = "$project"
project_number  = "$number"
billing_account = "$billing"
region          = "${REGION:-europe-southwest1}"
alert_email     = "$account"
operators       = ["user:$account"]
sql_proxy       = "$proxy@${digest:?no tag 2 of $proxy; run this again}"
END
    # beside the state lie those that were applied last, if ever: they come before what was made up here
    gcloud storage cp "$settings.new" "$state/terraform.tfvars" --no-clobber
    gcloud storage cp "$state/terraform.tfvars" "$settings"
    rm "$settings.new"
fi
region=$(sed -n 's/^region *= *"\(.*\)"/\1/p' "$settings")

terraform -chdir="$folder" init -input=false -backend-config="bucket=${state#gs://}"
# no image is built yet, and none of these asks for one
none=$region-docker.pkg.dev/$project/footfall/footfall@sha256:$(printf '%064d' 0)
terraform -chdir="$folder" apply -input=false -auto-approve -target=terraform_data.ground -var "image=$none"

secret() { # NAME, value by standard input; only where it has none yet
    versions=$(gcloud secrets versions list "$1" --project="$project" --limit=1 --format="value(name)")
    [ -n "$versions" ] || gcloud secrets versions add "$1" --project="$project" --data-file=-
}
random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
random | secret mlflow-database-password
random | secret prefect-database-password
printf 'footfall:%s' "$(random)" | secret prefect-auth-string
# some projects may build in six regions alone, of which this is one; the image goes to the registry all the same
echo "Now:  gcloud beta builds submit --project=$project --region=europe-west1 --config=deploy/cloudbuild.yaml" \
    "--gcs-source-staging-dir=gs://$project-source/source" \
    "--substitutions=_COMMIT=\$(sh deploy/commit.sh),_IMAGE=${none%@*}"
