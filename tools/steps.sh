# steps — one line a step, with the time that it took; on failure the log's tail and the command to try again.
#
# step TEXT COMMAND...   runs it in a subshell, quietly, with its words in $step_log.
# step_retry             what the person should type once more; set by the command.
# shellcheck shell=bash

step_log=$EVENPOST_HOME/log/steps.log
step_retry=

steps_begin() {
    mkdir -p "$EVENPOST_HOME/log"
    : >"$step_log"
}

seconds_since() {
    awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'
}

step() {
    local text=$1 begun=$EPOCHREALTIME mark status=0
    shift
    [ -t 1 ] && printf '     ...    %s' "$text"
    mark=$(wc -l <"$step_log")
    printf '== %s\n' "$text" >>"$step_log"
    set +e
    (set -e; "$@") >>"$step_log" 2>&1 </dev/null
    status=$?
    set -e
    [ -t 1 ] && printf '\r\033[K'
    if [ "$status" -ne 0 ]; then
        step_failed "$text" "$mark"
    fi
    printf '  %6s s  %s\n' "$(seconds_since "$begun")" "$text"
}

step_failed() {
    printf '  failed    %s\n\n' "$1"
    tail -n +$(($2 + 2)) "$step_log" | tail -n 25 | sed 's/^/    /'
    printf '\nAll of it: %s\nTry again: %s\n' "$step_log" "$step_retry"
    exit 1
}

# refuse TEXT: what must be said at once and plainly.
refuse() {
    printf 'evenpost: %s\n' "$*" >&2
    exit 1
}

# wait_until SECONDS COMMAND...: asks ten times a second; fails when the time is over.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { printf 'Waited in vain for: %s\n' "$*"; return 1; }
        sleep 0.1
    done
}
