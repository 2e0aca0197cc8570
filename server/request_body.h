/*
 * request_body — what a request says, read against the contract: path, query, JSON.
 */
#pragma once

#include "server/request.h"

/* application/json, or where `merge_patch` also application/merge-patch+json; no charset but UTF-8. */
bool body_type_fits(struct text content_type, bool merge_patch);
/* Nesting of JSON text, without reading it: what is deeper than the bound is never parsed. */
size_t json_depth(struct text json);
/* Fills request->query and request->body. False: answered 400, 404 or 422. */
MUST_USE bool body_take(struct request *request);
