output "mlflow" {
  value       = local.mlflow_url
  description = "MLflow; people come by `gcloud run services proxy mlflow --region REGION`."
}

output "image" {
  value       = var.image
  description = "The release in service; to go back, deploy/release.sh with the one before."
}

output "github" {
  value = var.github_repository == "" ? {} : {
    provider = google_iam_workload_identity_pool_provider.github[0].name
    account  = google_service_account.github[0].email
  }
  description = "What GitHub's workflow needs to know, as variables of the repository."
}
