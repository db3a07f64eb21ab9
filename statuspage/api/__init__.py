"""The public JSON API, compatible with Statuspage's v2."""
