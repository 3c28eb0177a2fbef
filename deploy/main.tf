# All of it in one root; the state lies in a bucket that deploy/bootstrap.sh makes, and so does terraform.tfvars beside this,
# which deploy/release.sh keeps there as it was applied last.
terraform {
  required_version = ">= 1.11, < 2"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "6.50.0"
    }
  }
  backend "gcs" {
    prefix = "footfall"
  }
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project # budgets are asked for in its name
  user_project_override = true
}

locals {
  zone       = "${var.region}-b"
  mlflow_url = "https://mlflow-${var.project_number}.${var.region}.run.app" # as Cloud Run names it, before it is there
  registry   = "${var.region}-docker.pkg.dev/${var.project}/footfall"
}
