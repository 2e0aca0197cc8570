/*
 * pacing_store — what receivers told an IP survives a restart: policy/pacing's plain struct, a row a receiver.
 *
 * A lane loads all of its rows before it opens anything, and saves one whenever it changes. A hold that was not there
 * before is an event, `ip.held`. An operator's release of a
 * hold is a change of the row; the running lane hears of it by loading again now and then.
 */
#pragma once

#include "policy/pacing.h"

#include "ledger/act.h"

struct pacing_row {
    struct text receiver;
    struct pacing pacing; /* limit_max is not stored: pacing_restored() */
    int16_t connections;  /* open now, for people to see */
    struct instant updated_at;
};

enum pacing_store_word { PACING_STORE_DONE, PACING_STORE_AGAIN };

struct pacing_load {
    struct uuid customer; /* given */
    struct uuid ip;
    void (*told)(struct pacing_load *load);

    enum pacing_store_word word; /* told */
    struct pacing_row *rows;     /* until `told` returns */
    size_t count;

    struct act act; /* the ledger's own */
    size_t asked;
};
void pacing_load(struct ledger *ledger, struct pacing_load *load);

struct pacing_save {
    struct uuid customer; /* given */
    struct uuid ip;
    struct pacing_row row;
    void (*told)(struct pacing_save *save);

    enum pacing_store_word word; /* told */

    struct act act; /* the ledger's own */
    struct act_step step;
    size_t asked;
};
void pacing_save(struct ledger *ledger, struct pacing_save *save);

/* For the API, in its open transaction: lifts the hold; a probe follows. */
struct pacing_release {
    struct uuid ip; /* given */
    struct text receiver;
    void (*done)(struct pacing_release *release);

    bool found; /* told */

    struct act_step step; /* the ledger's own */
    size_t asked;
};
void pacing_release_hold(struct act *act, struct pacing_release *release);
