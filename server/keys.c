#include "server/keys.h"

#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server_statements.h"

/* The two tables of keys give the same row. */
static json_t *key_json(struct arena *arena, struct uuid customer, const struct api_keys_read_row *row)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id", render_id(arena, ID_KEY, row->key_id), "prefix",
                     render_text(row->prefix), "name", render_text(row->name), "scopes", render_texts(row->scopes),
                     "customer_id", render_id(arena, ID_CUSTOMER, customer), "created_at",
                     render_instant(arena, row->created_at), "expires_at", render_instant(arena, row->expires_at));
}

static struct api_keys_read_row as_api_key(struct operator_keys_read_row row)
{
    return (struct api_keys_read_row){ row.key_id, row.name, row.prefix, row.scopes, row.created_at, row.expires_at };
}

static size_t keys_ask(struct transaction *transaction, struct uuid customer, struct uuid key, struct uuid before,
                       int64_t wanted)
{
    if (uuid_is_nil(customer))
        return operator_keys_read_ask(transaction, &(struct operator_keys_read){ key, before, wanted });
    return api_keys_read_ask(transaction, &(struct api_keys_read){ customer, key, before, wanted });
}

static size_t keys_count(struct transaction *transaction, struct uuid customer, size_t asked)
{
    return uuid_is_nil(customer) ? operator_keys_read_count(transaction, asked)
                                 : api_keys_read_count(transaction, asked);
}

static struct api_keys_read_row keys_get_row(struct transaction *transaction, struct uuid customer, size_t asked,
                                             size_t row)
{
    return uuid_is_nil(customer) ? as_api_key(operator_keys_read_get(transaction, asked, row))
                                 : api_keys_read_get(transaction, asked, row);
}

json_t *key_read_one(struct request *request, struct transaction *transaction, struct uuid customer, struct uuid key)
{
    size_t asked = keys_ask(transaction, customer, key, page_newest, 1);
    if (!request_read(request))
        return NULL;
    if (keys_count(transaction, customer, asked) == 0) {
        request_not_found(request);
        return NULL;
    }
    struct api_keys_read_row row = keys_get_row(transaction, customer, asked, 0);
    return key_json(request->arena, customer, &row);
}

json_t *scopes_json(uint64_t scopes)
{
    json_t *list = json_array();
    for (size_t i = 0; scopes_all[i] != NULL; i++)
        if (scopes & 1ULL << i)
            json_array_append_new(list, json_string(scopes_all[i]));
    return list;
}

/* ---- make ---- */

/* What the new key may do: never more than the one who asks. False: answered 403. */
static bool scopes_wanted(struct request *request, uint64_t *scopes)
{
    uint64_t may = request->caller.scopes;
    if (!uuid_is_nil(request->customer))
        may &= scopes_of_customers();
    const json_t *wanted = json_object_get(request->body, "scopes");
    *scopes = may;
    if (wanted == NULL)
        return true;
    *scopes = 0;
    for (size_t i = 0; i < json_array_size(wanted); i++)
        *scopes |= scope_bit(text_of(json_string_value(json_array_get(wanted, i))));
    if ((*scopes & ~may) == 0)
        return true;
    request_refuse(request, PROBLEM_FORBIDDEN_SCOPE, "A key cannot give a scope that it does not have itself.");
    return false;
}

static struct texts scope_names(struct arena *arena, uint64_t scopes)
{
    struct text *names = arena_make_array(arena, struct text, 64);
    size_t count = 0;
    for (size_t i = 0; scopes_all[i] != NULL; i++)
        if (scopes & 1ULL << i)
            names[count++] = text_of(scopes_all[i]);
    return (struct texts){ names, count };
}

/* The head names whose it is, and is shown later with the first characters of the secret. */
struct made {
    struct text key, prefix, hash;
};

static struct made key_make(struct request *request)
{
    uint8_t bytes[24];
    struct arena *arena = request->arena;
    random_fill(request->server->random, bytes, sizeof bytes);
    struct text secret = text_base64url(arena, text_from((const char *)bytes, sizeof bytes));
    struct text head = uuid_is_nil(request->customer)
                           ? TEXT("ep_op_")
                           : text_format(arena, "ep_%.*s_", TEXT_ARG(id_text(arena, ID_CUSTOMER, request->customer)));
    struct made made = { .key = text_join(arena, head, secret) };
    made.prefix = text_slice(made.key, 0, head.length + 4);
    uint8_t *digest = arena_bytes(arena, SECRET_DIGEST);
    secret_sha256(made.key, digest);
    made.hash = text_from((const char *)digest, SECRET_DIGEST);
    return made;
}

void keys_create(struct request *request)
{
    uint64_t scopes;
    if (!scopes_wanted(request, &scopes))
        return;
    struct transaction *transaction = request->act.transaction;
    struct made made = key_make(request);
    struct uuid key = act_id(&request->act);
    struct text name = body_text(request->body, "name");
    struct instant expires_at = body_instant(request->body, "expires_at");
    struct texts names = scope_names(request->arena, scopes);
    if (uuid_is_nil(request->customer))
        operator_key_insert_ask(transaction, &(struct operator_key_insert){ key, name, made.prefix, made.hash, names,
                                                                            request->now, expires_at });
    else
        api_key_insert_ask(transaction, &(struct api_key_insert){ request->customer, key, name, made.prefix, made.hash,
                                                                  names, request->now, expires_at });
    json_t *json = key_read_one(request, transaction, request->customer, key);
    if (json == NULL)
        return;
    json_object_set_new(json, "key", render_text(made.key));
    request_location(request, "/v1/keys/%.*s", TEXT_ARG(id_text(request->arena, ID_KEY, key)));
    request_answer(request, 201, json);
}

/* ---- read, revoke ---- */

static struct transaction *reading(struct request *request)
{
    return uuid_is_nil(request->customer) ? request_reading_platform(request) : request_reading(request);
}

void keys_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    struct transaction *transaction = reading(request);
    size_t asked = keys_ask(transaction, request->customer, UUID_NIL, page.before, page_wanted(&page));
    if (!request_read(request))
        return;
    size_t count = keys_count(transaction, request->customer, asked), shown = page_shown(&page, count);
    struct uuid last = UUID_NIL;
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        struct api_keys_read_row row = keys_get_row(transaction, request->customer, asked, i);
        json_array_append_new(data, key_json(request->arena, request->customer, &row));
        last = row.key_id;
    }
    page_answer(request, &page, data, count, last);
}

void keys_get(struct request *request)
{
    json_t *json = key_read_one(request, reading(request), request->customer, request_id_in_path(request, ID_KEY));
    if (json != NULL)
        request_answer(request, 200, json);
}

void keys_delete(struct request *request)
{
    struct transaction *transaction = request->act.transaction;
    struct uuid key = request_id_in_path(request, ID_KEY);
    bool operators = uuid_is_nil(request->customer);
    size_t asked =
        operators ? operator_key_revoke_ask(transaction, &(struct operator_key_revoke){ key, request->now })
                  : api_key_revoke_ask(transaction, &(struct api_key_revoke){ request->customer, key, request->now });
    if (!request_read(request))
        return;
    size_t count = operators ? operator_key_revoke_count(transaction, asked) : api_key_revoke_count(transaction, asked);
    if (count == 0) {
        request_not_found(request);
        return;
    }
    authentication_forget(request->server->authentication);
    request_answer(request, 204, NULL);
}
