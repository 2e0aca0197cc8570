/* traceparent as W3C Trace Context §3.2 writes it; whatever else comes is as if nothing came. */
#include "server/traceparent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"
#define GOOD  "00-" TRACE "-" SPAN "-01"

/* catches: a later version that is refused, and a mistake that is carried on. */
static void what_can_be_read_is_kept_as_version_00(void **state)
{
    static const struct {
        const char *header, *kept; /* NULL: none */
    } rows[] = {
        { GOOD, GOOD },
        { " " GOOD "\t", GOOD },
        { "01-" TRACE "-" SPAN "-01", GOOD },
        { "cc-" TRACE "-" SPAN "-01-what-will-be", GOOD },
        { "cc-" TRACE "-" SPAN "-01-", GOOD },
        { "00-" TRACE "-" SPAN "-ff", "00-" TRACE "-" SPAN "-ff" },
        { "cc-" TRACE "-" SPAN "-01what-will-be", NULL },
        { GOOD "-", NULL },
        { GOOD "-more", NULL },
        { GOOD "0", NULL },
        { "ff-" TRACE "-" SPAN "-01", NULL },
        { "0-" TRACE "-" SPAN "-01", NULL },
        { "00-" TRACE "-" SPAN "-1", NULL },
        { "00-" TRACE "-" SPAN, NULL },
        { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", NULL },
        { "00-4bf92f3577b34da6a3ce929d0e0e473g-" SPAN "-01", NULL },
        { "00-00000000000000000000000000000000-" SPAN "-01", NULL },
        { "00-" TRACE "-0000000000000000-01", NULL },
        { "00_" TRACE "_" SPAN "_01", NULL },
        { "", NULL },
        { "-------------------------------------------------------", NULL },
        { "\xff\xff-" TRACE "-" SPAN "-01", NULL },
    };
    (void)state;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++)
        if (!text_equal(traceparent_read(arena, text_of(rows[i].header)), text_of(rows[i].kept)))
            fail_msg("%s", rows[i].header);
    assert_true(text_is_none(traceparent_read(arena, TEXT_NONE)));
    assert_true(text_equal(traceparent_trace(TEXT(GOOD)), TEXT(TRACE)));
    assert_true(text_is_none(traceparent_trace(TEXT_NONE)));
    arena_free(&arena);
}

/* catches: a read behind the end of what came, at any length. */
static void each_beginning_of_a_good_one_is_none(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (size_t length = 0; length < sizeof GOOD - 1; length++)
        assert_true(text_is_none(traceparent_read(arena, text_copy(arena, text_slice(TEXT(GOOD), 0, length)))));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_read_is_kept_as_version_00),
        cmocka_unit_test(each_beginning_of_a_good_one_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
