"""What others' linters say of deploy/: nothing, or why not; and the first command, with a gcloud that only listens."""

import json
import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml
from terraform_root import ROOT, TOOLS

pytestmark = pytest.mark.cloud
DEPLOY = ROOT / "deploy"
LISTENER = """#!/bin/sh
for word; do printf '%s\\n' "$word" | tr '\\n' ' ' | sed 's/ $//'; printf '\\037'; done >> "$HEARD"
echo >> "$HEARD"
case "$*" in
    *"${REFUSED:-nothing}"*) exit 1 ;;
    "storage cp "*" --no-clobber") [ -e "$KEPT" ] || cp "$3" "$KEPT" ;;
    "storage cp gs://"*) cp "$KEPT" "$4" ;;
    "storage cp "*) cp "$3" "$KEPT" ;;
    "storage cat "*) cat "$KEPT" ;;
    *"versions add"*) cat >> "$SECRETS"; echo >> "$SECRETS" ;;
    *"projectNumber"*) echo 123456789012 ;;
    *"(digest)"*) echo sha256:bbbb ;;
    *"get account"*) echo ana@example.org ;;
esac
"""


def run(*words, **options):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, **options)
    return done.returncode, done.stdout + done.stderr


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"no {program} here")


@needs("shellcheck")
def test_shellcheck_finds_nothing():
    scripts = [*DEPLOY.rglob("*.sh"), *(ROOT / "tests" / "cloud").glob("*.sh")]
    assert run("shellcheck", *scripts) == (0, "")


def test_hadolint_finds_nothing_but_what_the_dockerfile_gives_reasons_for():
    assert run(TOOLS / "venv" / "bin" / "hadolint", DEPLOY / "Dockerfile") == (0, "")


def test_checkov_finds_nothing_but_what_its_settings_give_reasons_for():
    strict = os.environ | {"CKV_PARSE_ERROR_FAIL": "true"}  # else a file that it cannot read counts as clean
    code, said = run(TOOLS / "venv" / "bin" / "checkov", "--config-file", ROOT / "tests" / "cloud" / "checkov.yaml",
                     "-d", DEPLOY, env=strict)  # fmt: skip
    assert code == 0, said


def test_a_password_piped_with_a_line_end_is_the_one_that_the_database_was_given():
    shows = ["sh", DEPLOY / "start.sh", "sh", "-c", 'printf "%s" "$PGPASSWORD"']
    assert run(*shows, env=os.environ | {"PGPASSWORD": "word\n"}) == (0, "word")
    nothing = ["sh", DEPLOY / "start.sh", "sh", "-c", 'echo "${PGPASSWORD-none}"']
    without = {name: value for name, value in os.environ.items() if name != "PGPASSWORD"}
    assert run(*nothing, env=without) == (0, "none\n")


@pytest.fixture
def environment(tmp_path):
    """A copy of deploy/, and for it a gcloud and a Terraform that only listen."""
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns(".terraform*", "*.tfvars"))
    for name in ("gcloud", "terraform"):
        (tmp_path / name).write_text(LISTENER)
        (tmp_path / name).chmod(0o755)
    paths = {name: str(tmp_path / name.lower()) for name in ("HEARD", "SECRETS", "KEPT")}
    return os.environ | paths | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.fixture
def bootstrapped(environment, tmp_path):
    """deploy/bootstrap.sh and a user of the database."""
    code, said = run("sh", tmp_path / "deploy" / "bootstrap.sh", "till", "0-1-2", env=environment)
    assert code == 0, said
    assert run("sh", tmp_path / "deploy" / "database_user.sh", "till", "footfall", "mlflow", env=environment)[0] == 0
    lines = (tmp_path / "heard").read_text().splitlines()
    heard = [line.split("\x1f")[:-1] for line in lines]
    return tmp_path, heard, said.splitlines()[-1]


