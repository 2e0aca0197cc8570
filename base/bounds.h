/*
 * bounds — every limit on what comes from outside, each with its reason, checked against each other at the end.
 *
 * A number with a unit says the unit last. Limits that a customer meets stand in api/openapi.yaml too; the generator
 * refuses a contract that promises more than stands here.
 */
#pragma once

#include <assert.h>

/* The product's own: DESIGN.md sections 1 and 4. */
#define BOUND_DAILY_CAP         2    /* messages of a mailbox in one local day, at most */
#define BOUND_SLOT_HORIZON_DAYS 90   /* how far ahead an opening may be */
#define BOUND_BOOKING_CHUNK     1000 /* openings locked by one statement: more starves single bookings */
#define BOUND_WINDOW_MIN_US     (15LL * 60 * 1000000) /* a window shorter than this cannot spread anything */
#define BOUND_DAY_END_MARGIN_US (30LL * 1000000)      /* no slot is good later than this before its local day ends */
#define BOUND_AUTHORIZATION_US  (10LL * 1000000)      /* how long an authorization may be used, real time */
#define BOUND_ATTEMPTS          12                    /* then a message is expired */
#define BOUND_LIFETIME_DAYS     30                    /* after its first attempt, likewise */
#define BOUND_CONNECTIONS       2                     /* of one IP to one receiver: the most that is ever allowed */
#define BOUND_HOLD_MIN_US       (30LL * 1000000)      /* a throttled receiver is left alone at least this long */
#define BOUND_HOLD_MAX_US       (3600LL * 1000000)    /* and at most this long, unless its entry asks for more */
#define BOUND_OWNER_SILENT_US   (20LL * 1000000)      /* a lane without an answer from the database ends its sessions */
#define BOUND_IDLE_SESSION_US   (20LL * 1000000) /* a session is kept only if the next message is nearer than this */

/* Mail: RFC 5321 §4.5.3.1, RFC 5322 §2.1.1. */
#define BOUND_LOCAL_PART     64
#define BOUND_DOMAIN         255
#define BOUND_ADDRESS        254 /* RFC 3696 erratum 1690: what fits a path of 256 with its brackets */
#define BOUND_LINE           998 /* octets of a line of content, without CRLF */
#define BOUND_SUBJECT        998
#define BOUND_NAME           800                /* a display or file name, octets: the contract allows 200 characters */
#define BOUND_MESSAGE        (10 * 1024 * 1024) /* the parts of a message, decoded: Gmail takes 25 MB, outreach needs less */
#define BOUND_CONTENT        (16 * 1024 * 1024) /* the composed message: base64 costs a third, headers a little */
#define BOUND_CUSTOM_HEADERS 20
#define BOUND_ATTACHMENTS    10

/* A stranger's SMTP replies: RFC 5321 §4.5.3.1.5 says 512; the field is seen to send more. T18. */
#define BOUND_REPLY_LINE  2048
#define BOUND_REPLY       (64 * 1024)
#define BOUND_REPLY_LINES 200
#define BOUND_TRANSCRIPT  (8 * 1024) /* kept with an attempt */

/* HTTP: T85, T86. */
#define BOUND_HTTP_HEAD             (16 * 1024)
#define BOUND_HTTP_BODY             (16 * 1024 * 1024) /* a message with attachments in base64 */
#define BOUND_HTTP_BODY_SMALL       (1024 * 1024)      /* every other request */
#define BOUND_HTTP_HEAD_US          (10LL * 1000000)
#define BOUND_HTTP_BODY_US          (30LL * 1000000)
#define BOUND_HTTP_IDLE_S           60
#define BOUND_HTTP_CONNECTIONS      4096
#define BOUND_JSON_DEPTH            32
#define BOUND_IDEMPOTENCY_KEY       255
#define BOUND_IDEMPOTENCY_HOURS     48
#define BOUND_PAGE                  200 /* rows of a list */
#define BOUND_MAILBOXES_PER_REQUEST 500

/* Sockets. */
#define BOUND_CONNECTION_OUT (256 * 1024) /* bytes that wait for a slow peer before a writer must wait too */

/* The database. */
#define BOUND_DESCRIPTORS          64               /* below: the loop, the log and the database's pools need as many */
#define BOUND_PG_CONNECTIONS       16               /* of a pool: two cores gain nothing from more */
#define BOUND_PG_QUEUE             20000            /* transactions waiting for a connection */
#define BOUND_PG_WAIT_US           (5LL * 1000000)  /* how long a transaction waits for a connection: then 503 */
#define BOUND_PG_ANSWER_US         (30LL * 1000000) /* a server silent for longer is given up, its word unknown */
#define BOUND_PG_IDLE_US           (10LL * 1000000) /* a transaction left open is rolled back by the server */
#define BOUND_CLOCK_SKEW_US        (30LL * 1000000) /* between a host and PostgreSQL: more halts the host's lanes */
#define BOUND_STATEMENT_US         (3LL * 1000000)  /* statement_timeout of what a lane asks */
#define BOUND_STATEMENT_TAKES      128              /* parameters of a statement (tools/statements.py) */
#define BOUND_STATEMENTS_PER_ROUND 4096             /* statements of one transaction between two syncs */

#define BOUND_ASIDE                                                                                                    \
    (256 * 1024) /* octets: what has more to read or write is another thread's, 13 MiB take 0.3 s (T179) */
#define BOUND_LOOP_US (50LL * 1000) /* of CPU time, for one callback: meanwhile nobody else is heard (T179) */
#define BOUND_PAGE_US 20 /* more for each page of memory first touched: a virtual machine's host may have to find it */

/* A connection of a lane, real time. */
#define BOUND_CONNECT_US    (60LL * 1000000) /* Linux's own SYN retries give up after two minutes: nobody waits for that */
#define BOUND_CLOSE_US      (30LL * 1000000) /* for the peer's end-of-file after our QUIT and half-close; then a reset */
#define BOUND_GRACE_US      (30LL * 1000000) /* a permit rests this long after a reset: the peer may still count us (T40) */
#define BOUND_UNHEARD_US    (600LL * 1000000) /* and this long if it did not hear the reset: until its own time is over */
#define BOUND_AGENDA        64                /* slots of a lane read ahead */
#define BOUND_ROUTES        10000             /* routes that a worker keeps in memory */
#define BOUND_IN_DOUBT_US   (15LL * 60 * 1000000) /* a lane marks its own authorized ones older than this */
#define BOUND_TAKEOVER_US   (180LL * 1000000)     /* the kernel gives orphaned sockets up within about two minutes */
#define BOUND_OTHER_HOST_US (600LL * 1000000)     /* without a clean end of an owner elsewhere */

static_assert(BOUND_STATEMENT_US < BOUND_AUTHORIZATION_US, "an authorization must still be good when its answer comes");
static_assert(BOUND_LOCAL_PART + 1 + 3 <= BOUND_ADDRESS, "an address holds a local-part, an @ and a domain");
static_assert(BOUND_MESSAGE / 3 * 4 + BOUND_MESSAGE / 54 < BOUND_CONTENT,
              "a message in base64 with its line ends fits");
static_assert(BOUND_MESSAGE / 3 * 4 < BOUND_HTTP_BODY, "a message in base64 fits a request");
static_assert(BOUND_REPLY_LINE < BOUND_REPLY, "a reply holds a line");
static_assert(BOUND_HOLD_MIN_US < BOUND_HOLD_MAX_US, "a hold can grow");
static_assert(BOUND_DAY_END_MARGIN_US < BOUND_WINDOW_MIN_US, "a window is longer than what is cut from its end");
