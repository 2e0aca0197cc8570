/*
 * booking_list — messages, one after the other, get the next opening of their mailboxes; in order, so that the earlier one
 * gets the earlier opening. The caller holds the mailboxes.
 */
#pragma once

#include "ledger/book.h"

struct booking_list {
    const struct uuid *messages; /* given */
    size_t count;
    bool displaced; /* they have slots, which they lose; else they wait without one */
    void (*done)(struct booking_list *list);

    struct act *act;
    struct book book;
    size_t next;
};

void booking_list_start(struct act *act, struct booking_list *list);
