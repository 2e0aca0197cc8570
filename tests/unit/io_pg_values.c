/* io/statement: each type there and back. */
#include <math.h>

#include "pg_jobs.h"

static const struct echo no_values = {
    .a = { { 0 } },
    .e = INT64_MIN,
    .f = INT32_MIN,
    .g = INT16_MIN,
    .h = BOOLEAN_NONE,
    .i = NAN,
    .j = { INT64_MIN },
    .k = { INT32_MIN },
};
static struct echo_row echoed;

static void look_at_echo(struct job *job)
{
    echoed = echo_get(job->transaction, job->first, 0);
    job->number = text_equal(echoed.b, TEXT("q\"uote, \xc3\xa9")) && text_equal(echoed.c, TEXT("{\"a\": [1, null]}")) &&
                  echoed.d.length == 3 && memcmp(echoed.d.bytes, "\0\xff\n", 3) == 0;
}

static void each_type_comes_back(void **state)
{
    (void)state;
    struct job job;
    struct echo values = {
        customer_of(7),
        TEXT("q\"uote, \xc3\xa9"),
        TEXT("{\"a\":[1,null]}"),
        { "\0\xff\n", 3 },
        INT64_MAX,
        -5,
        INT16_MAX,
        1,
        -0.25,
        { 1795600867123456 },
        { -1 },
    };
    job_begin(&job, pool, UUID_NIL);
    job.look = look_at_echo;
    job.first = echo_ask(job.transaction, &values);
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    assert_int_equal(job.number, 1);
    assert_true(uuid_equal(echoed.a, customer_of(7)));
    assert_true(echoed.e == INT64_MAX && echoed.f == -5 && echoed.g == INT16_MAX && echoed.h == 1 && echoed.i == -0.25);
    assert_true(echoed.j.us == 1795600867123456 && echoed.k.number == -1);
}

static void null_comes_back_as_null(void **state) /* catches: a nil id or no time that is stored as a value */
{
    (void)state;
    struct job job;
    job_begin(&job, pool, UUID_NIL);
    job.look = look_at_echo;
    job.first = echo_ask(job.transaction, &no_values);
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    assert_true(uuid_is_nil(echoed.a) && echoed.b.bytes == NULL && echoed.c.bytes == NULL && echoed.d.bytes == NULL);
    assert_true(echoed.e == INT64_MIN && echoed.f == INT32_MIN && echoed.g == INT16_MIN && echoed.h == BOOLEAN_NONE);
    assert_true(isnan(echoed.i) && instant_is_none(echoed.j) && day_is_none(echoed.k));
}

static void look_at_lists(struct job *job)
{
    struct echo_lists_row row = echo_lists_get(job->transaction, job->first, 0);
    job->count = row.a.count + row.b.count + row.c.count + row.d.count + row.e.count + row.f.count + row.g.count +
                 row.h.count + row.i.count + row.j.count + row.k.count;
    if (row.b.items == NULL || row.b.count == 0)
        return;
    assert_true(uuid_equal(row.a.items[1], customer_of(9)));
    assert_true(text_equal(row.b.items[0], TEXT("")) && row.b.items[1].bytes == NULL);
    assert_true(text_equal(row.c.items[0], TEXT("{}")) && row.d.items[0].bytes[0] == '\0');
    assert_true(row.e.items[0] == -7 && row.e.items[1] == INT64_MIN && row.f.items[0] == 7 && row.g.items[0] == -1);
    assert_true(row.h.items[0] == 0 && row.h.items[1] == 1 && row.i.items[0] == 1.5 && row.j.items[0].us == 1);
    assert_true(row.k.items[0].number == 20781);
    job->number = 1;
}

static void each_list_comes_back(void **state) /* catches: null elements, the empty list, the list that is null */
{
    (void)state;
    static const struct text words[] = { { "", 0 }, { NULL, 0 } }, json[] = { { "{}", 2 } }, bytes[] = { { "\0", 1 } };
    static const int64_t bigs[] = { -7, INT64_MIN };
    static const int32_t middles[] = { 7 };
    static const int16_t smalls[] = { -1 };
    static const int8_t truths[] = { 0, 1 };
    static const double reals[] = { 1.5 };
    static const struct instant instants[] = { { 1 } };
    static const struct day days[] = { { 20781 } };
    const struct uuid ids[] = { customer_of(8), customer_of(9) };
    struct echo_lists full = { { ids, 2 },    { words, 2 },  { json, 1 },  { bytes, 1 },    { bigs, 2 }, { middles, 1 },
                               { smalls, 1 }, { truths, 2 }, { reals, 1 }, { instants, 1 }, { days, 1 } };
    struct echo_lists none = { 0 }, empty = full;
    empty.a.count = empty.b.count = empty.c.count = empty.d.count = empty.e.count = empty.f.count = empty.g.count = 0;
    empty.h.count = empty.i.count = empty.j.count = empty.k.count = 0;
    const struct echo_lists *rows[] = { &full, &empty, &none };
    static const size_t counts[] = { 15, 0, 0 };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct job job;
        job_begin(&job, pool, UUID_NIL);
        job.look = look_at_lists;
        job.first = echo_lists_ask(job.transaction, rows[i]);
        assert_int_equal(job_commit(&job), PG_COMMITTED);
        assert_int_equal(job.count, counts[i]);
        assert_int_equal(job.number, i == 0);
    }
}

static void look_at_words(struct job *job)
{
    struct echo_words_row row = echo_words_get(job->transaction, job->first, 0);
    job->count = text_equal(row.at, TEXT("2026-11-24 09:41:07.123456+00"));
    job->number = text_equal(row.day, TEXT("2026-11-24"));
}

static void the_server_reads_a_time_as_we_do(void **state) /* catches: an epoch that is wrong in both directions */
{
    (void)state;
    struct instant at;
    struct day day;
    struct job job;
    assert_true(instant_parse(TEXT("2026-11-24T09:41:07.123456Z"), &at) && day_parse(TEXT("2026-11-24"), &day));
    job_begin(&job, pool, UUID_NIL);
    job.look = look_at_words;
    job.first = echo_words_ask(job.transaction, &(struct echo_words){ at, day });
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    assert_int_equal(job.count, 1);
    assert_int_equal(job.number, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_type_comes_back),
        TEST(null_comes_back_as_null),
        TEST(each_list_comes_back),
        TEST(the_server_reads_a_time_as_we_do),
    };
    return cmocka_run_group_tests(tests, start_server, remove_server);
}
