/*
 * works — the kinds of work there are, a struct each: what it looks for, how often, and what it does to a piece.
 *
 *   openings   lays openings of active mailboxes for whole days ahead                                       openings.c
 *   overdue    books messages anew whose slot passed its not_after, deferred ones first                     rebook.c
 *   waiting    books messages that wait without a slot, mailbox by mailbox, deferred ones first             waiting.c
 *   expiry     ends messages without a slot whose first attempt was thirty days ago                         rebook.c
 *   lanes      takes the IP of a lane that was not seen, so that nothing stays `sending` for ever           lanes.c
 *   history    makes the months of events and attempts ahead, also after the clock jumped                   retention.c
 *   passed     forgets openings that nobody took in time                                                    retention.c
 *   requests   forgets what idempotent requests were answered                                               retention.c
 *
 * Each is made in its file by NAME_work(), yours until NAME's crew is idle; memory_free() it then.
 */
#pragma once

#include "jobs/claim.h"

struct work *openings_work(void);
struct work *overdue_work(void);
struct work *waiting_work(void);
struct work *expiry_work(void);
struct work *lanes_work(void);
struct work *history_work(void);
struct work *passed_work(void);
struct work *requests_work(void);