def test_the_first_command_leaves_what_the_others_need(bootstrapped):
    folder, heard, last = bootstrapped
    variables = (folder / "deploy" / "terraform.tfvars").read_text()
    assert 'project_number  = "123456789012"' in variables and "cloud-sql-proxy@sha256:bbbb" in variables
    declared = set(re.findall(r'^variable "(\w+)"', (DEPLOY / "variables.tf").read_text(), re.MULTILINE))
    assert set(re.findall(r"^(\w+) *=", variables, re.MULTILINE)) < declared
    secrets = (folder / "secrets").read_text().split()
    assert len(set(secrets)) == 3 and all(len(secret) >= 64 for secret in secrets)
    assert secrets[2].startswith("footfall:")
    assert not any(secret in str(heard) for secret in secrets), "no secret in a list of processes"
    assert "-target=terraform_data.ground" in str(heard) and last.startswith("Now:  gcloud beta builds submit")


@pytest.mark.parametrize("refused", ["list-tags", "config get account", "projectNumber", "versions list"])
def test_where_google_refuses_once_the_first_command_stops_and_is_run_again(environment, tmp_path, refused):
    command = ["sh", tmp_path / "deploy" / "bootstrap.sh", "till", "0-1-2"]
    assert run(*command, env=environment | {"REFUSED": refused})[0] != 0
    assert not (tmp_path / "secrets").exists(), "a password that the database does not have"
    assert run(*command, env=environment)[0] == 0
    variables = (tmp_path / "deploy" / "terraform.tfvars").read_text()
    assert "proxy@sha256:bbbb" in variables and "ana@example.org" in variables and "123456789012" in variables


def test_on_a_second_persons_clone_the_settings_are_those_that_were_applied(environment, tmp_path):
    bootstrap, settings = tmp_path / "deploy" / "bootstrap.sh", tmp_path / "deploy" / "terraform.tfvars"
    assert run("sh", bootstrap, "till", "0-1-2", env=environment | {"REGION": "europe-west4"})[0] == 0
    settings.write_text(settings.read_text() + 'github_repository = "till/footfall"\n')
    assert run("sh", tmp_path / "deploy" / "release.sh", "IMAGE", env=environment)[0] == 0
    applied = settings.read_text()
    settings.unlink()
    code, said = run("sh", bootstrap, "till", "0-1-2", env=environment)
    assert code == 0 and settings.read_text() == applied
    assert "_IMAGE=europe-west4-docker.pkg.dev/till/" in said.splitlines()[-1]


def test_a_release_shows_what_its_settings_change(environment, tmp_path):
    settings = tmp_path / "deploy" / "terraform.tfvars"
    settings.write_text('project = "till"\n')
    (tmp_path / "kept").write_text('project = "till"\npeople = ["user:ana@example.org"]\n')
    code, said = run("sh", tmp_path / "deploy" / "release.sh", "IMAGE", env=environment)
    assert code == 0 and 'people = ["user:ana@example.org"]' in said
    assert (tmp_path / "kept").read_text() == settings.read_text()


def test_where_a_release_cannot_migrate_its_second_step_is_not_begun(environment, tmp_path):
    (tmp_path / "deploy" / "terraform.tfvars").write_text('project = "till"\n')
    release = ["sh", tmp_path / "deploy" / "release.sh", "IMAGE", "-replace=google_compute_instance.machine"]
    assert run(*release, env=environment | {"REFUSED": "-target="})[0] != 0
    assert (tmp_path / "heard").read_text().count("apply") == 1
    assert run(*release, env=environment)[0] == 0
    steps = [line for line in (tmp_path / "heard").read_text().splitlines() if "apply" in line][1:]
    assert ["-target=" in step for step in steps] == [True, False] and "-replace=" in steps[1]


def submits(last):
    """What sends a commit to Cloud Build: as the first command says it, and as the workflow does."""
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]["release"]["steps"]
    in_workflow = re.sub(r"\$\{\{ vars\.(\w+) \}\}", r"\1", " ".join(steps[-1]["run"].split()))
    names = {"GCP_PROJECT": "till", "GCP_REGION": "europe-southwest1"}
    return [last.removeprefix("Now:  "), re.sub("|".join(names), lambda name: names[name[0]], in_workflow)]


