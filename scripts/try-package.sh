#!/usr/bin/env bash
# Makes the Debian package of the release build, installs it, runs it as a plain user, removes it, and checks that nothing is left.
# Run it as root, before a release.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "try-package: root is required to install and remove the package" >&2; exit 3; }
if dpkg-query -W alert-bench >/dev/null 2>&1; then echo "try-package: alert-bench is already installed; remove it first" >&2; exit 2; fi
scripts/build.sh release
(cd build && cpack >/dev/null)
work=$(mktemp -d)
trap 'dpkg --purge alert-bench >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
chmod 755 "$work" && mkdir "$work/user" && chown nobody "$work/user"
cp build/alert-bench_*.deb "$work/package.deb"
apt-get install -y -qq "$work/package.deb" >/dev/null
dpkg -L alert-bench >"$work/files"
su nobody -s /bin/bash -c "cd '$work/user' && alert-bench run smoke --out result --quiet >table.txt &&
  python3 /usr/share/alert-bench/scripts/figures.py result --out result/figures >/dev/null 2>&1 && man -w alert-bench >/dev/null"
ls "$work"/user/result/figures/*.png >/dev/null
dpkg --purge alert-bench >/dev/null
left=$(grep alert-bench "$work/files" | while read -r file; do [ ! -e "$file" ] || echo "$file"; done)
if [ -n "$left" ]; then printf 'try-package: files left behind:\n%s\n' "$left" >&2; exit 1; fi
echo "try-package: the package was installed, run as a plain user, and removed without a trace"
