# packages — the Debian packages that each part needs, and how they are installed.
#
# packages_need LIST...   installs what is missing of these lists, nothing else.
# shellcheck shell=bash disable=SC2034

packages_build=(
    gcc cmake ninja-build pkg-config libc6-dev libuv1-dev libmicrohttpd-dev libpq-dev libjansson-dev libssl-dev
    libunbound-dev libcurl4-openssl-dev libargon2-dev libidn2-dev libgmime-3.0-dev libsystemd-dev libcmocka-dev
    python3 python3-yaml
)
packages_run=(
    postgresql-15 postgresql-client-15 runit curl ca-certificates tzdata util-linux procps
)
packages_test=(
    postgresql-15-pgtap python3-pytest python3-hypothesis python3-psycopg clang-format binutils git iproute2 openssl strace
    shellcheck systemd clang libclang-rt-14-dev
)

packages_missing() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            printf '%s\n' "$package"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Installing postgresql-15 makes and starts a cluster on port 5432 unless this stands there before.
cluster_guard=/etc/postgresql-common/createcluster.d/evenpost.conf

cluster_guard_set() {
    as_root mkdir -p "${cluster_guard%/*}"
    printf '%s\n' '# Written by evenpost up while it installs postgresql-15: it wants the programs, no cluster.' \
        'create_main_cluster = false' | as_root tee "$cluster_guard" >/dev/null
}

cluster_guard_lift() {
    as_root rm -f "$cluster_guard"
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

packages_install() {
    apt update || printf 'The package lists could not be renewed; trying with those that are here.\n'
    cluster_guard_set
    apt install --no-install-recommends "$@"
    cluster_guard_lift
}

# What cannot be done is said before anything is tried.
packages_possible() {
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        refuse "these packages are missing and only root can install them (sudo is not here). As root: apt-get install --no-install-recommends $*"
}

packages_need() {
    local missing
    mapfile -t missing < <(packages_missing "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    packages_possible "${missing[@]}"
    [ "$(id -u)" -eq 0 ] || sudo -v || refuse "sudo said no; these packages are missing: ${missing[*]}"
    step "${#missing[@]} Debian packages installed" packages_install "${missing[@]}"
}
