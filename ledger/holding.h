/*
 * holding — the order in which rows are held, for all that moves a message: the domain and the person it is for, its mailbox,
 * the message. Then its slot, and openings. Pools and lanes come before mailboxes. Who keeps to it never waits for somebody who waits
 * for him; where it cannot be kept (a laying finds its mailbox late), the server ends one of two, and it is tried again.
 */
#pragma once

#include "ledger/act.h"

/* Asks; returns what message_hold was asked as. */
size_t holding_ask(struct act *act, struct uuid message);
