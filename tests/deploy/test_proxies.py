"""The proxies' configurations as they are printed, in front of a real web process."""

import datetime
import re
import shutil
import socket
import subprocess
import time

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.places import ROOT
from statuspage.ops.supervisor import free_port
from tests.web import Web
from tests.whole import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stack]
NAME = "status.example.org"


def certificate(folder):
    """Of its own authority, for our name; the files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(1)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "status.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "status.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "status.pem", folder / "status.key"


@pytest.fixture(scope="module")
def web(tmp_path_factory, django_db_setup):
    web = Web(tmp_path_factory.mktemp("behind"), PUBLIC_URL=f"https://{NAME}", TRUSTED_PROXIES="1")
    yield web
    web.stop()


class Proxy:
    """One that runs: `port` for TLS, `plain` without."""

    def __init__(self, command, log):
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out)

    def end(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def nginx(web, tmp_path):
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if not program:
        pytest.skip("needs nginx: apt-get install nginx-light")
    pem, key = certificate(tmp_path)
    tls, plain = free_port(), free_port()
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    text = re.sub(r"\n\tlisten \[::\].*", "", text)
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{tls} ssl").replace(
        "listen 80;", f"listen 127.0.0.1:{plain};"
    )
    text = text.replace("/etc/ssl/status.pem", str(pem)).replace("/etc/ssl/status.key", str(key))
    text = text.replace("127.0.0.1:8000", web.url.removeprefix("http://"))
    site = tmp_path / "site.conf"
    site.write_text(text)
    whole = tmp_path / "nginx.conf"
    temps = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole.write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}"
        f" http {{ access_log {tmp_path}/access.log; {temps} include {site}; }}"
    )
    subprocess.run([program, "-t", "-q", "-c", str(whole)], check=True)
    made = Proxy([program, "-c", str(whole)], tmp_path / "out.log")
    made.tls, made.plain, made.access = tls, plain, tmp_path / "access.log"
    yield made
    made.end()


@pytest.fixture
def caddy(web, tmp_path):
    program = shutil.which("caddy")
    if not program:
        pytest.skip("needs caddy: apt-get install caddy")
    pem, key = certificate(tmp_path)
    tls, plain = free_port(), free_port()
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    text = text.replace(
        "\tgrace_period", f"\tadmin off\n\thttp_port {plain}\n\thttps_port {tls}\n\tgrace_period", 1
    )
    text = text.replace(
        "\tlog {\n", f"\ttls {pem} {key}\n\tlog {{\n\t\toutput file {tmp_path}/access.log\n", 1
    )
    text = text.replace("127.0.0.1:8000", web.url.removeprefix("http://"))
    file = tmp_path / "Caddyfile"
    file.write_text(text)
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [program, "validate", "--config", str(file), "--adapter", "caddyfile"]
    read = subprocess.run(command, env=home, capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    made = Proxy(
        ["env", f"HOME={tmp_path}", program, "run", "--config", str(file), "--adapter", "caddyfile"],
        tmp_path / "out.log",
    )
    made.tls, made.plain, made.access = tls, plain, tmp_path / "access.log"
    yield made
    made.end()


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request):
    made = request.getfixturevalue(request.param)
    wait_for(lambda: _listens(made.tls) and _listens(made.plain), 20)
    return made


def ask(proxy, path="/", method="GET", **more):
    """A request by our name, over TLS."""
    with httpx.Client(verify=False, http2=True) as client:
        return client.request(
            method, f"https://127.0.0.1:{proxy.tls}{path}", headers={"Host": NAME} | more.pop("headers", {}),
            extensions={"sni_hostname": NAME}, timeout=20, **more,
        )  # fmt: skip


def test_it_shows_the_page_and_its_headers(proxy):
    page = ask(proxy)
    assert (page.status_code, page.http_version) == (200, "HTTP/2")
    assert page.headers["strict-transport-security"].startswith("max-age=")
    assert page.headers["content-security-policy"]
    login = ask(proxy, "/accounts/login/")
    assert login.status_code == 200
    plain = httpx.get(f"http://127.0.0.1:{proxy.plain}/history", headers={"Host": NAME})
    assert plain.status_code in (301, 308)
    assert re.fullmatch(rf"https://{NAME}(:\d+)?/history", plain.headers["location"])


def test_a_stream_is_passed_on_at_once(proxy):
    with (
        httpx.Client(verify=False) as client,
        client.stream("GET", f"https://127.0.0.1:{proxy.tls}/live", headers={"Host": NAME},
                      extensions={"sni_hostname": NAME}, timeout=20) as answer,
    ):  # fmt: skip
        began = time.monotonic()
        first = next(answer.iter_raw())
        assert b"retry:" in first
        assert time.monotonic() - began < 10


def test_secret_addresses_are_not_in_its_log(proxy):
    ask(proxy, "/history")
    ask(proxy, "/ping/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    ask(proxy, "/in/BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB", "POST", json={})
    wait_for(lambda: proxy.access.exists() and "/history" in proxy.access.read_text(), 10)
    time.sleep(0.5)
    log = proxy.access.read_text()
    assert "AAAAAAAA" not in log
    assert "BBBBBBBB" not in log


def _listens(port):
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0
