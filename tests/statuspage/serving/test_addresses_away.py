"""Whoever reports is answered, whatever goes wrong while the address is looked up."""

import asyncio

import pytest

from statuspage.serving.reports.addresses import Addresses, AwayError


def test_a_lookup_that_fails_in_a_way_of_its_own_keeps_nobody_waiting(tmp_path, caplog):
    addresses = Addresses(tmp_path)
    addresses.close()  # its thread takes no work any more: that is no error of the database

    async def ask():
        async with asyncio.timeout(5):
            return await asyncio.gather(
                *(addresses.find(f"{number:064x}") for number in range(3)), return_exceptions=True
            )

    assert [type(error) for error in asyncio.run(ask())] == [AwayError] * 3
    assert "addresses.not_looked_up" in caplog.text


@pytest.mark.parametrize("text", ["[]", '{"a": 5}', '{"a": ["heartbeat"]}', "\x00", "{"])
def test_an_odd_file_is_no_list_of_addresses(tmp_path, text):
    (tmp_path / "addresses.json").write_text(text)
    assert Addresses(tmp_path).known == {}
