/*
 * zoneinfo — the system's time zones: a TZif file (RFC 8536) by its IANA name, as bytes.
 *
 * policy/zone reads the bytes; this only finds them. A name is letters, digits, '_', '+', '-' in parts divided by '/',
 * never a path: no '.', no empty part, at most ZONEINFO_NAME bytes. The folder is the system's, or the one that TZDIR names, as
 * for everybody else who reads them (tzset(3)).
 */
#pragma once

#include "base/text.h"

enum { ZONEINFO_NAME = 64, ZONEINFO_SIZE = 256 * 1024 };

enum zoneinfo_word {
    ZONEINFO_GOOD,
    ZONEINFO_UNKNOWN,    /* no such name, or no name at all */
    ZONEINFO_UNREADABLE, /* there, but no TZif file, or larger than ZONEINFO_SIZE, or the file system failed */
};

/* `bytes` lies in the arena. Reads a small local file: does not wait in practice; keep what it gives. */
MUST_USE enum zoneinfo_word zoneinfo_read(struct arena *arena, struct text name, struct text *bytes);
