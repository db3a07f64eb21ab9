"""Two ways out: what the operator lets probes reach is not what strangers' addresses reach."""

import ast
import ipaddress
from pathlib import Path

import pytest

from components.egress import Door, through
from statuspage.ops.bootstrap import probes_may_reach

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("components", "incidents", "subscribers", "statuspage")
LOOPBACK = ["127.0.0.0/8", "::1/128"]

# Who dials, and through which door. A new caller is a decision: whose addresses does it dial?
CALLERS = {
    "components/management/commands/probe.py": {"PROBES"},
    "components/models/probe.py": {"PROBES"},
    "components/management/commands/region_agent.py": {"PROBES", "REGION"},
    "components/probers/self_test.py": {"SELF_TEST"},
    "incidents/tasks.py": {"PROBES"},
    "incidents/hooks/runner.py": {"HOOKS"},
    "incidents/hooks/targets.py": {"HOOKS"},
    "statuspage/console/probe_detail/trials.py": {"PROBES"},
    "subscribers/alerts/forms.py": {"ALERTS"},
    "subscribers/alerts/outgoing.py": {"ALERTS"},
    "subscribers/alerts/sending.py": {"ALERTS"},
    "subscribers/addresses.py": {"SUBSCRIBERS"},
    "subscribers/tasks.py": {"SUBSCRIBERS"},
    "statuspage/serving/reports/sns_desk.py": {"SUBSCRIBERS"},  # Amazon's, as a stranger's message names it
    "statuspage/staff/login/oidc_http.py": {"SIGN_ON"},
    "statuspage/ops/doctor/outside.py": {"OWN_PAGE", "SIGN_ON"},
    "statuspage/ops/doctor/mail.py": {"SUBSCRIBERS"},
    "statuspage/ops/looking.py": {
        "SUBSCRIBERS"
    },  # only whether the mail server answers; a server of our own is not judged
}
# Who makes a door of its own: the module itself, and the demo's visitors, who visit the demo's own service
MAKERS = {"components/egress.py", "statuspage/ops/demo/visitors.py"}


def calls():
    """(file, function, arguments) of every call in the product."""
    for app in APPS:
        for file in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call):
                    yield str(file.relative_to(ROOT)), ast.unparse(node.func), node.args


def test_every_caller_names_its_door():
    found = {}
    for file, function, arguments in calls():
        if function in ("through", "egress.through") and arguments:
            found.setdefault(file, set()).add(ast.unparse(arguments[0]).split(".")[-1])
    assert found == CALLERS
    assert {file for file, function, _ in calls() if function.split(".")[-1] == "Egress"} == MAKERS


def importers(*modules):
    """The files of the product that import one of these."""
    found = set()
    for app in APPS:
        for file in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if {name.partition(".")[0] for name in names} & set(modules):
                    found.add(str(file.relative_to(ROOT)))
    return found


def test_one_module_speaks_httpx():
    assert importers("httpx", "httpcore") == {"components/transport.py"}


def test_websockets_is_used_without_its_sockets():
    assert importers("websockets") == {
        "statuspage/ops/demo/chat_server.py",  # a server of the demo's own
        *(f"components/probers/held/{name}.py" for name in ("session", "upgrade")),
    }


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.5", "::1", "192.168.1.1"])
def test_what_probes_may_reach_is_closed_to_strangers(settings, host):
    settings.EGRESS_ALLOW = ["10.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16", "::1/128"]
    settings.UP_EGRESS_ALLOW = LOOPBACK
    settings.SUBSCRIBER_EGRESS_ALLOW = []
    address = ipaddress.ip_address(host)
    assert through(Door.PROBES).may_dial(address, 80)
    assert not through(Door.SUBSCRIBERS).may_dial(address, 80)


def opened_for(address):
    """The doors that may dial port 80 of this address."""
    return {door for door in Door if through(door).may_dial(address, 80)}


def test_what_up_adds_for_its_own_probes_is_for_probes_alone(settings):
    settings.EGRESS_ALLOW, settings.UP_EGRESS_ALLOW, settings.SUBSCRIBER_EGRESS_ALLOW = [], LOOPBACK, []
    here = ipaddress.ip_address("127.0.0.1")
    assert opened_for(here) == {Door.PROBES, Door.REGION, Door.SELF_TEST, Door.OWN_PAGE}


def test_an_operator_opens_a_network_to_subscribers_by_its_own_setting(settings):
    settings.EGRESS_ALLOW, settings.SUBSCRIBER_EGRESS_ALLOW = [], ["10.0.0.0/8"]
    there = ipaddress.ip_address("10.0.0.5")
    assert opened_for(there) == {Door.SUBSCRIBERS, Door.REGION, Door.OWN_PAGE}


AT_HOME = ("127.0.0.1", 8000, "localhost")


@pytest.mark.parametrize(
    ("host", "port", "public_host", "proxies", "own", "is_loopback_open"),
    [
        (*AT_HOME, 0, ["127.0.0.1:8000"], True),
        ("localhost", 8000, "127.0.0.1", 0, ["127.0.0.1:8000"], True),
        ("::1", 8000, "localhost", 0, ["[::1]:8000"], True),
        ("127.0.0.1", 8000, "status.example.org", 0, ["127.0.0.1:8000"], False),  # PUBLIC_URL is set
        (*AT_HOME, 1, ["127.0.0.1:8000"], False),  # a proxy stands in front
        ("0.0.0.0", 8000, "localhost", 0, ["127.0.0.1:8000"], False),  # others can connect
        ("::", 8000, "localhost", 0, ["[::1]:8000"], False),
        ("192.168.1.5", 8000, "localhost", 0, ["192.168.1.5:8000"], False),
    ],
)
def test_probes_reach_loopback_while_the_page_is_on_ones_own_machine(  # noqa: PLR0917
    host, port, public_host, proxies, own, is_loopback_open
):
    found = probes_may_reach(host, port, public_host, proxies=proxies)
    assert found == [*own, *(LOOPBACK if is_loopback_open else [])]
