/*
 * customers — a customer as JSON, for its own resource and for /me.
 */
#pragma once

#include "server/request.h"

/* Asks for that one in the reading or writing transaction, and renders it: NULL if there is none, or it was answered. */
json_t *customer_read_one(struct request *request, struct transaction *transaction, struct uuid customer);
