"""Web push encryption, held against the example of RFC 8291 (appendix A)."""

import base64

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from subscribers import push_encryption

PLAIN = b"When I grow up, I want to be a watermelon"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w"
    "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
RECEIVER_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


def bytes_of(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private(text):
    return ec.derive_private_key(int.from_bytes(bytes_of(text), "big"), ec.SECP256R1())


SENDER = private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
RECEIVER = private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
AUTH = bytes_of("BTBZMqHH6r4Tts7J_aSIgg")


def read(body, receiver, auth):
    """What a browser does with the body; its own point is derived from its key."""
    salt, point, record = body[:16], body[21:86], body[86:]
    own = receiver.public_key().public_numbers()
    own_point = b"\x04" + own.x.to_bytes(32, "big") + own.y.to_bytes(32, "big")
    key, nonce = push_encryption.keys(receiver, point, (own_point, point), auth, salt)
    plain = AESGCM(key).decrypt(nonce, record, None)
    assert plain.endswith(b"\x02")
    return plain[:-1]


def test_the_example_of_the_standard_comes_out_to_the_letter():
    made = push_encryption.encrypt(
        PLAIN, bytes_of(RECEIVER_PUBLIC), AUTH, sender=SENDER, salt=bytes_of("DGv6ra1nlYgDCS1FRnbzlw")
    )
    assert base64.urlsafe_b64encode(made).rstrip(b"=").decode() == SEALED


def test_only_the_browser_it_is_for_can_read_it():
    body = push_encryption.encrypt(PLAIN, bytes_of(RECEIVER_PUBLIC), AUTH)
    assert read(body, RECEIVER, AUTH) == PLAIN
    for receiver, auth in ((ec.generate_private_key(ec.SECP256R1()), AUTH), (RECEIVER, b"x" * 16)):
        with pytest.raises(InvalidTag):
            read(body, receiver, auth)


def test_each_message_has_a_key_and_a_salt_of_its_own():
    first, second = (push_encryption.encrypt(PLAIN, bytes_of(RECEIVER_PUBLIC), AUTH) for _ in range(2))
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]
