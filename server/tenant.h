/*
 * tenant — whose rows a request may see, and whether its key may do this at all.
 *
 * A customer's key sees that customer. An operator's names the customer with Evenpost-Customer, must do so on writes of
 * customer resources, and without it reads across customers.
 */
#pragma once

#include <stdbool.h>

#include "base/must.h"

struct request;

/* After authenticate(): sets request->customer. False: answered 400, 403 or 404. */
MUST_USE bool tenant_find(struct request *request);
