#!/bin/bash
# test — tries to break the promises, and says how many tests passed.
#
#   ./evenpost test [--long] [KIND...]
#
#   KIND     unit, conversations, sim, promises, db, api, peers, faults, fuzz, bench; without one: all of them but bench.
#   --long   all of them and bench, slow parts too.
#
# Programs are built three times: for release, with AddressSanitizer and UBSan, and with ThreadSanitizer. What each kind said
# stays in the home, log/test/KIND.log. One test alone:  ./evenpost test promises -k a_second_worker
#
# The programs think in one thread. Others are libuv's: they look up the name of the database's host, do what takes long
# (io/aside.h) and write the sandbox's files; and a request has a stack of its own (server/strand.h). That is what
# ThreadSanitizer is there for: it runs the unit tests of the rooms that have a loop, the sandbox, P7 and what is done aside; with
# --long all promises. It needs no suppressions.

set -euo pipefail
cd "$EVENPOST_ROOT"
# shellcheck source=tools/home.sh
. tools/home.sh
# shellcheck source=tools/steps.sh
. tools/steps.sh
# shellcheck source=tools/packages.sh
. tools/packages.sh
# shellcheck source=tools/build.sh
. tools/build.sh

kinds_known=(unit conversations sim promises db api peers faults pages fuzz bench)
sanitized=$EVENPOST_HOME/build-sanitized
threaded=$EVENPOST_HOME/build-threaded
fuzzed=$EVENPOST_HOME/build-fuzz
results=$EVENPOST_HOME/test
kinds=()
long=
only=
gently=(nice)

arguments_read() {
    while [ $# -gt 0 ]; do
        case $1 in
        --long) long=1 ;;
        -k) only=${2:-}; shift ;;
        *)
            [[ " ${kinds_known[*]} " == *" $1 "* ]] ||
                { printf 'test: there is no kind %s; there are: %s\n' "$1" "${kinds_known[*]}" >&2; exit 2; }
            kinds+=("$1")
            ;;
        esac
        shift
    done
    [ "${#kinds[@]}" -gt 0 ] || mapfile -t kinds < <(kinds_standard)
}

# A kind that the house does not have yet is not a kind that passed.
kinds_standard() {
    local kind
    for kind in "${kinds_known[@]}"; do
        { [ "$kind" != bench ] || [ -n "$long" ]; } && [ -n "$(kind_files "$kind")" ] && printf '%s\n' "$kind"
    done
    return 0
}

kind_files() {
    find "tests/$1" -maxdepth 1 -type f \( -name '*.c' -o -name '*.py' -o -name '*.smtp' \) 2>/dev/null
}

python_files() {
    find "tests/$1" -maxdepth 2 -type f \( -name 'test_*.py' -o -name 'p[1-9]_*.py' \) 2>/dev/null
}

builds_make() {
    step "programs built for release" build_into "$EVENPOST_BUILD" -DCMAKE_BUILD_TYPE=Release
    step "programs built with AddressSanitizer and UBSan" build_into "$sanitized" \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEVENPOST_SANITIZE=address,undefined
    step "programs built with ThreadSanitizer" build_into "$threaded" \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEVENPOST_SANITIZE=thread
}

# libFuzzer is clang's.
fuzzers_make() {
    build_into "$fuzzed" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEVENPOST_FUZZ=ON fuzz
}

# Real receivers are unpacked, never installed; for that the package lists must be here.
lists_have() {
    [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -print -quit 2>/dev/null)" ] || apt update
}

# In the foreground timeout leaves its command in our process group: whoever stops us stops that, too.

# in_c KIND BUILD NAME [CTEST ARGUMENT...]: the kind's C programs of one build, whose names carry the kind as label.
in_c() {
    local kind=$1 build=$2 result=$results/$1.$3.xml
    shift 3
    timeout --foreground --kill-after=10 1800 "${gently[@]}" ctest --test-dir "$build" -L "^$kind\$" ${only:+-R "$only"} --no-tests=ignore "$@" \
        -j 2 --output-on-failure --test-output-size-passed 1000000 --output-junit "$result" || true
}

# in_python KIND BUILD NAME [PYTEST ARGUMENT...]: all of the kind, or the files that are named first.
in_python() {
    local kind=$1 build=$2 result=$results/$1.$3.xml files=()
    shift 3
    while [[ ${1:-} == [!-]*.py ]]; do files+=("tests/$kind/$1"); shift; done
    [ "${#files[@]}" -gt 0 ] || files=("tests/$kind")
    EVENPOST_BUILD=$build EVENPOST_FUZZ_BUILD=$fuzzed EVENPOST_TEST_LONG=$long ASAN_OPTIONS=detect_leaks=0 \
        timeout --foreground --kill-after=10 "$([ -n "$long" ] && echo 7200 || echo 1800)" \
        "${gently[@]}" /usr/bin/python3 -B -m pytest -q -c tests/pytest.ini --rootdir tests "${files[@]}" ${only:+-k "$only"} "$@" \
        -o junit_family=xunit1 --junitxml="$result" || true
}

