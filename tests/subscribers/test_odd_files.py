"""Files that are not quite CSV: nobody in them is lost without a word."""

import io

import pytest

from subscribers import csv_format
from subscribers.csv_format import CSVError


def read(text):
    return [csv_format.read(line) for line in csv_format.lines(io.StringIO(text))]


@pytest.mark.parametrize(
    "text",
    [
        'address,name\na@b.example,"Ann\nc@d.example,Bo\n',
        'address,name\na@b.example,"Ann\nc@d.example,"Bo"\n',
        'address,name\na@b.example,"Ann" B\nc@d.example,Bo\n',
    ],
)
def test_a_quotation_mark_that_is_not_closed_swallows_nobody(text):
    with pytest.raises(CSVError, match=r"line [23].*quotation mark"):
        read(text)


def test_of_two_columns_that_are_one_to_us_the_filled_one_counts():
    (one,) = read("address,quarantined_at,purge_at\na@b.example,2026-01-01,\n")
    assert one.state == "quarantined"
    (one,) = read("address,channel,address\na@b.example,email,\n")
    assert one.address == "a@b.example"


def test_two_addresses_in_a_line_are_both_there_to_be_refused():
    (one,) = read("address,recipient\na@b.example,c@d.example\n")
    assert one.address == "a@b.example c@d.example"


@pytest.mark.parametrize("head", ["E-Mail Address", "Mail", "e-mail", "EMAIL", "Mail_Address"])
def test_a_column_of_mail_addresses_is_known_by_its_usual_names(head):
    assert [one.address for one in read(f"Name;{head}\nA, B;a@b.example\n")] == ["a@b.example"]
