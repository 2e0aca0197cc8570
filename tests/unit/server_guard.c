/* What the guard lets through and what it refuses: each row is a form that another reader of HTTP reads differently. */
#include "server/http_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct head {
    const char *name; /* what it would catch */
    const char *method, *target, *version;
    struct {
        const char *name, *value;
    } fields[4];
    int status; /* 0: passes */
};

static struct guard_verdict verdict_of(const struct head *row)
{
    struct guard_field fields[4];
    size_t count = 0;
    while (count < COUNT(row->fields) && row->fields[count].name != NULL) {
        fields[count] = (struct guard_field){ text_of(row->fields[count].name), text_of(row->fields[count].value) };
        count++;
    }
    struct guard_head head = { text_of(row->method), text_of(row->target), text_of(row->version), fields, count };
    return guard_check(&head);
}

static void only_what_all_read_alike_passes(void **state)
{
    (void)state;
    static const struct head rows[] = {
        { "plain", "GET", "/v1/me", "HTTP/1.1", { { "Host", "a" } }, 0 },
        { "a length", "POST", "/", "HTTP/1.1", { { "Content-Length", "12" } }, 0 },
        { "chunked", "POST", "/", "HTTP/1.1", { { "transfer-encoding", "Chunked" } }, 0 },
        { "1.0 with a length", "POST", "/", "HTTP/1.0", { { "Content-Length", "0" } }, 0 },
        { "100-continue", "POST", "/", "HTTP/1.1", { { "Expect", "100-Continue" } }, 0 },
        { "a tab in a value", "GET", "/", "HTTP/1.1", { { "X-A", "a\tb" } }, 0 },
        { "both framings",
          "POST",
          "/",
          "HTTP/1.1",
          { { "Content-Length", "1" }, { "Transfer-Encoding", "chunked" } },
          400 },
        { "length twice", "POST", "/", "HTTP/1.1", { { "Content-Length", "1" }, { "content-length", "1" } }, 400 },
        { "coding twice",
          "POST",
          "/",
          "HTTP/1.1",
          { { "Transfer-Encoding", "chunked" }, { "Transfer-Encoding", "chunked" } },
          400 },
        { "another coding", "POST", "/", "HTTP/1.1", { { "Transfer-Encoding", "identity" } }, 400 },
        { "a list of codings", "POST", "/", "HTTP/1.1", { { "Transfer-Encoding", "chunked, chunked" } }, 400 },
        { "a vertical tab at the coding", "POST", "/", "HTTP/1.1", { { "Transfer-Encoding", "\vchunked" } }, 400 },
        { "chunked in 1.0", "POST", "/", "HTTP/1.0", { { "Transfer-Encoding", "chunked" } }, 400 },
        { "a signed length", "POST", "/", "HTTP/1.1", { { "Content-Length", "+1" } }, 400 },
        { "a list of lengths", "POST", "/", "HTTP/1.1", { { "Content-Length", "1, 1" } }, 400 },
        { "a length beyond all", "POST", "/", "HTTP/1.1", { { "Content-Length", "18446744073709551616" } }, 400 },
        { "two hosts", "GET", "/", "HTTP/1.1", { { "Host", "a" }, { "host", "a" } }, 400 },
        { "a blank in a name", "GET", "/", "HTTP/1.1", { { "Content-Length ", "1" } }, 400 },
        { "no name", "GET", "/", "HTTP/1.1", { { "", "1" } }, 400 },
        { "a CR in a value", "GET", "/", "HTTP/1.1", { { "X-A", "a\rb" } }, 400 },
        { "an absolute target", "GET", "http://a/", "HTTP/1.1", { { NULL, NULL } }, 400 },
        { "no target", "GET", "", "HTTP/1.1", { { NULL, NULL } }, 400 },
        { "octets in a target", "GET", "/\xc3\xa9", "HTTP/1.1", { { NULL, NULL } }, 400 },
        { "a fragment", "GET", "/a#b", "HTTP/1.1", { { NULL, NULL } }, 400 },
        { "version 2", "PRI", "*", "HTTP/2.0", { { NULL, NULL } }, 400 },
        { "version 1.2", "GET", "/", "HTTP/1.2", { { NULL, NULL } }, 400 },
        { "lower case", "get", "/", "HTTP/1.1", { { NULL, NULL } }, 400 },
        { "CONNECT", "CONNECT", "/", "HTTP/1.1", { { NULL, NULL } }, 400 },
        { "an expectation", "POST", "/", "HTTP/1.1", { { "Expect", "a=b" } }, 417 },
        { "an upgrade", "GET", "/", "HTTP/1.1", { { "Upgrade", "h2c" } }, 400 },
        { "a compressed body", "POST", "/", "HTTP/1.1", { { "Content-Encoding", "gzip" } }, 415 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct guard_verdict verdict = verdict_of(&rows[i]);
        if (verdict.status != rows[i].status)
            print_error("%s: %d, not %d\n", rows[i].name, verdict.status, rows[i].status);
        assert_int_equal(verdict.status, rows[i].status);
        assert_true((verdict.sentence == NULL) == (verdict.status == 0));
    }
}

static void a_body_is_seen_before_it_comes(void **state)
{
    (void)state;
    static const struct head length = { "", "POST", "/", "HTTP/1.1", { { "Content-Length", "70000000000" } }, 0 };
    static const struct head none = { "", "POST", "/", "HTTP/1.1", { { "Content-Length", "0" } }, 0 };
    static const struct head chunks = { "", "POST", "/", "HTTP/1.1", { { "Transfer-Encoding", "chunked" } }, 0 };
    assert_true(verdict_of(&length).body && verdict_of(&length).content_length == 70000000000);
    assert_false(verdict_of(&none).body);
    assert_true(verdict_of(&chunks).body && verdict_of(&chunks).chunked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_all_read_alike_passes),
        cmocka_unit_test(a_body_is_seen_before_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
