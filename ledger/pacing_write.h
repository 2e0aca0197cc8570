/*
 * pacing_write — a receiver's row within a larger transaction: an outcome carries what it told us. Asked, not sent.
 */
#pragma once

#include "ledger/pacing_store.h"

void pacing_write(struct act *act, struct uuid ip, const struct pacing_row *row);
