/*
 * pacing_write — a receiver's row within a transaction, and the event of a hold that is new. pacing_write_ask() before the
 * read that the transaction does anyway, pacing_write() after it.
 */
#pragma once

#include "ledger/pacing_store.h"

size_t pacing_write_ask(struct act *act, struct uuid ip, struct text receiver);
void pacing_write(struct act *act, struct uuid ip, const struct pacing_row *row, size_t asked);
