/*
 * zone_table — what policy/zone says, for a peer to compare. Reads lines "ZONE DAY SECOND" (days since 1970-01-01, second
 * of the local day) and answers each with the instant in seconds since 1970, or "none" for a zone it cannot read.
 */

#include "policy/zone.h"

static struct text read_all(struct arena *arena, FILE *file)
{
    struct builder builder = builder_in(arena);
    char bytes[4096];
    size_t length;
    while ((length = fread(bytes, 1, sizeof(bytes), file)) > 0)
        builder_add(&builder, text_from(bytes, length));
    return builder_text(&builder);
}

static const struct zone *open_zone(struct arena *arena, struct text name)
{
    FILE *file = fopen(text_terminated(arena, text_format(arena, "/usr/share/zoneinfo/%.*s", TEXT_ARG(name))), "rb");
    if (file == NULL)
        return NULL;
    struct text bytes = read_all(arena, file);
    fclose(file);
    return zone_parse(arena, bytes);
}

int main(void)
{
    struct arena *arena = arena_new();
    struct text rest = read_all(arena, stdin), line, name, day, second, last = TEXT_NONE;
    const struct zone *zone = NULL;
    while (text_cut(&rest, '\n', &line)) {
        int64_t day_number, second_number;
        if (!text_cut(&line, ' ', &name) || !text_cut(&line, ' ', &day) || !text_cut(&line, ' ', &second) ||
            !text_to_int64(day, &day_number) || !text_to_int64(second, &second_number))
            continue;
        if (!text_equal(name, last))
            zone = open_zone(arena, name);
        last = name;
        if (zone == NULL)
            puts("none");
        else
            printf("%lld\n",
                   (long long)(zone_instant(zone, (struct day){ (int32_t)day_number }, (int32_t)second_number).us /
                               US_PER_SECOND));
    }
    arena_free(&arena);
    return 0;
}
