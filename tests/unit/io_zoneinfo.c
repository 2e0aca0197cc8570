/* io/zoneinfo: zones of the system by name, and names that are no names. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "io/zoneinfo.h"

static enum zoneinfo_word read_zone(struct text name)
{
    struct arena *arena = arena_new();
    struct text bytes;
    enum zoneinfo_word word = zoneinfo_read(arena, name, &bytes);
    assert_true((word == ZONEINFO_GOOD) == text_starts(bytes, TEXT("TZif")));
    arena_free(&arena);
    return word;
}

static void a_zone_is_found_by_its_name(void **state)
{
    (void)state;
    static const char *const names[] = { "Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+12",
                                         "America/Port-au-Prince" };
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(read_zone(text_of(names[i])), ZONEINFO_GOOD);
}

static void nothing_but_a_name_is_read(void **state) /* catches: a customer's time zone that reads /etc/passwd */
{
    (void)state;
    static const char *const names[] = {
        "",
        "/",
        "Europe/",
        "/Europe/Berlin",
        "Europe//Berlin",
        "../../../etc/passwd",
        "Europe/../UTC",
        "./UTC",
        "Europe",
        "zone.tab",
        "Mars/Olympus",
        "UTC\n",
        "UTC ",
        "Europe/Berlin/Mitte",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(read_zone(text_of(names[i])), ZONEINFO_UNKNOWN);
    assert_int_equal(read_zone(TEXT("UTC\0x")), ZONEINFO_UNKNOWN);
    assert_int_equal(read_zone(TEXT_NONE), ZONEINFO_UNKNOWN);
    assert_int_equal(read_zone(TEXT("leapseconds")), ZONEINFO_UNREADABLE); /* a file, and no zone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_is_found_by_its_name),
        cmocka_unit_test(nothing_but_a_name_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
