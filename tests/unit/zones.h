/*
 * zones — the system's zone files for tests of policy/zone (the rooms themselves get them from io/zoneinfo).
 */
#pragma once

#include "policy/zone.h"

static inline struct text zone_file(struct arena *arena, const char *name)
{
    char *path = text_terminated(arena, text_format(arena, "/usr/share/zoneinfo/%s", name));
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return TEXT_NONE;
    char *bytes = arena_bytes(arena, 65536);
    size_t length = fread(bytes, 1, 65536, file);
    fclose(file);
    return text_from(bytes, length);
}

static inline const struct zone *zone_named(struct arena *arena, const char *name)
{
    return zone_parse(arena, zone_file(arena, name));
}

/* Zones whose clocks do what clocks elsewhere do not: see policy_zone.c. */
static const char *const odd_zones[] = {
    "UTC",          "Europe/Berlin",     "Africa/Cairo",       "Asia/Beirut",      "Australia/Lord_Howe",
    "Pacific/Apia", "America/Santiago",  "Europe/Dublin",      "America/New_York", "Asia/Kathmandu",
    "America/Nuuk", "Africa/Casablanca", "Pacific/Kiritimati", "America/Havana",   "Antarctica/Troll",
};
