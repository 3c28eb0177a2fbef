"""Terraform with a stand-in for Google's provider, on a copy of ``deploy/``."""

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".cloud"  # what tests/cloud/setup.sh makes
VERSION = "6.50.0"
PROVIDER = f"registry.terraform.io/hashicorp/google/{VERSION}/linux_amd64/terraform-provider-google_v{VERSION}"
STAND_IN = f'#!/bin/sh\nexec {TOOLS}/venv/bin/python {Path(__file__).with_name("google_provider.py")} "$@"\n'


def mirror(folder):
    """A mirror with the stand-in, and Terraform's settings that lead to it."""
    (folder / PROVIDER).parent.mkdir(parents=True)
    (folder / PROVIDER).write_text(STAND_IN)
    (folder / PROVIDER).chmod(0o755)
    settings = folder / "terraformrc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{folder}" }}\n}}\n')
    return settings


class Terraform:
    """A copy of ``deploy/`` that may be altered, and Terraform in it."""

    def __init__(self, folder, settings):
        self.folder = folder / "deploy"
        self.environment = os.environ | {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1"}
        shutil.copytree(ROOT / "deploy", self.folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfvars"))
        done = self("init", "-backend=false", "-input=false")
        assert done.returncode == 0, done.stderr

    def __call__(self, *words):
        command = ["terraform", f"-chdir={self.folder}", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def test(self):
        """Its own tests: the exit code, what they said, and the plans that they made, by the names of the runs."""
        done = self("test", "-json", "-verbose")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        plans = {line["@testrun"]: line["test_plan"] for line in lines if line["type"] == "test_plan"}
        said = "\n".join(line["diagnostic"]["detail"] for line in lines if line["type"] == "diagnostic")
        return done.returncode, said or done.stderr, plans
