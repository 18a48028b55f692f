#!/usr/bin/env bash
# Runs every test of the project. On a fresh Debian machine the Rust toolchain is all that has to be there before: what else
# is missing is installed with apt-get. Starts no server: each test that needs one starts a private one and stops it again.
#
#   tests/run.sh
#
# CARGO_TARGET_DIR   where cargo builds, as cargo itself reads it
# TMPDIR             where the tests write; in memory unless told, when there is room
#
# Tells the tests where programs are:
# BRON_TEST_PG_BIN     folder of PostgreSQL's server programs (initdb, pg_ctl, postgres)
# BRON_TEST_CHROMIUM   the browser that opens reports
# BRON_TEST_AXE        axe-core, which finds what keeps people from reading a page; fetched from the npm registry
#
# Hands on to the tests, when it is set:
# BRON_EVERY_POINT     1,000 readings while money moves for each connector instead of 50, and their figures
# BRON_EVERY_CASE      5,000 cases of four systems in one table instead of 100, see docs/reliability.md
# BRON_TEST_MSSQL      connection string of a SQL Server in which they may make tables, beside the small server of their own:
#                      Server=HOST,PORT;Database=NAME;User Id=USER;Password=PASSWORD
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The version of axe-core, and the SHA-512 of its axe.min.js.
axe_version=4.14.1
axe_digest=e63e659f9806d7ae5bd40899043b0871a5062c5442b01b3f1a3edf5eaf50bf5c
axe_digest+=3a7104a72463293b4ad1b77c661a0d4e40e850dec89de9d6ece70a8c13a9af17

say() {
    printf '\n== %s\n' "$*"
}

# The folder of the newest PostgreSQL server on this machine; nothing when there is none.
postgres_bin() {
    local initdb
    for initdb in /usr/lib/postgresql/*/bin/initdb; do
        if [[ -x $initdb ]]; then
            dirname "$initdb"
        fi
    done | sort --version-sort | tail --lines=1
}

browser() {
    command -v chromium || command -v chromium-browser || command -v google-chrome || true
}

# A font with å, ä and ö, without which a browser draws boxes.
has_font() {
    [[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ]]
}

# The Debian packages with the ODBC drivers that are missing, one on each line.
missing_drivers() {
    local driver file package
    for driver in libsqlite3odbc:libsqliteodbc psqlodbcw:odbc-postgresql libmaodbc:odbc-mariadb libtdsodbc:tdsodbc; do
        file=${driver%%:*}
        package=${driver#*:}
        [[ -e /usr/lib/$(uname --machine)-linux-gnu/odbc/$file.so ]] || printf '%s\n' "$package"
    done
}

# The Debian packages that are missing, one on each line.
missing_packages() {
    command -v cc >/dev/null || printf '%s\n' gcc libc6-dev
    [[ -n $(postgres_bin) ]] || printf '%s\n' postgresql
    [[ -n $(browser) ]] || printf '%s\n' chromium
    has_font || printf '%s\n' fonts-dejavu-core
    [[ -x /usr/sbin/mariadbd ]] || printf '%s\n' mariadb-server
    missing_drivers
    command -v strace >/dev/null || printf '%s\n' strace
    [[ -e $(axe_file) ]] || command -v npm >/dev/null || printf '%s\n' npm
}

# Where axe-core lies when it has been fetched.
axe_file() {
    printf '%s\n' "$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/axe-core-$axe_version/axe.min.js"
}

# Fetches one version of axe-core, unless it is there, and refuses any other file than the one that was looked at.
fetch_axe() {
    local file folder
    file=$(axe_file)
    folder=$(dirname "$file")
    if [[ ! -e $file ]]; then
        mkdir --parents "$folder"
        (cd "$folder" && npm pack --silent "axe-core@$axe_version" >/dev/null)
        tar --extract --gzip --file "$folder/axe-core-$axe_version.tgz" --directory "$folder" --strip-components=1 \
            package/axe.min.js
    fi
    if ! sha512sum --check --status <<<"$axe_digest  $file"; then
        printf '%s is not the file that the tests were written with\n' "$file" >&2
        return 1
    fi
}

install_packages() {
    local -a as_root=()
    if [[ $(id --user) -ne 0 ]]; then
        as_root=(sudo)
    fi
    local -a apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet=2 --option Dpkg::Use-Pty=0)
    "${apt[@]}" update
    "${apt[@]}" install --yes --no-install-recommends "$@" >/dev/null
}

# Refuses a run in which a test passed because it did nothing. $1: what the tests printed.
refuse_skipped() {
    local skipped
    skipped=$(grep --extended-regexp '^(test .* \.\.\. )?SKIPPED:' "$1" || true)
    if [[ ! -d ../shared/data ]]; then
        skipped=$(grep --invert-match 'SKIPPED: foreign input' <<<"$skipped" || true)
    fi
    if [[ $(id --user) -ne 0 ]]; then
        skipped=$(grep --invert-match 'takes root' <<<"$skipped" || true)
    fi
    if [[ -n $skipped ]]; then
        printf 'Tests were skipped that must run:\n%s\n' "$skipped" >&2
        return 1
    fi
}

# The folder where the tests write. The program flushes every file to the disk, some 2,000 times for the smallest city,
# and waiting for the disk takes most of the time of a test; in memory there is nothing to wait for.
writing_folder() {
    local memory=/dev/shm room folder
    room=$(df --output=avail --block-size=1G "$memory" 2>/dev/null | tail --lines=1 || true)
    if [[ -w $memory && ${room:-0} -ge 4 ]]; then
        folder=$(mktemp --directory "$memory/bron-tests-XXXXXX")
    else
        folder=$(mktemp --directory)
    fi
    # Database servers run as users of their own, and have to get through to their folders.
    chmod 755 "$folder"
    printf '%s\n' "$folder"
}

if [[ -z ${TMPDIR:-} ]]; then
    TMPDIR=$(writing_folder)
    export TMPDIR
    trap 'rm -rf "$TMPDIR"' EXIT
fi

mapfile -t packages < <(missing_packages)
if [[ ${#packages[@]} -gt 0 ]]; then
    say "Installing ${packages[*]}"
    install_packages "${packages[@]}"
fi

BRON_TEST_PG_BIN=$(postgres_bin)
BRON_TEST_CHROMIUM=$(browser)
fetch_axe
BRON_TEST_AXE=$(axe_file)
export BRON_TEST_PG_BIN BRON_TEST_CHROMIUM BRON_TEST_AXE
say "PostgreSQL: ${BRON_TEST_PG_BIN:-none}   browser: ${BRON_TEST_CHROMIUM:-none}"

say "Format"
cargo fmt --all --check

say "Lints"
cargo clippy --workspace --all-targets --all-features -- -D warnings

say "Tests"
printed=$(mktemp)
cargo test --workspace --all-features -- --show-output 2>&1 | tee "$printed"
refuse_skipped "$printed"
rm -f "$printed"

say "Documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace

say "All passed"
