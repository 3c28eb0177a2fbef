"""What `make cloud` works with: Terraform with a stand-in for its provider, and the image, made once."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".cloud"  # what tests/cloud/setup.sh makes
VERSION = "6.50.0"
STAND_IN = f'#!/bin/sh\nexec {TOOLS}/venv/bin/python {Path(__file__).with_name("google_provider.py")} "$@"\n'


def pytest_collection_modifyitems(items):
    """All that is here is for `make cloud`, but for what needs neither Terraform nor containers."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.stem not in ("test_identity", "test_image"):
            item.add_marker("cloud")


class Terraform:
    """A copy of ``deploy/`` that may be altered, and Terraform in it."""

    def __init__(self, folder, settings):
        self.folder = folder / "deploy"
        self.environment = os.environ | {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1"}
        shutil.copytree(ROOT / "deploy", self.folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfvars"))

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


@pytest.fixture(scope="session")
def terraform_in(tmp_path_factory):
    """Terraform with the provider's stand-in, in a copy of its own of ``deploy/``."""
    mirror = tmp_path_factory.mktemp("mirror")
    provider = (
        mirror / f"registry.terraform.io/hashicorp/google/{VERSION}/linux_amd64/terraform-provider-google_v{VERSION}"
    )
    provider.parent.mkdir(parents=True)
    provider.write_text(STAND_IN)
    provider.chmod(0o755)
    settings = mirror / "terraformrc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n')

    def make(folder):
        terraform = Terraform(folder, settings)
        done = terraform("init", "-backend=false", "-input=false")
        assert done.returncode == 0, done.stderr
        return terraform

    return make
