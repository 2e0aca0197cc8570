#!/bin/sh
# migrate — brings a database to the newest migration, or to the one named.
#
#   ./evenpost migrate [--database-url URL] [--to NUMBER] [--now TIME] [--dry-run]
#
# One session holds one advisory lock for the whole run, so that two of these wait for each other. Each migration is one
# transaction with its own record (number, name, checksum) in the table migrations; what is recorded is not run again, and
# a file that changed after it was applied stops the run. Waiting for a lock is bounded; such a run is tried again, since
# what was done stays done. The URL's user must be a superuser, or own the database and be able to make roles; later
# runs may be evenpost_owner's own. At the end the coming months of events and attempts are made.

set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
url=${DATABASE_URL:-${EVENPOST_MIGRATE_URL:-}}
to=9999
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
dry=no
tries=10

say() { printf '%s\n' "$*" >&2; }
fail() { say "migrate: $*"; exit 1; }

while [ $# -gt 0 ]; do
    case $1 in
        --database-url) url=${2:?}; shift 2 ;;
        --to) to=${2:?}; shift 2 ;;
        --now) now=${2:?}; shift 2 ;;
        --dry-run) dry=yes; shift ;;
        -h | --help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1 (see --help)" ;;
    esac
done
[ -n "$url" ] || fail "which database? --database-url or DATABASE_URL"
case $to in *[!0-9]*) fail "--to wants a number, not $to" ;; esac
case $now in *[!0-9TZ:.+-]*) fail "--now wants a time, not $now" ;; esac
psql=$(command -v psql) || psql=/usr/lib/postgresql/15/bin/psql
[ -x "$psql" ] || fail "psql is missing: apt-get install postgresql-client-15"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# One psql script that decides inside its own session, under the lock, what is still to do.
script() {
    cat <<'SQL'
\set ON_ERROR_STOP on
\set VERBOSITY verbose
\pset tuples_only on
\pset format unaligned
set client_min_messages = warning;
set lock_timeout = '30s';
select 'locked' from (select pg_advisory_lock(7306085898)) waited \g /dev/null
set lock_timeout = '2s';
create table if not exists migrations (
    number integer constraint migrations_pkey primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null
);
SQL
    for file in "$here"/migrations/[0-9][0-9][0-9][0-9]_*.sql; do
        name=$(basename "$file" .sql)
        number=$(printf '%s' "$name" | sed 's/^0*\([0-9]*\)_.*/\1/')
        sum=$(sha256sum "$file" | cut -d' ' -f1)
        [ "$number" -le "$to" ] || continue
        cat <<SQL
select count(*) = 0 as todo, count(*) filter (where checksum <> '$sum') > 0 as changed
from migrations where number = $number \gset
\if :changed
do \$\$ begin raise exception '$name was changed after it was applied'; end \$\$;
\endif
\if :todo
\echo $name
SQL
        [ "$dry" = no ] || { printf '\\endif\n'; continue; }
        printf 'begin;\nset local citus.multi_shard_modify_mode = '\''sequential'\'';\n'
        [ "$number" -eq 1 ] || printf 'set local role evenpost_owner;\n'
        cat <<SQL
\i '$file'
insert into migrations (number, name, checksum, applied_at) values ($number, '$name', '$sum', '$now');
commit;
\endif
SQL
    done
    [ "$dry" = no ] || return 0
    cat <<SQL
select to_regprocedure('history_ahead(timestamptz, integer)') is not null as history \gset
\if :history
begin;
set local role evenpost_owner;
select history_ahead('$now', 3) \g /dev/null
commit;
\endif
SQL
}

script > "$work/migrate.sql"
while :; do
    status=0
    "$psql" -X -q -d "$url" -f "$work/migrate.sql" 2> "$work/errors" || status=$?
    [ "$status" -ne 0 ] || exit 0
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! grep -q '55P03\|40P01\|40001' "$work/errors"; then
        cat "$work/errors" >&2
        exit "$status"
    fi
    say "migrate: somebody holds a lock that is needed; again in a second"
    sleep 1
done
