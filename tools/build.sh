# build — the programs, compiled into a folder of the home.
#
# build_into FOLDER [-DCMAKE_ARGUMENT...] [TARGET...]
# shellcheck shell=bash

# CMake refuses a folder that belonged to another checkout, as one that was moved does.
build_forget_moved() {
    local home
    home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$1/CMakeCache.txt" 2>/dev/null) || return 0
    [ -z "$home" ] || [ "$home" = "$EVENPOST_ROOT" ] || rm -rf "$1"
}

build_into() {
    local folder=$1 options=()
    shift
    while [[ ${1:-} == -D* ]]; do options+=("$1"); shift; done
    build_forget_moved "$folder"
    cmake -S "$EVENPOST_ROOT" -B "$folder" -G Ninja "${options[@]}"
    nice ninja -C "$folder" "$@"
}
