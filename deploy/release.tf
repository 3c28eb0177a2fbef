# What must be there before there is an image: where images and secrets lie, and who builds. deploy/bootstrap.sh applies these
# alone, by the name of terraform_data.ground, and then fills in the secrets; their values are in no file and no state.
resource "google_artifact_registry_repository" "images" {
  location      = var.region
  repository_id = "footfall"
  format        = "DOCKER"
  description   = "One image: worker, Prefect server, MLflow server, migration."

  docker_config {
    immutable_tags = true
  }
}

resource "google_artifact_registry_repository_iam_member" "registry" {
  for_each = {
    build   = "roles/artifactregistry.writer"
    machine = "roles/artifactregistry.reader" # Cloud Run reads images by an account of its own
  }
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = each.value
  member     = google_service_account.account[each.key].member
}

locals {
  secrets = { # and who may read each
    mlflow-database-password  = "mlflow"
    prefect-database-password = "machine"
    prefect-auth-string       = "machine"
    alert-url                 = "machine"
    worker-variables          = "machine"
  }
}

resource "google_secret_manager_secret" "secret" {
  for_each  = local.secrets
  secret_id = each.key
  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = local.secrets
  secret_id = google_secret_manager_secret.secret[each.key].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.account[each.value].member
}

resource "google_secret_manager_secret_iam_member" "operator" { # Prefect's page asks for it
  for_each  = toset(var.operators)
  secret_id = google_secret_manager_secret.secret["prefect-auth-string"].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value
}

resource "terraform_data" "ground" {
  input = [
    google_artifact_registry_repository_iam_member.registry["build"].id,
    google_project_iam_member.role["build roles/logging.logWriter"].id,
    google_storage_bucket_iam_member.grant["build reads source"].id,
    [for secret in google_secret_manager_secret.secret : secret.id],
  ]
}

# GitHub's workflow sends commits to Cloud Build, without a key: main of one repository and nobody else.
locals {
  github = var.github_repository == "" ? 0 : 1
}

resource "google_iam_workload_identity_pool" "github" {
  count                     = local.github
  workload_identity_pool_id = "github"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count                              = local.github
  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_mapping                  = { "google.subject" = "assertion.sub", "attribute.repository" = "assertion.repository" }
  attribute_condition                = "assertion.repository == '${var.github_repository}' && assertion.ref == 'refs/heads/main'"
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "github" {
  count        = local.github
  account_id   = "footfall-github"
  display_name = "GitHub's workflow on main"
}

resource "google_service_account_iam_member" "github" {
  for_each = var.github_repository == "" ? {} : {
    # by the repository's name: a token's subject has numbers in it where the repository was made after 15 July 2026
    "it is the workflow" = [google_service_account.github[0].name, "roles/iam.workloadIdentityUser",
    "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/attribute.repository/${var.github_repository}"]
    "it may ask for a build" = [google_service_account.account["build"].name, "roles/iam.serviceAccountUser", google_service_account.github[0].member]
  }
  service_account_id = each.value[0]
  role               = each.value[1]
  member             = each.value[2]
}

locals {
  github_roles = [
    "roles/cloudbuild.builds.editor", "roles/serviceusage.serviceUsageConsumer", # both are asked for by `gcloud builds`
    "roles/logging.viewer",                                                      # what the build says, its digest last
  ]
}

resource "google_project_iam_member" "github" {
  for_each = toset(var.github_repository == "" ? [] : local.github_roles)
  project  = var.project
  role     = each.value
  member   = google_service_account.github[0].member
}

resource "google_storage_bucket_iam_member" "github" { # gcloud asks whether the bucket is there before it sends anything
  for_each = toset(var.github_repository == "" ? [] : ["roles/storage.objectUser", "roles/storage.legacyBucketReader"])
  bucket   = google_storage_bucket.bucket["source"].name
  role     = each.value
  member   = google_service_account.github[0].member
}
