#include "base/bounds.h"

#include "routes.h"
#include "server/customers.h"
#include "server/keys.h"

void me_get(struct request *request)
{
    const struct caller *caller = &request->caller;
    struct transaction *transaction =
        caller->is_operator ? request_reading_platform(request) : request_reading_of(request, caller->customer);
    json_t *key = key_read_one(request, transaction, caller->customer, caller->key), *customer = json_null();
    if (key == NULL)
        return;
    if (!caller->is_operator)
        customer = customer_read_one(request, request_reading_of(request, caller->customer), caller->customer);
    if (customer == NULL) {
        json_decref(key);
        return;
    }
    json_t *limits =
        json_pack("{s:I,s:I,s:i,s:i}", "requests_per_minute", (json_int_t)request->server->requests_per_minute,
                  "requests_at_once", (json_int_t)request->server->requests_at_once, "body_bytes",
                  BOUND_HTTP_BODY_SMALL, "message_body_bytes", BOUND_HTTP_BODY);
    request_answer(request, 200,
                   json_pack("{s:s,s:o,s:o,s:o,s:o}", "kind", caller->is_operator ? "operator" : "customer", "key", key,
                             "customer", customer, "scopes", scopes_json(caller->scopes), "limits", limits));
}
