"""Programs that other people wrote, against a live page: `make clients`."""
