"""deploy/, compose.yaml and the Dockerfile, held against the tools that read them and against the program."""

import re
import shutil
import subprocess

import pytest
import yaml
from django.core.management import get_commands

from components.places import ROOT

UNIT = ROOT / "deploy" / "systemd" / "statuspage@.service"
ROLES = ("up", "web", "worker", "messages", "beat")
MANIFEST = ROOT / "deploy" / "kubernetes" / "statuspage.yaml"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OBJECTS = list(yaml.safe_load_all(MANIFEST.read_text()))
SETTINGS = set(
    re.findall(r"^\| `([A-Z_0-9]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
)
OUR_COMMANDS = {
    name for name, app in get_commands().items() if app in ("statuspage", "components", "incidents")
}


def pods():
    """The pod templates, by name."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]
        for one in OBJECTS
        if one["kind"] in ("Deployment", "Job")
    }


def test_each_service_runs_a_command_of_ours_with_settings_of_ours():
    ours = {name: one for name, one in COMPOSE["services"].items() if name not in ("database", "broker")}
    assert set(ours) == {"prepare", "web", "worker", "messages", "beat", "small"}
    for service in ours.values():
        assert service["command"][0] in OUR_COMMANDS
        assert set(service["environment"]) <= SETTINGS
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_each_pod_runs_a_command_of_ours_and_may_do_little():
    for name, pod in pods().items():
        (container,) = pod["spec"]["containers"]
        assert container["args"][0] in OUR_COMMANDS, name
        assert container["args"][0] == container["name"]
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    config = next(one for one in OBJECTS if one["kind"] == "ConfigMap")
    assert set(config["data"]) <= SETTINGS


def test_each_deployment_is_selected_by_its_service_and_its_budget():
    roles = {pod["metadata"]["labels"]["role"] for name, pod in pods().items() if "prepare" not in name}
    budgets = {
        one["spec"]["selector"]["matchLabels"]["role"]
        for one in OBJECTS
        if one["kind"] == "PodDisruptionBudget"
    }
    assert budgets == roles == {"web", "worker", "messages", "beat"}
    for one in OBJECTS:
        if one["kind"] == "Deployment":
            labels = one["spec"]["template"]["metadata"]["labels"]
            assert one["spec"]["selector"]["matchLabels"] == labels
    (service,) = [one for one in OBJECTS if one["kind"] == "Service"]
    assert service["spec"]["selector"] == pods()["statuspage-web"]["metadata"]["labels"]


def test_the_image_has_all_of_the_program():
    text = (ROOT / "Dockerfile").read_text()
    copied = {
        name for line in re.findall(r"^COPY (?!--)(.+) /opt/", text, re.MULTILINE) for name in line.split()
    }
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
    assert {"components", "incidents", "statuspage", "subscribers", "templates"} <= copied


@pytest.mark.parametrize("role", ROLES)
def test_the_unit_is_read_by_systemd_for_each_role_and_may_do_little(role, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    text = UNIT.read_text()
    assert re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE) == ["/opt/statuspage/bin/statuspage %i"]
    assert role in OUR_COMMANDS
    copy = tmp_path / f"statuspage@{role}.service"
    copy.write_text(text.replace("/opt/statuspage/bin/statuspage", shutil.which("true")))
    command = ["systemd-analyze", "verify", "--man=no", str(copy)]
    read = subprocess.run(command, capture_output=True, text=True, check=False)
    assert copy.name not in read.stderr, read.stderr
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager", str(copy)]
    exposed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert exposed.returncode == 0, exposed.stdout[-600:]


def test_the_web_role_is_prepared_by_the_command_for_it():
    drop_in = UNIT.parent / "statuspage@web.service.d" / "prepare.conf"
    (command,) = re.findall(
        r"^ExecStartPre=/opt/statuspage/bin/statuspage (\w+)$", drop_in.read_text(), re.MULTILINE
    )
    assert command == "prepare"
    assert command in OUR_COMMANDS