# A kind that leaves no result was broken off: that is a failure, and the tally says so.
expect() {
    printf '%s\n' "$1" >>"$results/expected"
}

# What has no loop has no second thread.
in_threads() {
    local apart='^unit_(base|mail|policy)_'
    [ -n "$long" ] || apart+='|^unit_io_pg_chaos$' # half a minute, and one thread
    case $1 in
    unit)
        expect unit.threaded
        in_c unit "$threaded" threaded -E "$apart"
        expect unit.python-threaded
        in_python unit "$threaded" python-threaded test_sandbox.py
        ;;
    promises)
        expect promises.python-threaded
        if [ -n "$long" ]; then in_python promises "$threaded" python-threaded --ignore=tests/promises/broken
        else in_python promises "$threaded" python-threaded p7_tenants_are_walls.py; fi
        ;;
    faults)
        expect faults.python-threaded
        in_python faults "$threaded" python-threaded test_loop.py
        ;;
    esac
}

kind_run() {
    local kind=$1 begun=$SECONDS
    printf '\n== %s\n' "$kind"
    if [ "$kind" = unit ] || [ "$kind" = conversations ] || [ "$kind" = sim ]; then
        expect "$kind.release"
        in_c "$kind" "$EVENPOST_BUILD" release
        expect "$kind.sanitized"
        in_c "$kind" "$sanitized" sanitized
    fi
    if [ -n "$(python_files "$kind")" ]; then
        expect "$kind.python"
        in_python "$kind" "$EVENPOST_BUILD" python
    fi
    if [ "$kind" = unit ] || { [ "$kind" = promises ] && [ -n "$long" ]; }; then
        expect "$kind.python-sanitized"
        in_python "$kind" "$sanitized" python-sanitized \
            --ignore=tests/unit/test_launcher.py --ignore=tests/promises/broken   # the launcher; builds of their own
    fi
    in_threads "$kind"
    printf '== %s took %d s\n' "$kind" $((SECONDS - begun))
}

log_of() {
    printf '%s\n' "$EVENPOST_HOME/log/test/$1.log"
}

beside=() # the kinds that run beside the others
chains=() # the process groups they run in

wanted() {
    [[ " ${kinds[*]} " == *" $1 "* ]]
}

# beside_begin KIND: if it is wanted, in a process group that ends with us.
beside_begin() {
    wanted "$1" || return 0
    set -m
    kind_run "$1" </dev/null >"$(log_of "$1")" 2>&1 &
    set +m
    chains+=("$!")
    beside+=("$1")
    printf '\n== %s begun; what is said stands in %s until it is through\n' "$1" "$(log_of "$1")"
}

beside_stop() {
    local chain
    for chain in "${chains[@]}"; do
        kill -- "-$chain" 2>/dev/null || true
    done
}

beside_end() {
    local kind
    [ "${#beside[@]}" -eq 0 ] || printf '\n== waiting for %s\n' "${beside[*]}"
    wait "${chains[@]}" || true
    chains=()
    for kind in "${beside[@]}"; do
        cat "$(log_of "$kind")"
    done
}

# Promises and faults wait more than they compute: they run beside each other and the kinds that do likewise.
# Fuzzers take what nobody else wants. Figures are measured alone.
kinds_run() {
    local kind
    trap beside_stop EXIT
    beside_begin promises
    beside_begin faults
    gently=(chrt --idle 0)
    beside_begin fuzz
    gently=(nice)
    for kind in "${kinds[@]}"; do
        case $kind in
        promises | faults | fuzz | bench) ;;
        *) kind_run "$kind" </dev/null 2>&1 | tee "$(log_of "$kind")" ;;
        esac
    done
    beside_end
    ! wanted bench || kind_run bench </dev/null 2>&1 | tee "$(log_of bench)"
}

main() {
    arguments_read "$@"
    steps_begin
    step_retry="$EVENPOST_CALL test${*:+ $*}"
    rm -rf "$results"
    mkdir -p "$results" "$EVENPOST_HOME/log/test"
    packages_need "${packages_build[@]}" "${packages_run[@]}" "${packages_test[@]}"
    builds_make
    step "package lists here" lists_have
    ! wanted fuzz || step "fuzzers built" fuzzers_make
    if [ "${#kinds[@]}" -eq 1 ]; then
        kind_run "${kinds[0]}" </dev/null 2>&1 | tee "$(log_of "${kinds[0]}")"
    else
        kinds_run
    fi
    printf '\n'
    /usr/bin/python3 -B tools/tally.py "$results" ${only:+--chosen}
}

main "$@"
