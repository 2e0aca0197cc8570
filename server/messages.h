/*
 * messages — a message as JSON, for those who send, read and change one.
 */
#pragma once

#include "server/request.h"

/* That one, from a reading or writing transaction: NULL if it was answered. */
json_t *message_read_one(struct request *request, struct transaction *transaction, struct uuid message);
