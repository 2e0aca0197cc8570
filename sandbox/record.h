/*
 * record — what this receiver saw, by its own count: the judge's book.
 *
 * A source (a client's address) has a connection open from our accept until we have read its end-of-file, or know that it
 * is dead, and closed; a refused one counts as long as it is open. A final dot is written down when its last octet was
 * read, before it is answered, also when no answer follows.
 *
 * One life of a connection: record_opened(), perhaps record_refused(), record_dot() …, perhaps record_eof(),
 * record_closed(). The newest connections and dots are kept one by one, the sums of a source for all.
 * record_forget() starts anew: what is open stays counted, and most_open starts from it.
 */
#pragma once

#include "base/hash.h"
#include "base/instant.h"

#define RECORD_SOURCES_MAX     65536
#define RECORD_CONNECTIONS_MAX 65536              /* kept one by one; a power of two */
#define RECORD_DOTS_MAX        262144             /* likewise */
#define RECORD_WORDS_MAX       (64 * 1024 * 1024) /* octets of addresses and replies kept with the dots */

struct record;

/* A moment by both clocks: the rules' and the real one. */
struct moment {
    struct instant at;
    struct tick tick;
};

#define MOMENT_NONE ((struct moment){ INSTANT_NONE, TICK_NONE })

struct source {
    size_t open, most_open;
    uint64_t connections, dots, refused, throttled, bytes;
    size_t length;
    char address[];
};

enum seen_end {
    SEEN_OPEN,
    SEEN_QUIT,    /* after QUIT, in order */
    SEEN_REFUSED, /* we ended it with a reply */
    SEEN_LOST,    /* the client ended it without QUIT */
    SEEN_RESET,   /* the client's reset, or an error of the socket */
    SEEN_TIMEOUT, /* a deadline of ours */
    SEEN_DROPPED, /* a rule, or a recipient, had us vanish */
    SEEN_STOPPED, /* the sandbox ended */
};

struct seen_connection {
    uint64_t number; /* from 1 */
    const struct source *source;
    struct moment opened, eof, closed; /* eof: the client's */
    enum seen_end end;
    size_t open_then; /* connections of the source, this one included, when it was accepted */
    uint64_t dots;
};

struct seen_dot {
    uint64_t number; /* from 1 */
    const struct source *source;
    uint64_t connection;
    struct moment moment;
    size_t recipients;
    struct text from, to, reply; /* to: joined by LF; reply: its first line, none when nothing was said */
    char *words;                 /* from and to lie here */
    char *reply_words;
};

struct record *record_new(struct hash_key seed); /* yours, until record_free() */
void record_free(struct record **record);
void record_forget(struct record *record);

/* The source of that address, made when it is new; NULL: there are too many. Lives as long as the record. */
struct source *record_source(struct record *record, struct text address);
struct text source_text(const struct source *source);

uint64_t record_opened(struct record *record, struct source *source, struct moment now); /* its number */
void record_refused(struct source *source, bool throttled);
void record_bytes(struct source *source, size_t length);
uint64_t record_dot(struct record *record, struct source *source, uint64_t connection, struct text from,
                    const struct text *to, size_t recipients, struct moment now);
void record_reply(struct record *record, uint64_t dot, struct text reply);
void record_eof(struct record *record, uint64_t connection, struct moment now);
void record_closed(struct record *record, struct source *source, uint64_t connection, enum seen_end end,
                   struct moment now);

/* To read it: the next source (map_next()'s manner), and what is kept under a number; NULL: forgotten, or not yet. */
const struct source *record_next_source(const struct record *record, size_t *place);
const struct seen_connection *record_connection(const struct record *record, uint64_t number);
const struct seen_dot *record_dot_seen(const struct record *record, uint64_t number);
/* The first number that may be kept, and the one behind the last. */
uint64_t record_connections_first(const struct record *record);
uint64_t record_connections_end(const struct record *record);
uint64_t record_dots_first(const struct record *record);
uint64_t record_dots_end(const struct record *record);
struct hash_key record_seed(const struct record *record); /* for maps of the same strangers' words */
const char *seen_end_name(enum seen_end end);
