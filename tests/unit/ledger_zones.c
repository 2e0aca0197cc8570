/* Zones that are kept: for an hour the old rules, then what the system's files say (T168). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger/zones.h"

#include "policy/zone.h"

#define HOUR_US (3600 * US_PER_SECOND)

static char folder[] = "/tmp/unit_zones_XXXXXX";

/* A zone of one offset: the file that zic writes for it (RFC 8536), with its rule in the footer. */
static void write_zone(const char *name, const char *rule)
{
    static const char head[44] = { 'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4 };
    static const char type[10] = { 0, 0, 0, 0, 0, 0, 'T', 'S', 'T', 0 };
    char path[100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 0; i < 2; i++) {
        fwrite(head, sizeof head, 1, file);
        fwrite(type, sizeof type, 1, file);
    }
    fprintf(file, "\n%s\n", rule);
    fclose(file);
}

static int32_t hours(struct zones *zones, int64_t at_us)
{
    const struct zone *zone = zones_find(zones, TEXT("Town"), (struct tick){ at_us });
    return zone == NULL ? INT32_MIN : zone_offset_s(zone, (struct instant){ 0 }) / 3600;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || setenv("TZDIR", folder, 1) != 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[100];
    snprintf(path, sizeof path, "%s/Town", folder);
    unlink(path);
    return rmdir(folder);
}

static void
new_rules_are_read_within_the_hour(void **state) /* catches: a program that plans for months by old tzdata */
{
    (void)state;
    struct zones *zones = zones_new();
    assert_int_equal(hours(zones, 0), INT32_MIN);
    write_zone("Town", "TST-1");
    assert_int_equal(hours(zones, 1), 1);
    write_zone("Town", "TST-2");
    assert_int_equal(hours(zones, HOUR_US - US_PER_SECOND), 1);
    assert_int_equal(hours(zones, HOUR_US + US_PER_SECOND), 2);
    zones_free(&zones);
}

static void
a_file_that_was_damaged_leaves_the_old_rules(void **state) /* catches: mail that stops while tzdata is replaced */
{
    (void)state;
    struct zones *zones = zones_new();
    write_zone("Town", "TST-3");
    assert_int_equal(hours(zones, 0), 3);
    write_zone("Town", "no rule at all");
    assert_int_equal(hours(zones, HOUR_US + 1), 3);
    char path[100];
    snprintf(path, sizeof path, "%s/Town", folder);
    unlink(path);
    assert_int_equal(hours(zones, 2 * HOUR_US + 2), 3);
    write_zone("Town", "TST-4");
    assert_int_equal(hours(zones, 3 * HOUR_US + 3), 4);
    zones_free(&zones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_rules_are_read_within_the_hour),
        cmocka_unit_test(a_file_that_was_damaged_leaves_the_old_rules),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
