/*
 * plans — mailboxes as the rules see them: one row of the database, turned into policy's words.
 */
#pragma once

#include "policy/booking.h"

#include "ledger/act.h"

struct mailbox_plan {
    struct uuid mailbox, pool, ip;
    enum { PLAN_ACTIVE, PLAN_PAUSED, PLAN_CLOSED } state;
    enum { PLAN_CUSTOMER_ACTIVE, PLAN_CUSTOMER_SUSPENDED, PLAN_CUSTOMER_CLOSED } customer;
    bool domain_ready;
    int64_t version;
    struct day laid_until;        /* DAY_NONE: nothing is laid */
    struct booking_mailbox rules; /* rules.zone NULL: this machine does not know its zone */
};

/* Openings may be laid and taken: all is active, it has an IP, and its zone is known. */
MUST_USE bool plan_is_usable(const struct mailbox_plan *plan);

/* Asks; plans_get() in what hears it. In order of id. */
size_t plans_ask(struct act *act, const struct uuid *mailboxes, size_t count);
size_t plans_count(struct act *act, size_t asked);
struct mailbox_plan plans_get(struct act *act, size_t asked, size_t row);

/* Slot rows of a mailbox from yesterday to the horizon, in any zone: all that a laying has to respect. */
size_t taken_ask(struct act *act, struct uuid mailbox);
struct booking_taken *taken_get(struct act *act, size_t asked, size_t *count);
