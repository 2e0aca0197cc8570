/*
 * route — from a method and a target to the operation of the contract, and its handler.
 *
 * The table `routes` is made from api/openapi.yaml. A target is matched as it came: each segment is decoded once, and an
 * encoded slash stays inside its segment. No prefixes, no case folding, no ".": what the contract does not have is not
 * found.
 */
#pragma once

#include "server/schema.h"

struct request;

enum route_who {
    WHO_ANYONE,   /* no key */
    WHO_OPERATOR, /* an operator's key */
    WHO_CUSTOMER, /* a customer's, or an operator's for a customer */
    WHO_BOTH,     /* either, each with a meaning of its own */
};

struct parameter {
    const char *name;
    const struct schema *schema;
    int64_t standard; /* of an integer that is absent */
};

enum { ROUTE_IN_PATH_MAX = 2 };

struct route {
    const char *method, *path, *name;
    enum route_who who;
    const char *scope; /* NULL: none is needed */
    void (*handle)(struct request *request);
    const struct schema *body; /* NULL: none belongs here */
    size_t body_max;
    bool merge_patch;
    bool secret; /* its answer holds one: kept sealed with an Idempotency-Key */
    const struct parameter *query;
    size_t query_count;
    const struct parameter *in_path;
    size_t in_path_count;
};

enum route_word { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

struct route_match {
    enum route_word word;
    const struct route *route;
    struct text in_path[ROUTE_IN_PATH_MAX]; /* decoded, in the arena */
    struct text allow;                      /* the methods of the path; only ROUTE_NO_METHOD */
};

/* path: the target up to its '?', as it came. */
struct route_match route_of(struct arena *arena, struct text method, struct text path);
bool route_writes(const struct route *route); /* anything but GET */
/* %41 becomes A; false for half an escape, a NUL, or what is no UTF-8 afterwards. */
MUST_USE bool route_decode(struct arena *arena, struct text encoded, bool plus_is_space, struct text *decoded);
