/*
 * verdict — what the conversation came to, in the words of policy/retry and of the ledger's outcome.
 */
#pragma once

struct delivery;

/* Fills delivery->outcome (and delivery->pacing, when the receiver's state moved) from its result. */
void verdict_fill(struct delivery *delivery);
