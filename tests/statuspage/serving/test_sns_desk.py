"""What Amazon SNS sends is verified with its certificate, which is fetched through the egress door."""

import asyncio
import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from components.egress import Egress
from components.inbound import PayloadError, sns
from components.inbound.message import UnsignedError
from statuspage.serving.reports.sns_desk import SnsDesk, UnreachableError
from tests.components.inbound.payloads import SNS

NOW = datetime(2026, 11, 27, 12, 0, 30, tzinfo=UTC)
PEM = "/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"
KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)


def pem(key=KEY) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = (
        made.serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=9))
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Amazon:
    """Serves the certificate, and counts who asks for what."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                body = pem()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def amazon():
    made = Amazon()
    yield made
    made.close()


@pytest.fixture
def desk(amazon):
    return SnsDesk(Egress(["127.0.0.0/8"]), is_trusted=lambda url: url.startswith(f"{amazon.url}/"))


def signed(amazon, *, key=KEY, version="1", **fields) -> bytes:
    row = {**SNS, "SigningCertURL": f"{amazon.url}{PEM}", "SignatureVersion": version, **fields}
    row = {name: value for name, value in row.items() if value is not None}
    text = sns.signed_text({name: row.get(name, "") for name in sns.SIGNED[row["Type"]]})
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[version]
    row["Signature"] = base64.b64encode(key.sign(text, padding.PKCS1v15(), digest)).decode()
    return json.dumps(row).encode()


def admit(desk, *bodies, now=NOW) -> None:
    async def each():
        for body in bodies:
            await desk.admit(body, now)

    asyncio.run(each())


CONFIRMATION = {"Type": "SubscriptionConfirmation", "Token": "t", "Message": "You have chosen to subscribe"}


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signed_message_is_admitted_and_the_certificate_is_kept(desk, amazon, version):
    admit(desk, signed(amazon, version=version), signed(amazon, version=version, Subject=None))
    assert amazon.asked == [PEM]


def test_a_subscription_is_confirmed(desk, amazon):
    admit(
        desk, signed(amazon, **CONFIRMATION, SubscribeURL=f"{amazon.url}/?Action=ConfirmSubscription&Token=t")
    )
    assert amazon.asked == [PEM, "/?Action=ConfirmSubscription&Token=t"]


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn"])
def test_a_changed_message_is_refused(desk, amazon, name):
    row = json.loads(signed(amazon))
    row[name] = row[name].replace(":05", ":06") if name == "Timestamp" else f"{row[name]}."
    with pytest.raises(UnsignedError):
        admit(desk, json.dumps(row).encode())


def test_a_message_of_somebody_else_is_refused(desk, amazon):
    for body in (
        signed(amazon, key=OTHER_KEY),
        signed(amazon).replace(b'"SignatureVersion": "1"', b'"SignatureVersion": "2"'),
        signed(amazon, SigningCertURL="https://sns.evil.example" + PEM),
    ):
        with pytest.raises(UnsignedError):
            admit(desk, body)


def test_only_trusted_addresses_are_visited(desk, amazon):
    with pytest.raises(UnsignedError, match="SubscribeURL"):
        admit(desk, signed(amazon, **CONFIRMATION, SubscribeURL="http://127.0.0.1:9/confirm"))
    with pytest.raises(UnsignedError, match="SigningCertURL"):
        admit(SnsDesk(Egress(["127.0.0.0/8"])), signed(amazon))
    assert amazon.asked == [PEM]


@pytest.mark.parametrize(
    "path",
    ["/", "/cert.pem", f"{PEM}?Action=GetEndpointAttributes", f"{PEM}#x", f"/x{PEM}", f"{PEM}/..",
     "/?Action=GetTopicAttributes&x=/SimpleNotificationService-f3ecfb7224c7233f.pem", "/%2e%2e" + PEM],
)  # fmt: skip
def test_only_a_certificate_of_sns_is_one(desk, amazon, path):
    """Other addresses there answer with texts of whoever asks, who may have put a certificate into them."""
    with pytest.raises(UnsignedError, match="SigningCertURL"):
        admit(desk, signed(amazon, SigningCertURL=f"{amazon.url}{path}"))
    assert amazon.asked == []


def test_an_old_message_is_refused(desk, amazon):
    with pytest.raises(UnsignedError, match="Timestamp"):
        admit(desk, signed(amazon), now=NOW + timedelta(hours=2))
    with pytest.raises(PayloadError, match="Timestamp"):
        admit(desk, signed(amazon, Timestamp="yesterday"))


def test_it_is_to_be_sent_again_while_amazon_cannot_be_asked(desk, amazon):
    amazon.status = 500
    with pytest.raises(UnreachableError):
        admit(desk, signed(amazon))
    amazon.status = 200
    admit(desk, signed(amazon))
    denied = SnsDesk(Egress(), is_trusted=lambda url: True)  # the door does not open to this network
    with pytest.raises(UnreachableError):
        admit(denied, signed(amazon))
