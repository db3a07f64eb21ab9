"""What may be a logo, told by its own bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import pictures
from tests.pictures import WEBP, jpeg, png


def test_what_it_is_and_how_large():
    assert pictures.read(png(240, 60)) == pictures.Shape("png", 240, 60)
    assert pictures.read(jpeg(120, 40)) == pictures.Shape("jpeg", 120, 40)
    for body in WEBP.values():
        assert pictures.read(body) == pictures.Shape("webp", 1, 1)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "cannot be shown"),
        (b"GIF89a", "cannot be shown"),
        (b"<html><script>alert(1)</script>", "cannot be shown"),
        (b"<?xml version='1.0'?>\n<SVG xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (png()[:20], "cannot be read"),
        (b"\xff\xd8\xff", "cannot be read"),
        (b"\xff\xd8\xff\xe0\x00\x00", "cannot be read"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "cannot be read"),
        (png(0, 10), "cannot be read"),
        (png(2_001, 10), "2000 pixels"),
        (png(110, 10), "a line"),
        (png(10, 21), "a line"),
        (png() + b"x" * pictures.MAX_BYTES, "64 kB"),
    ],
)
def test_what_is_refused_says_what_to_send(body, word):
    with pytest.raises(pictures.PictureError, match=word):
        pictures.read(body)


@given(st.binary(max_size=200), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF0000WEBP"]))
def test_no_bytes_do_anything_but_be_refused_or_taken(rest, start):
    with contextlib.suppress(pictures.PictureError):
        pictures.read(start + rest)
