#!/usr/bin/env bash
# What the tests need beyond Python: Chromium, what playwright's driver is linked with, a clock that steps.
# Finds it, or installs Debian's packages; asks both whether they start, and says so once if they do not.
set -eu
cd "$(dirname "$0")/.."

install() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need $2: install Debian's package $1${3:-}." >&2
    exit 1
  fi
  echo "Installing Debian's package $1: the tests need $2 (once) ..."
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

found() {
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -n "$name" ] && command -v "$name" >/dev/null && return 0
  done
  return 1
}

found || install chromium "Chromium" ", or set CHROMIUM"
driver=$(.venv/bin/python -c 'from playwright._impl._driver import compute_driver_executable; print(compute_driver_executable()[0])')
"$driver" --version >/dev/null 2>&1 || install libatomic1 "a library that playwright's driver is linked with"
ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || install libfaketime "a clock that can be put back"
said=$("$driver" --version 2>&1) || {
  echo "The browser tests cannot run: playwright's driver does not start (${said##*: })." >&2
  exit 1
}
said=$(.venv/bin/python -m tests.browser 2>&1) || {
  echo "The browser tests cannot run: Chromium does not start ($(printf '%s' "$said" | tail -n 1))." >&2
  exit 1
}
