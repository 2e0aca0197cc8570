/*
 * server — what all requests of this program share.
 */
#pragma once

#include "io/loop.h"
#include "io/secret.h"

#include "ledger/ledger.h"

struct http;
struct authentication;
struct idempotency;
struct rates;
struct zones;

struct server {
    struct loop *loop;
    struct clock *clock;
    struct random *random;
    struct pg *pool;          /* evenpost_server: one customer a transaction */
    struct pg *operator_pool; /* evenpost_operator: reads across customers */
    struct ledger *ledger;
    struct http *http;
    struct authentication *authentication;
    struct idempotency *idempotency;
    struct rates *rates;
    struct zones *zones;
    struct secret_key *secret;
    uint8_t cursor_key[SECRET_DIGEST];
    const char *not_ready; /* why /readyz says no; NULL: ready */
    int64_t requests_per_minute, requests_at_once;
};