def test_a_commit_is_sent_alike_from_here_and_from_github_and_its_log_is_shown(bootstrapped):
    here, there = submits(bootstrapped[2])
    assert here == there
    build = yaml.safe_load((DEPLOY / "cloudbuild.yaml").read_text())
    assert build["options"]["logging"] == "CLOUD_LOGGING_ONLY", "of which gcloud shows nothing, but gcloud beta"
    assert here.startswith("gcloud beta builds submit ")


OPEN_TO_ALL = {"us-central1", "us-west2", "europe-west1", "asia-east1", "australia-southeast1", "southamerica-east1"}


def test_a_build_runs_where_every_project_may_build_and_its_image_goes_to_the_registry(bootstrapped):
    for submit in submits(bootstrapped[2]):
        assert re.search(r"--region=(\S+)", submit)[1] in OPEN_TO_ALL
        assert re.search(r"_IMAGE=([^,\s]+)", submit)[1] == "europe-southwest1-docker.pkg.dev/till/footfall/footfall"


@needs("gcloud")
def test_the_key_that_github_lays_in_the_clone_is_not_sent(tmp_path):
    for name in (".gitignore", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "gha-creds-0123456789abcdef.json").write_text("{}")
    assert run("gcloud", "meta", "list-files-for-upload", tmp_path) == (0, "Makefile\n")


def test_the_workflow_of_these_tests_runs_on_the_debian_that_they_ask_for():
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "cloud.yml").read_text())["jobs"]["cloud"]
    assert job["container"]["image"] == "debian:bookworm", "PostgreSQL 15, and the keys of Debian's packages"
    assert "--privileged" in job["container"]["options"], "containers and a machine in it"
    steps = str(job["steps"])
    assert "setup-terraform" in steps and "setup-gcloud" in steps, "else what needs them is skipped"


def typed():
    """The commands of README.md: of its indented lines and, where they are whole, in its text."""
    text = (DEPLOY / "README.md").read_text()
    indented = re.findall(r"^    (\w.*?)(?: +#.*)?$", text, re.MULTILINE)
    inline = [part.strip() for line in re.findall(r"`([^`]+)`", text) for part in re.split(r"\\\||&&", line)]
    return [
        *indented,
        *(part for part in inline if re.match(r"(gcloud|terraform|sh) .*[-=A-Z]", part) and "…" not in part),
    ]


def test_commands_are_typed_where_they_work():
    commands = typed()
    assert {"gcloud config set project PROJECT", "cd deploy"} < set(commands), "what the others rest on"
    assert not [command for command in commands if "-chdir" in command]
    assert not [command for command in commands if command.startswith(("terraform apply", "terraform destroy"))]
    roots = "\n".join(path.read_text() for path in DEPLOY.glob("*.tf"))
    named = re.findall(r"-replace='?(\w+)\.(\w+)", "\n".join(commands))
    assert named and all(f'resource "{kind}" "{name}"' in roots for kind, name in named)


def test_no_drill_needs_what_a_laptop_cannot_reach():
    drills = (DEPLOY / "README.md").read_text().partition("## Drills")[2].partition("## ")[0]
    assert "backup-instance" in drills and not re.search(r"pg_(dump|restore)|psql", drills)


@needs("gcloud")
def test_every_command_of_gcloud_is_one(bootstrapped, tmp_path):
    _, heard, last = bootstrapped
    indented = [command.replace("$(date +%s)", "1") for command in typed() if command.startswith("gcloud ")]
    commands = [shlex.join(["gcloud", *words]) for words in heard if not words[0].startswith(("-chdir", "config"))]
    commands += [*indented, *(submit.replace("$(sh deploy/commit.sh)", "abc") for submit in submits(last))]
    assert len(set(commands)) > 25
    (tmp_path / "commands.md").write_text("\n".join(["```", *sorted(set(commands)), "```"]))
    code, said = run("gcloud", "meta", "lint-gcloud-commands", f"--commands-text-file={tmp_path / 'commands.md'}")
    verdicts = json.loads(said[said.index("[{") :].splitlines()[0])
    assert code == 0 and len(verdicts) == len(set(commands))
    assert not {one["command_string"]: one["error_message"] for one in verdicts if not one["success"]}
