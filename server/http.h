/*
 * http — libmicrohttpd on the loop, and what is refused before it costs anything.
 *
 * One life of an exchange: the head is read (10 s); the guard looks at it (T85, T89, T92, T93: framing that others may
 * read differently, names that are no tokens, methods and expectations nobody has); `head` of the settings finds the
 * route and may refuse, or says how large a body may be; the body is read (30 s); `serve` is called, and sooner or later
 * exchange_answer(); the answer is written (30 s), and the exchange is gone. A client that leaves meanwhile is not noticed
 * until the answer: what it asked for is whole, or not at all (T98).
 *
 * Deadlines are absolute and real, and places are shared (server/crowd). A refusal closes the connection, so that what stands behind it is never read as a
 * request. What libmicrohttpd refuses by itself it answers in its own words.
 */
#pragma once

#include "base/hash.h"
#include "base/id.h"
#include "base/ip.h"

#include "io/loop.h"
#include "io/settings.h"

struct http;
struct route;

struct answer_header {
    const char *name;
    struct text value; /* visible ASCII that we made */
};

enum { ANSWER_HEADERS_MAX = 12 };

struct answer {
    int status;
    const char *content_type; /* NULL: no body */
    struct text body;         /* lives at least as long as the exchange */
    struct answer_header headers[ANSWER_HEADERS_MAX];
    size_t header_count;
    bool close; /* the connection, behind this answer */
};

void answer_header_add(struct answer *answer, const char *name, struct text value);

struct exchange {
    struct http *http;
    struct arena *arena; /* everything of this exchange */
    struct text method;
    struct text path, query;   /* as they came, up to and behind the first '?' */
    struct text body;          /* empty until it is whole */
    struct text in_path[2];    /* for whoever routes */
    const struct route *route; /* likewise */
    struct text content_type;  /* TEXT_NONE: none */
    struct ip peer;            /* who asks; behind a front of ours, who asked that */
    struct answer answer;      /* exchange_answer() sends it */
    bool closed;               /* the connection closes behind the answer, whatever it says */
    void *of;                  /* whoever serves */
    struct exchange_inside *inside;
};

/* The only value of that header; TEXT_NONE: it is absent. *twice, where given: it stands there more than once. */
struct text exchange_header(struct exchange *exchange, const char *name, bool *twice);
/* exchange->answer is complete. Once, from `serve` or later, never from `head`. */
void exchange_answer(struct exchange *exchange);

struct http_settings {
    struct ip ip;
    uint16_t port;
    const struct setting_texts *host_names; /* what we are called (server/host_name.h); lives as long as the http */
    const struct setting_texts *fronts;     /* proxies of ours (server/front.h) */
    struct hash_key seed;
    /* The head is there: *body_max, where a body belongs. False: refuse with exchange->answer. */
    bool (*head)(struct exchange *exchange, size_t *body_max);
    void (*serve)(struct exchange *exchange); /* the body is whole */
    /* What the guard refuses: fill exchange->answer. */
    void (*refuse)(struct exchange *exchange, int status, const char *sentence);
    void *of;
};

/* NULL: the address cannot be listened on (logged). */
struct http *http_new(struct loop *loop, const struct http_settings *settings);
void *http_of(const struct http *http);
size_t http_exchanges(const struct http *http); /* under way */
void http_quiesce(struct http *http);           /* takes no new connection */
void http_free(struct http **http);             /* no exchange is under way */
