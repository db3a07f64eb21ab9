"""Static files: compressed for each way they are asked for, ours as small as they get."""

import gzip

import brotli
import pytest
from django.core.files.base import ContentFile

from statuspage.ops.static_files import StaticFiles

TEXT = b"".join(b".rule-%d { margin: %dpx; color: #%06x }\n" % (n, n % 7, n * 7919) for n in range(400))


@pytest.fixture
def laid_out(tmp_path):
    """Three folders; the name of the first one above all has nothing to do with what is in it."""
    root = tmp_path / "statuspage" / "static"
    storage = StaticFiles(location=str(root))
    names = ("statuspage/a.css", "admin/a.css", "admin/small.css")
    for name in names:
        storage.save(name, ContentFile(b"a{}" if "small" in name else TEXT))
    for result in storage.post_process({name: (storage, name) for name in names}):
        assert not isinstance(result[2], Exception)
    return root


def test_each_file_is_there_in_both_ways_and_is_the_same(laid_out):
    for folder in ("statuspage", "admin"):
        found = [path for path in (laid_out / folder).iterdir() if path.name.endswith(".css.br")]
        assert found
        for path in found:
            assert brotli.decompress(path.read_bytes()) == TEXT
            assert gzip.decompress(path.with_suffix(".gz").read_bytes()) == TEXT


def test_ours_are_as_small_as_they_get(laid_out):
    size = {name: (laid_out / name / "a.css.br").stat().st_size for name in ("statuspage", "admin")}
    assert size["statuspage"] == len(brotli.compress(TEXT, quality=11)) < size["admin"]


def test_what_would_not_be_smaller_is_not_compressed(laid_out):
    assert not (laid_out / "admin" / "small.css.br").exists()
