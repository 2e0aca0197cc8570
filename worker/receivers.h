/*
 * receivers — what each receiver told this IP: the pacing of (IP, receiver), loaded before the lane opens anything, saved
 * with each outcome, and loaded again now and then, so that an operator's release is heard.
 */
#pragma once

#include "ledger/pacing_store.h"

#include "worker/permit.h"
#include "worker/routes.h"

struct receivers {
    struct worker *worker;
    struct uuid customer, ip;
    struct permit_book *book;
    struct arena *arena;
    struct map *states;
    struct pacing_load load;
    struct list saves;
    void (*loaded)(struct receivers *receivers); /* after each loading that worked */
    bool loading, known;                         /* known: loaded at least once */
};

/* One receiver, as this lane knows it; lives as long as `receivers`. */
struct receiver_state {
    struct text id;
    struct pacing pacing;
    struct instant updated_at;
    int16_t connections_told; /* what the database shows */
};

void receivers_init(struct receivers *receivers, struct worker *worker, struct uuid customer, struct uuid ip,
                    struct permit_book *book);
void receivers_end(struct receivers *receivers); /* when not receivers_are_busy() */
bool receivers_are_busy(const struct receivers *receivers);
void receivers_load(struct receivers *receivers);

struct receiver_state *receivers_find(struct receivers *receivers, const struct route *route);
/* The state moves on; the row to be saved with an outcome is left in *row. */
void receivers_hear(struct receivers *receivers, struct receiver_state *state, enum pacing_event event,
                    int64_t asked_us, struct instant now, struct pacing_row *row);
/* Saves by itself what no outcome carries: throttles outside a message, and how many connections are open. */
void receivers_save(struct receivers *receivers, struct receiver_state *state, struct instant now);
void receivers_tell_connections(struct receivers *receivers, struct instant now);
