/*
 * http_guard — what a head may not hold: the forms that two readers of HTTP may read differently, and what nobody here
 * offers. libmicrohttpd lets all of them through.
 */
#pragma once

#include "base/text.h"

struct guard_field {
    struct text name, value;
};

struct guard_head {
    struct text method, target, version;
    const struct guard_field *fields;
    size_t count;
};

struct guard_verdict {
    int status; /* 0: it may pass */
    const char *sentence;
    bool body;               /* one is announced */
    bool chunked;            /* of unknown length */
    uint64_t content_length; /* else this long */
};

struct guard_verdict guard_check(const struct guard_head *head);
