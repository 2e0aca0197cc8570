#include "server/authentication.h"

#include "base/map.h"

#include "io/clock.h"
#include "io/log.h"

#include "routes.h"
#include "server/request.h"
#include "server_statements.h"

enum { REMEMBERED_MAX = 10000 };

#define REMEMBERED_US (800 * US_PER_MS)

struct remembered {
    uint8_t digest[SECRET_DIGEST];
    struct caller caller;
    struct instant expires_at;
    struct tick until;
};

struct authentication {
    struct map *map; /* digest to struct remembered */
    struct hash_key seed;
};

struct authentication *authentication_new(struct hash_key seed)
{
    struct authentication *authentication = memory_make(struct authentication);
    authentication->seed = seed;
    authentication->map = map_new(seed);
    return authentication;
}

void authentication_forget(struct authentication *authentication)
{
    map_each (authentication->map, struct remembered, remembered)
        memory_free(&remembered);
    map_free(&authentication->map);
    authentication->map = map_new(authentication->seed);
}

void authentication_free(struct authentication **authentication)
{
    authentication_forget(*authentication);
    map_free(&(*authentication)->map);
    memory_free(authentication);
}

/* ---- scopes ---- */

uint64_t scope_bit(struct text scope)
{
    for (size_t i = 0; scopes_all[i] != NULL; i++)
        if (text_equal(scope, text_of(scopes_all[i])))
            return 1ULL << i;
    return 0;
}

uint64_t scopes_of_all(void)
{
    uint64_t scopes = 0;
    for (size_t i = 0; scopes_all[i] != NULL; i++)
        scopes |= 1ULL << i;
    return scopes;
}

uint64_t scopes_of_customers(void)
{
    return scopes_of_all() &
           ~(scope_bit(TEXT("routes:read")) | scope_bit(TEXT("routes:write")) | scope_bit(TEXT("ips:write")));
}

static uint64_t scopes_of(struct texts scopes)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < scopes.count; i++)
        bits |=
            text_equal(scopes.items[i], TEXT("*")) ? scopes_of_all() : scope_bit(scopes.items[i]); /* up's own key */
    return bits;
}

/* ---- keys ---- */

static bool is_secret(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.bytes[i];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
              byte == '-' || byte == '_'))
            return false;
    }
    return text.length >= 16 && text.length <= 128;
}

bool key_parse(struct text key, bool *is_operator, struct uuid *customer)
{
    struct text operators = TEXT("ep_op_"), customers = TEXT("ep_cus_");
    *customer = UUID_NIL;
    *is_operator = text_starts(key, operators);
    if (*is_operator)
        return is_secret(text_after(key, operators.length));
    if (!text_starts(key, customers))
        return false;
    struct text id = text_slice(key, 3, 4 + 26); /* cus_ and 26 characters: a TypeID as it stands */
    struct text rest = text_after(key, 3 + 4 + 26);
    return id_parse(id, ID_CUSTOMER, customer) == ID_GOOD && text_starts(rest, TEXT("_")) &&
           is_secret(text_after(rest, 1));
}

static bool refuse(struct request *request, const char *sentence)
{
    request_refuse(request, PROBLEM_UNAUTHORIZED, "%s", sentence);
    return false;
}

static bool look_up_operator(struct request *request, struct text digest, struct remembered *found)
{
    struct transaction *transaction = request_reading_platform(request);
    size_t asked = operator_key_find_ask(transaction, &(struct operator_key_find){ .hash = digest });
    if (!request_read(request))
        return false;
    if (operator_key_find_count(transaction, asked) == 0)
        return true;
    struct operator_key_find_row row = operator_key_find_get(transaction, asked, 0);
    found->caller = (struct caller){ true, true, UUID_NIL, row.key_id, scopes_of(row.scopes) };
    found->expires_at = row.expires_at;
    return true;
}

static bool look_up_customer(struct request *request, struct uuid customer, struct text digest,
                             struct remembered *found)
{
    struct transaction *transaction = request_reading_of(request, customer);
    size_t asked = api_key_find_ask(transaction, &(struct api_key_find){ .customer = customer, .hash = digest });
    if (!request_read(request))
        return false;
    if (api_key_find_count(transaction, asked) == 0)
        return true;
    struct api_key_find_row row = api_key_find_get(transaction, asked, 0);
    found->caller = (struct caller){ true, false, customer, row.key_id, scopes_of(row.scopes) & scopes_of_customers() };
    found->expires_at = row.expires_at;
    return true;
}

static void remember(struct authentication *authentication, const struct remembered *found)
{
    if (map_count(authentication->map) >= REMEMBERED_MAX)
        authentication_forget(authentication);
    struct remembered *kept = memory_make(struct remembered);
    *kept = *found;
    struct remembered *old = map_put(authentication->map, text_from((const char *)kept->digest, SECRET_DIGEST), kept);
    memory_free(&old);
}

static bool is_alive(const struct request *request, const struct remembered *found)
{
    return found->caller.known &&
           (instant_is_none(found->expires_at) || instant_before(request->now, found->expires_at));
}

bool authenticate(struct request *request)
{
    bool twice;
    struct text header = exchange_header(request->exchange, "Authorization", &twice);
    if (text_is_none(header) || twice)
        return refuse(request, "Give one key: `Authorization: Bearer KEY`.");
    if (!text_starts_fold(header, TEXT("Bearer ")))
        return refuse(request, "The key must come as `Authorization: Bearer KEY`.");
    struct text key = text_trim(text_after(header, 7));
    struct uuid customer;
    bool is_operator;
    if (!key_parse(key, &is_operator, &customer))
        return refuse(request, "This is no key, or none that lives.");
    struct remembered found = { .expires_at = INSTANT_NONE };
    secret_sha256(key, found.digest);
    struct text digest = text_from((const char *)found.digest, SECRET_DIGEST);
    const struct remembered *kept = map_find(request->server->authentication->map, digest);
    if (kept != NULL && tick_before(clock_tick(), kept->until)) {
        found = *kept;
    } else {
        found.until = tick_add(clock_tick(), REMEMBERED_US);
        if (!(is_operator ? look_up_operator(request, digest, &found)
                          : look_up_customer(request, customer, digest, &found)))
            return false;
        if (found.caller.known)
            remember(request->server->authentication, &found);
    }
    if (!is_alive(request, &found))
        return refuse(request, "This is no key, or none that lives.");
    request->caller = found.caller;
    return true;
}
