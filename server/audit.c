#include "server/audit.h"

#include "server/render.h"
#include "server/request.h"
#include "server_statements.h"

enum { USER_AGENT_MAX = 255 };
enum activity { ACTIVITY_CREATE = 1, ACTIVITY_UPDATE = 3, ACTIVITY_DELETE = 4 }; /* OCSF's numbers */

void audit_before(struct request *request, const json_t *json)
{
    assert(request->before == NULL);
    request->before = request_lasting(json);
}

void audit_free(struct request *request)
{
    json_decref(request->before);
    request->before = NULL;
}

static enum activity activity_of(const struct request *request)
{
    struct text method = text_of(request->route->method);
    if (text_equal(method, TEXT("DELETE")))
        return ACTIVITY_DELETE;
    bool made = request->answer.status == 201 || request->answer.status == 202;
    return text_equal(method, TEXT("POST")) && made ? ACTIVITY_CREATE : ACTIVITY_UPDATE;
}

/* ---- what was changed ---- */

static const char *type_of_id(struct text id)
{
    static const char *const types[ID_KINDS] = {
        [ID_CUSTOMER] = "customer",
        [ID_MAILBOX] = "mailbox",
        [ID_MESSAGE] = "message",
        [ID_IP] = "ip",
        [ID_POOL] = "pool",
        [ID_DOMAIN] = "domain",
        [ID_KEY] = "key",
        [ID_EVENT] = "event",
        [ID_SUPPRESSION] = "suppression",
    };
    struct uuid uuid;
    for (int kind = 0; kind < ID_KINDS; kind++)
        if (types[kind] != NULL && id_parse(id, (enum id_kind)kind, &uuid) == ID_GOOD)
            return types[kind];
    return NULL;
}

static bool has_id(const json_t *resources, struct text id)
{
    for (size_t i = 0; i < json_array_size(resources); i++)
        if (text_equal(text_of(json_string_value(json_object_get(json_array_get(resources, i), "id"))), id))
            return true;
    return false;
}

static void add_resource(json_t *resources, const char *type, struct text id)
{
    json_array_append_new(resources, json_pack("{s:s,s:o}", "type", type, "id", render_text(id)));
}

static void add_made(json_t *resources, const json_t *of)
{
    const char *id = json_string_value(json_object_get(of, "id"));
    if (id != NULL && type_of_id(text_of(id)) != NULL && !has_id(resources, text_of(id)))
        add_resource(resources, type_of_id(text_of(id)), text_of(id));
}

/* What the path names, and what the answer does. */
static json_t *resources_of(const struct request *request)
{
    const struct route *route = request->route;
    json_t *resources = json_array();
    for (size_t i = 0; i < route->in_path_count; i++) {
        struct text value = request_in_path(request, i);
        const char *type = type_of_id(value);
        bool route_of_mail = text_equal(text_of(route->in_path[i].name), TEXT("domain"));
        add_resource(resources, type != NULL ? type : route_of_mail ? "route" : route->in_path[i].name, value);
    }
    add_made(resources, request->answer.json);
    const json_t *many = json_object_get(request->answer.json, "data");
    for (size_t i = 0; i < json_array_size(many); i++)
        add_made(resources, json_array_get(many, i));
    return resources;
}

static json_t *changes_of(const struct request *request)
{
    json_t *changes = json_array(), *value, *after = request_lasting(request->answer.json);
    const char *field;
    json_object_foreach(request->before, field, value)
    {
        json_t *now = json_object_get(after, field);
        if (now != NULL && !json_equal(value, now))
            json_array_append_new(changes, json_pack("{s:s,s:O,s:O}", "field", field, "before", value, "after", now));
    }
    json_decref(after);
    return changes;
}

static struct text words_of(struct arena *arena, json_t *json)
{
    char *dumped = json_dumps(json, JSON_COMPACT);
    assert(dumped != NULL);
    struct text text = text_copy(arena, text_of(dumped));
    memory_free(&dumped);
    json_decref(json);
    return text;
}

/* ---- the entry ---- */

static struct text user_agent_of(struct request *request)
{
    struct text given = exchange_header(request->exchange, "User-Agent", NULL);
    return text_is_none(given) ? TEXT_NONE : text_sane(request->arena, text_slice(given, 0, USER_AGENT_MAX));
}

static struct text source_of(struct request *request)
{
    struct ip peer = request->exchange->peer;
    return ip_is_none(peer) ? TEXT_NONE : ip_text(request->arena, peer);
}

static void write_of_operator(struct request *request, const struct audit_insert *entry)
{
    operator_audit_insert_ask(request->act.transaction, &(struct operator_audit_insert){
                                                            .audit = entry->audit,
                                                            .now = entry->now,
                                                            .operation = entry->operation,
                                                            .activity = entry->activity,
                                                            .key = entry->key,
                                                            .source = entry->source,
                                                            .user_agent = entry->user_agent,
                                                            .request_id = entry->request_id,
                                                            .traceparent = entry->traceparent,
                                                            .resources = entry->resources,
                                                            .changes = entry->changes,
                                                        });
}

void audit_write(struct request *request)
{
    struct audit_insert entry = {
        .customer = request->act.customer,
        .audit = act_id(&request->act),
        .now = request->now,
        .operation = text_of(request->route->name),
        .activity = (int16_t)activity_of(request),
        .by_operator = request->caller.is_operator,
        .key = request->caller.key,
        .source = source_of(request),
        .user_agent = user_agent_of(request),
        .request_id = request->id,
        .traceparent = request->traceparent,
        .resources = words_of(request->arena, resources_of(request)),
        .changes = words_of(request->arena, changes_of(request)),
    };
    if (uuid_is_nil(entry.customer))
        write_of_operator(request, &entry);
    else
        audit_insert_ask(request->act.transaction, &entry);
}
