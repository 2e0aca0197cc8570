/*
 * mailbox_plan — a mailbox's row as policy sees it: its next free slot, and its plan for the days ahead.
 */
#pragma once

#include "policy/booking.h"

#include "server/request.h"

struct mailboxes_read_row;
struct mailbox_slots_row;

/* False: it has no IP, or this machine does not know its zone. */
MUST_USE bool mailbox_rules(struct request *request, const struct mailboxes_read_row *row,
                            struct booking_mailbox *rules);
/* The earliest opening: as laid, or where none is laid as it would be. INSTANT_NONE: none within the horizon. */
struct instant mailbox_next_free(struct request *request, const struct mailboxes_read_row *row);

/* The slots of a mailbox by key: what is taken, as mailbox_slots gave it, and what the plan has beside it. */
struct plan_days {
    struct day first;
    int32_t count;
    const struct mailbox_slots_row *taken;
    size_t taken_count;
};
json_t *mailbox_plan_json(struct request *request, const struct mailboxes_read_row *row, const struct plan_days *days);
