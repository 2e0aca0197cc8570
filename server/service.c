/* service — what needs no key: is it alive, can it serve, and what is the contract. */
#include "routes.h"
#include "server/request.h"
#include "server_statements.h"

void healthz_get(struct request *request)
{
    request_answer(request, 200, json_pack("{s:s}", "status", "ok"));
}

void readyz_get(struct request *request)
{
    if (request->server->not_ready != NULL) {
        request_refuse(request, PROBLEM_UNAVAILABLE, "%s", request->server->not_ready);
        return;
    }
    struct transaction *transaction = request_reading_platform(request);
    transaction_hurry(transaction, US_PER_SECOND);
    (void)database_ready_ask(transaction);
    if (request_read(request))
        request_answer(request, 200, json_pack("{s:s}", "status", "ok"));
}

void openapi_get(struct request *request)
{
    request_answer(request, 200, NULL);
    request->answer.text = text_from(openapi_text, openapi_text_length);
    request->answer.content_type = "application/yaml";
}
