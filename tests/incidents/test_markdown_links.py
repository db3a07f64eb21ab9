"""A link leads where it says, or nowhere."""

import pytest

from incidents.markdown import to_html

SILENT = (
    "//evil.example", "///evil.example", "/\\evil.example", r"\\\\evil.example", "/%5Cevil.example",
    "/%2Fevil.example", "<//evil.example/a b>", "&#47;/evil.example", "/&Tab;/evil.example",
)  # fmt: skip


@pytest.mark.parametrize("address", SILENT)
def test_a_link_to_another_site_without_a_scheme_is_taken_out(address):
    html = to_html(f"[here]({address})\n\n[there]: {address}\n\n[there]")
    assert "href" not in html
    assert "here" in html


@pytest.mark.parametrize(
    "address", ["https://example.org/a//b", "/history", "#a", "mailto:a@example.org", "incidents/x"]
)
def test_other_links_stay(address):
    assert f'href="{address}"' in to_html(f"[here]({address})")
