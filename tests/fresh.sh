#!/usr/bin/env bash
# The two commands of the README on a machine that has nothing: a bare Debian in a folder of its own.
# `make run` as a newcomer does it, then `make test`; prints what the latter had to install.
# Takes root and Linux. The bare system is kept in var/fresh (or FRESH_DIR) for the next time.
# FRESH_ONLY=base makes the bare system alone. FRESH_TEST=no stops after `make run`. What is tested is what is committed.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=bookworm # Python 3.11, the oldest we promise
packages=python3,python3-venv,make,ca-certificates,git
folder=$(mkdir -p "${FRESH_DIR:-var/fresh}" && cd "${FRESH_DIR:-var/fresh}" && pwd)
base=$folder/base root=$folder/root

say() { echo "fresh: $*"; }

[ "$(id -u)" = 0 ] || { say "needs root, for chroot." >&2; exit 1; }
command -v debootstrap >/dev/null || {
  command -v apt-get >/dev/null || { say "needs debootstrap: install it and try again." >&2; exit 1; }
  say "installing debootstrap (once) ..."
  apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
}

leave() {
  local process
  for process in /proc/[0-9]*; do # whatever a test left behind in there
    [ "$(readlink "$process/root" 2>/dev/null)" = "$root" ] && kill -9 "${process#/proc/}" 2>/dev/null
  done
  for mount in dev/shm dev/pts dev proc; do
    mountpoint -q "$root/$mount" && umount -l "$root/$mount"
  done
  rm -rf --one-file-system "$root"
  return 0
}
trap leave EXIT
trap 'exit 130' INT TERM

if [ ! -d "$base" ]; then
  say "making a bare Debian (once, about a minute) ..."
  rm -rf "$base.new"
  # the mirror and the certificates of this machine, wherever it gets its packages from
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
  debootstrap --variant=minbase --include="$packages" "$suite" "$base.new" "$mirror" >"$folder/debootstrap.log" 2>&1 ||
    { tail -n 20 "$folder/debootstrap.log" >&2; say "debootstrap failed." >&2; exit 1; }
  mv "$base.new" "$base"
fi

[ "${FRESH_ONLY:-}" != base ] || exit 0 # tests/bare.py does the rest
leave
cp -a "$base" "$root"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
[ -e "$root/etc/hosts" ] || printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts" # every installed Debian has it
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$root/etc/apt/apt.conf.d" "$root/usr/sbin"
cp -aL /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
rm -f "$root/etc/apt/apt.conf.d/docker-clean"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # packages start no services in there
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
mount --rbind --make-rslave /dev "$root/dev" 2>/dev/null || mount --bind /dev "$root/dev"
mountpoint -q "$root/dev/shm" || mount -t tmpfs tmpfs "$root/dev/shm"
git clone -q --no-hardlinks . "$root/root/statuspage"

inside() { # a clean environment, but for how this machine reaches its package indexes
  local kept=()
  while IFS= read -r line; do kept+=("$line"); done < <(
    env | grep -iE '^(pip_index_url|pip_default_timeout|(https?|no|all)_proxy)=' || true
  )
  chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt ${kept[@]+"${kept[@]}"} /bin/bash -c "cd /root/statuspage && $1"
}

installed() { inside "dpkg-query -W -f '\${Package}\n'" | sort; }

say "bare $suite with $packages; $(inside 'python3 --version'), $(git log -1 --format=%h)"
before=$(installed)
inside 'python3 tests/newcomer.py'
say "make run needed no package of Debian beyond these: $([ "$before" = "$(installed)" ] && echo so it is || echo NO)"
[ "$before" = "$(installed)" ] || exit 1
[ "${FRESH_TEST:-yes}" = yes ] || exit 0
status=0
inside 'make test' || status=$?
say "make test ended with $status; it installed from Debian:"
comm -13 <(echo "$before") <(installed) | tr '\n' ' ' | fold -s -w 100
echo
exit "$status"
